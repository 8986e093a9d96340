"""Whether a coupon applies to what somebody buys, and what it takes off each course. No database:
cart and checkout ask the same question here, the one with a look, the other under locks."""

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from django.utils import timezone

from core.money import ZERO
from courses.selectors import CourseForSale
from orders.errors import CouponInvalid
from orders.models import Coupon
from orders.pricing import percent_of, share_out
from orders.quotes import is_chargeable


class Refusal(StrEnum):
    """Why a coupon doesn't apply: the first of these that is true, in this order."""

    UNKNOWN = "unknown"
    INACTIVE = "inactive"
    NOT_STARTED = "not_started"
    EXPIRED = "expired"
    USED_BY_YOU = "used_by_you"
    USED_UP = "used_up"
    NOT_APPLICABLE = "not_applicable"
    BELOW_MINIMUM = "below_minimum"
    BELOW_CHARGE_MINIMUM = "below_charge_minimum"


_WORDS = {
    Refusal.UNKNOWN: "There is no such coupon code",
    Refusal.INACTIVE: "This coupon code is no longer in use",
    Refusal.NOT_STARTED: "This coupon code is not valid yet",
    Refusal.EXPIRED: "This coupon code has expired",
    Refusal.USED_BY_YOU: "You have used this coupon code as often as you may",
    Refusal.USED_UP: "This coupon code has been used up",
    Refusal.NOT_APPLICABLE: "This coupon code does not apply to any course in the cart",
    Refusal.BELOW_MINIMUM: "The courses this coupon code applies to cost too little together",
    Refusal.BELOW_CHARGE_MINIMUM: "With this coupon code, less would be left than can be charged",
}


@dataclass(frozen=True, kw_only=True)
class Uses:
    """How often a coupon is taken, the buyer's own pending order left out: a new one would either
    be that order again or take its place."""

    in_all: int = 0
    by_person: int = 0


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What a coupon does: a `refusal`, or what it takes off each course, by id."""

    refusal: Refusal | None = None
    discounts: dict[uuid.UUID, Decimal] = field(default_factory=dict)

    @property
    def discount(self) -> Decimal:
        """All that is taken off."""
        return sum(self.discounts.values(), start=ZERO)


def normalise_code(code: str | None) -> str:
    """Return the code as it is stored: stripped and in upper case; "" for none."""
    return (code or "").strip().upper()


def judge_coupon(*, coupon: Coupon | None, uses: Uses, courses: Sequence[CourseForSale]) -> Verdict:
    """Return whether the coupon applies to these courses now, and what it takes off them.

    The discounts add up to the coupon's percentage or amount exactly, and none exceeds its
    course's price. None for `coupon` is one that doesn't exist.
    """
    if coupon is None:
        return Verdict(refusal=Refusal.UNKNOWN)
    refusal = _refuse_now(coupon, timezone.now()) or _refuse_again(coupon, uses)
    if refusal is not None:
        return Verdict(refusal=refusal)
    eligible = [course for course in courses if applies_to(coupon=coupon, course=course)]
    discount = _take_off(coupon, _sum(eligible))
    if discount == ZERO:
        return Verdict(refusal=Refusal.NOT_APPLICABLE)
    if coupon.minimum_amount is not None and _sum(eligible) < coupon.minimum_amount:
        return Verdict(refusal=Refusal.BELOW_MINIMUM)
    if not is_chargeable(_sum(courses) - discount):
        return Verdict(refusal=Refusal.BELOW_CHARGE_MINIMUM)
    shares = share_out(amount=discount, weights=[course.price for course in eligible])
    pairs = zip(eligible, shares, strict=True)
    return Verdict(discounts={course.id: share for course, share in pairs})


def applies_to(*, coupon: Coupon, course: CourseForSale) -> bool:
    """Whether the course is within the coupon's scope; an instructor's coupon reaches no further
    than the courses they teach now."""
    return (
        coupon.course_id in (None, course.id)
        and coupon.category_id in (None, course.category_id)
        and coupon.instructor_id in (None, course.instructor_id)
    )


def require_valid(*, verdict: Verdict, code: str, coupon: Coupon | None) -> None:
    """Raise CouponInvalid, with the reason's word in its details, for a coupon that is refused."""
    if verdict.refusal is None:
        return
    details: dict[str, object] = {"code": code, "reason": verdict.refusal.value}
    if coupon is not None and verdict.refusal is Refusal.BELOW_MINIMUM:
        details["minimum_amount"] = coupon.minimum_amount
    raise CouponInvalid(_WORDS[verdict.refusal], **details)


def _refuse_now(coupon: Coupon, now: dt.datetime) -> Refusal | None:
    if not coupon.is_active:
        return Refusal.INACTIVE
    if coupon.valid_from is not None and coupon.valid_from > now:
        return Refusal.NOT_STARTED
    if coupon.valid_until is not None and coupon.valid_until <= now:
        return Refusal.EXPIRED
    return None


def _refuse_again(coupon: Coupon, uses: Uses) -> Refusal | None:
    mine, all_of_them = coupon.max_redemptions_per_person, coupon.max_redemptions
    if mine is not None and uses.by_person >= mine:
        return Refusal.USED_BY_YOU
    if all_of_them is not None and uses.in_all >= all_of_them:
        return Refusal.USED_UP
    return None


def _take_off(coupon: Coupon, total: Decimal) -> Decimal:
    if coupon.percent_off is not None:
        return percent_of(total, coupon.percent_off)
    return min(coupon.amount_off or ZERO, total)


def _sum(courses: Sequence[CourseForSale]) -> Decimal:
    return sum((course.price for course in courses), start=ZERO)
