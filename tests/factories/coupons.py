"""Coupons."""

import factory
from factory.django import DjangoModelFactory

from orders.models import Coupon, CouponRedemption, Order


class CouponFactory(DjangoModelFactory[Coupon]):
    """Ten percent off everything, for everybody, for ever."""

    class Meta:
        model = Coupon

    code = factory.Sequence(lambda n: f"SAVE{n}")
    percent_off = 10


def redeem(coupon: Coupon, order: Order) -> CouponRedemption:
    """Let the order have used the coupon."""
    return CouponRedemption.objects.create(coupon=coupon, order=order, user=order.user)
