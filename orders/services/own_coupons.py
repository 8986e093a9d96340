"""Coupons as instructors make, change and remove them, for the courses they teach."""

import datetime as dt
import uuid
from collections.abc import Mapping
from decimal import Decimal
from typing import Final, TypedDict

from django.db import IntegrityError, transaction

from core.errors import Invalid
from courses import selectors as course_selectors
from orders.coupon_terms import find_contradictions
from orders.errors import CodeTaken, CouponNotFound
from orders.models import Coupon, Order
from orders.selectors.coupons import find_overused, look_ahead

_HAS_A_COURSE: Final = (
    "This coupon is for a course. Only `course_id` sets it: null makes it one for all of yours."
)


class CouponFields(TypedDict, total=False):
    """What an instructor may say of a coupon; a key that isn't there is left as it is."""

    code: str
    percent_off: int | None
    amount_off: Decimal | None
    course_id: uuid.UUID | None
    category_id: uuid.UUID | None
    minimum_amount: Decimal | None
    valid_from: dt.datetime | None
    valid_until: dt.datetime | None
    max_redemptions: int | None
    max_redemptions_per_person: int | None
    is_active: bool


def create_coupon(*, instructor_id: uuid.UUID, fields: CouponFields) -> uuid.UUID:
    """Make a coupon for the instructor's courses and return its id. `code` is given, in upper case.

    Raises CodeTaken, or Invalid when the terms contradict each other or the course isn't theirs.
    """
    coupon = Coupon(instructor_id=instructor_id, **fields)
    _require_sound(coupon, fields, {})
    try:
        with transaction.atomic():
            coupon.save(force_insert=True)
    except IntegrityError:
        if Coupon.objects.filter(code=coupon.code).exists():
            raise CodeTaken from None
        raise
    return coupon.id


def edit_coupon(
    *,
    instructor_id: uuid.UUID,
    coupon_id: uuid.UUID,
    fields: CouponFields,
    says_no_course: bool = False,
) -> None:
    """Change what is given of the instructor's coupon. Orders made with it keep what they got; its
    code stays what buyers have written down. `says_no_course`: the caller takes it for one without
    a course.

    Waits for orders being made with it. Raises CouponNotFound, or Invalid when the terms would
    contradict each other, the course isn't theirs, the code would change, a limit given is below
    what was used, or it has a course that the caller doesn't know of.
    """
    own = Coupon.objects.filter(id=coupon_id, instructor_id=instructor_id)
    ahead = look_ahead(coupons=own, limit=fields.get("max_redemptions_per_person"))
    with transaction.atomic():
        coupon = _lock_own(instructor_id, coupon_id)
        course_before = coupon.course_id
        if says_no_course and course_before is not None:
            raise Invalid("A value is not acceptable", course=[_HAS_A_COURSE])
        limit_before = coupon.max_redemptions_per_person
        if fields.get("code", coupon.code) != coupon.code:
            raise Invalid("A value is not acceptable", code=["A coupon's code can't be changed."])
        for name, value in fields.items():
            setattr(coupon, name, value)
        if coupon.course_id == course_before:
            # Also of one for a course since given away, which stays.
            fields = {**fields, "course_id": None}
        overused = find_overused(coupon=coupon, limit_before=limit_before, ahead=ahead)
        _require_sound(coupon, fields, overused)
        coupon.save()


def remove_coupon(*, instructor_id: uuid.UUID, coupon_id: uuid.UUID) -> bool:
    """Delete the instructor's coupon, or deactivate one that an order was ever made with; returns
    whether it is gone. Raises CouponNotFound."""
    with transaction.atomic():
        coupon = _lock_own(instructor_id, coupon_id)
        if not Order.objects.filter(coupon_id=coupon.id).exists():
            coupon.delete()
            return True
        coupon.is_active = False
        coupon.save(update_fields=["is_active", "updated_at"])
    return False


def _lock_own(instructor_id: uuid.UUID, coupon_id: uuid.UUID) -> Coupon:
    coupons = Coupon.objects.select_for_update(no_key=True)
    coupon = coupons.filter(id=coupon_id, instructor_id=instructor_id).first()
    if coupon is None:
        raise CouponNotFound
    return coupon


def _require_sound(coupon: Coupon, fields: CouponFields, overused: Mapping[str, str]) -> None:
    """Raise Invalid, naming each field, for terms that contradict each other, for a course given
    that somebody else teaches, and for a limit given below what was used."""
    faults = {names[0]: [text] for names, text in find_contradictions(coupon=coupon).items()}
    course_id = fields.get("course_id")
    if course_id is not None and not _teaches(coupon.instructor_id, course_id):
        faults["course_id"] = ["Not a course of yours."]
    faults |= {name: [text] for name, text in overused.items() if name in fields}
    if faults:
        raise Invalid("A value is not acceptable", **faults)


def _teaches(instructor_id: uuid.UUID | None, course_id: uuid.UUID) -> bool:
    course = course_selectors.get_courses_for_sale(course_ids=[course_id]).get(course_id)
    return course is not None and course.instructor_id == instructor_id
