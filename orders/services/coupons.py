"""Whether a coupon applies, and what it takes off each line."""

import uuid
from collections.abc import Sequence
from decimal import Decimal

from django.utils import timezone

from core.money import ZERO
from courses.selectors import CourseForSale
from orders.errors import CouponInvalid
from orders.models import Coupon, CouponRedemption
from orders.pricing import percent_of, share_out


def normalise_code(code: str | None) -> str | None:
    """Return the code as it is stored: stripped and in upper case; None for an empty one."""
    return (code or "").strip().upper() or None


def lock_coupon(*, code: str) -> Coupon:
    """Return the coupon when it may be used now, locked until the caller's transaction ends, so
    that nobody else takes the last redemption meanwhile. Raises CouponInvalid."""
    coupon = Coupon.objects.select_for_update(no_key=True).filter(code=code).first()
    now = timezone.now()
    if coupon is None or not coupon.is_active:
        raise CouponInvalid
    if coupon.valid_from is not None and coupon.valid_from > now:
        raise CouponInvalid("This coupon code is not valid yet")
    if coupon.valid_until is not None and coupon.valid_until <= now:
        raise CouponInvalid("This coupon code has expired")
    if coupon.max_redemptions is not None:
        used = CouponRedemption.objects.filter(coupon_id=coupon.id).count()
        if used >= coupon.max_redemptions:
            raise CouponInvalid("This coupon code has been used up")
    return coupon


def discount_lines(*, coupon: Coupon, courses: Sequence[CourseForSale]) -> dict[uuid.UUID, Decimal]:
    """Return what the coupon takes off each course it applies to; the parts add up to the whole.

    An amount never takes off more than these courses cost. Raises CouponInvalid when it applies to
    none of them, or there is nothing to take off.
    """
    eligible = [course for course in courses if coupon.course_id in (None, course.id)]
    total = sum((course.price for course in eligible), start=ZERO)
    if total == ZERO:
        raise CouponInvalid("This coupon code does not apply to the courses in the cart")
    if coupon.percent_off is not None:
        discount = percent_of(total, coupon.percent_off)
    else:
        discount = min(coupon.amount_off or ZERO, total)
    shares = share_out(amount=discount, weights=[course.price for course in eligible])
    return {course.id: share for course, share in zip(eligible, shares, strict=True)}
