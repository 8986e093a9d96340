"""Coupons."""

import factory
from factory.django import DjangoModelFactory

from orders.models import Coupon


class CouponFactory(DjangoModelFactory[Coupon]):
    """Ten percent off everything, for everybody, for ever."""

    class Meta:
        model = Coupon

    code = factory.Sequence(lambda n: f"SAVE{n}")
    percent_off = 10
