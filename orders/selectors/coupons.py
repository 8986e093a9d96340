"""Reads of coupons: how often one is taken."""

import uuid

from django.db.models import Count, Q

from orders.coupon_rules import Uses
from orders.models import Coupon, CouponRedemption, Order


def find_coupon(*, code: str) -> Coupon | None:
    """Return the coupon with this code, in upper case, whether or not it may be used."""
    return Coupon.objects.filter(code=code).first()


def count_uses(*, coupon_id: uuid.UUID, user_id: uuid.UUID) -> Uses:
    """Return how often the coupon is taken, in all and by this person, by orders that are pending
    or were paid; the person's own pending order is left out. One query.

    Only under the coupon's lock can nobody else take it before the caller does.
    """
    of_others_or_paid = CouponRedemption.objects.filter(coupon_id=coupon_id).exclude(
        order__user_id=user_id, order__status=Order.Status.PENDING
    )
    counts = of_others_or_paid.aggregate(
        in_all=Count("id"), by_person=Count("id", filter=Q(user_id=user_id))
    )
    return Uses(**counts)
