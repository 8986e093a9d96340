"""Reads of coupons: how often one is taken, and what their instructors see of them."""

import datetime as dt
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypedDict

from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from orders.coupon_rules import Uses
from orders.errors import CouponNotFound
from orders.models import Coupon, CouponRedemption, Order

# What was used and couldn't be seen yet had been written at most so long before: an order is made
# in a moment, and the clocks of our machines differ by less.
_LONGEST_ORDERING = dt.timedelta(minutes=10)


class CourseOfCoupon(TypedDict):
    """The course a coupon is for."""

    id: uuid.UUID
    title: str


class CategoryOfCoupon(TypedDict):
    """The category a coupon is for."""

    id: uuid.UUID
    name: str
    slug: str


class CouponRow(TypedDict):
    """A coupon as its instructor sees it. `redemptions` counts orders that are pending or were
    paid; without a course and a category it is for all of theirs."""

    id: uuid.UUID
    code: str
    percent_off: int | None
    amount_off: Decimal | None
    course: CourseOfCoupon | None
    category: CategoryOfCoupon | None
    minimum_amount: Decimal | None
    valid_from: dt.datetime | None
    valid_until: dt.datetime | None
    max_redemptions: int | None
    max_redemptions_per_person: int | None
    is_active: bool
    redemptions: int
    created_at: dt.datetime


def find_coupon(*, code: str) -> Coupon | None:
    """Return the coupon with this code, in upper case, whether or not it may be used."""
    return Coupon.objects.filter(code=code).first()


def count_uses(*, coupon: Coupon, user_id: uuid.UUID) -> Uses:
    """Return how often the coupon is taken, in all and by this person, by orders that are pending
    or were paid; the person's own open order is left out, as a new one would take its place, unlike
    that of one whose money is on its way. One query, of the person's own uses: those of all are
    counted on the coupon.

    Only under the coupon's lock can nobody else take it before the caller does.
    """
    is_open = Q(order__status=Order.Status.PENDING, order__payment_in_progress_since=None)
    mine = CouponRedemption.objects.filter(coupon=coupon, user_id=user_id).aggregate(
        all=Count("id"), open=Count("id", filter=is_open)
    )
    return Uses(in_all=coupon.used_count - mine["open"], by_person=mine["all"] - mine["open"])


@dataclass(frozen=True, kw_only=True)
class LookAhead:
    """The most uses of a coupon by one person, as it was at that time, without the coupon's
    lock."""

    most: int
    at: dt.datetime


def look_ahead(*, coupons: QuerySet[Coupon], limit: int | None) -> LookAhead | None:
    """Count the uses of each person before the one coupon of these is locked, to be given this
    limit for each: of many it takes a while, in which nobody could order with it. None, and nothing
    counted, when the coupon's own limit isn't above this one, or there is no coupon."""
    coupon = coupons.first() if limit is not None else None
    if coupon is None or not _is_below(limit, coupon.max_redemptions_per_person):
        return None
    now = timezone.now()
    return LookAhead(most=_most_by_one(coupon), at=now)


def find_overused(
    *, coupon: Coupon, limit_before: int | None, ahead: LookAhead | None
) -> dict[str, str]:
    """Return in words, by its field, each limit of the coupon that is below what was used of it.
    `limit_before` is the one for each person that the coupon had, and `ahead` what was seen before
    it was locked. Only under the coupon's lock does the answer stay like that.

    One query where the limit for each person is lowered: of those who used it since, or of all who
    did when nobody looked ahead.
    """
    faults = {}
    if coupon.max_redemptions is not None and coupon.max_redemptions < coupon.used_count:
        faults["max_redemptions"] = _at_least(coupon.used_count, "It")
    limit = coupon.max_redemptions_per_person
    if limit is not None and _is_below(limit, limit_before):
        since = ahead.at - _LONGEST_ORDERING if ahead else None
        most = max(_most_by_one(coupon, since=since), ahead.most if ahead else 0)
        if limit < most:
            faults["max_redemptions_per_person"] = _at_least(most, "By one person it")
    return faults


def _is_below(limit: int | None, other: int | None) -> bool:
    """Whether one limit is stricter than the other; None is none."""
    return limit is not None and (other is None or limit < other)


def _most_by_one(coupon: Coupon, *, since: dt.datetime | None = None) -> int:
    """Return the most uses by one person, of those who used the coupon since then."""
    uses = CouponRedemption.objects.filter(coupon=coupon, user__isnull=False)
    if since is not None:
        uses = uses.filter(user__in=uses.filter(created_at__gte=since).values("user"))
    by_person = uses.order_by().values("user").annotate(uses=Count("id")).order_by("-uses")
    return by_person.values_list("uses", flat=True).first() or 0


def _at_least(uses: int, who: str) -> str:
    return f"{who} was used {uses} times already: the limit can't be below that."


def list_own_coupons(*, instructor_id: uuid.UUID) -> QuerySet[Coupon, Any]:
    """Return the instructor's coupons, newest first, to be paged and given to `show_coupons`."""
    coupons = Coupon.objects.filter(instructor_id=instructor_id).order_by("-created_at", "-id")
    return coupons.values(
        "id", "code", "percent_off", "amount_off", "course_id", "course__title", "category_id",
        "category__name", "category__slug", "minimum_amount", "valid_from", "valid_until",
        "max_redemptions", "max_redemptions_per_person", "is_active", "used_count", "created_at",
    )  # fmt: skip


def show_coupons(*, rows: Iterable[dict[str, Any]]) -> list[CouponRow]:
    """Return rows of `list_own_coupons` as they are shown. No query."""
    return [_show(row) for row in rows]


def get_own_coupon(*, instructor_id: uuid.UUID, coupon_id: uuid.UUID) -> CouponRow:
    """Return the instructor's coupon. One query. Raises CouponNotFound, also for another's."""
    row = list_own_coupons(instructor_id=instructor_id).filter(id=coupon_id).first()
    if row is None:
        raise CouponNotFound
    return _show(row)


def _show(row: dict[str, Any]) -> CouponRow:
    course, category = row["course_id"], row["category_id"]
    return {
        "id": row["id"],
        "code": row["code"],
        "percent_off": row["percent_off"],
        "amount_off": row["amount_off"],
        "course": {"id": course, "title": row["course__title"]} if course else None,
        "category": {
            "id": category, "name": row["category__name"], "slug": row["category__slug"],
        } if category else None,
        "minimum_amount": row["minimum_amount"],
        "valid_from": row["valid_from"],
        "valid_until": row["valid_until"],
        "max_redemptions": row["max_redemptions"],
        "max_redemptions_per_person": row["max_redemptions_per_person"],
        "is_active": row["is_active"],
        "redemptions": row["used_count"],
        "created_at": row["created_at"],
    }  # fmt: skip
