"""Carts and orders."""

import datetime as dt
from decimal import Decimal

import factory
from django.utils import timezone
from factory.django import DjangoModelFactory

from cart.models import Cart, CartItem
from orders.models import Order, OrderItem
from tests.factories.catalogue import CourseFactory
from tests.factories.people import UserFactory


class CartFactory(DjangoModelFactory[Cart]):
    class Meta:
        model = Cart
        django_get_or_create = ("user",)

    user = factory.SubFactory(UserFactory)


class CartItemFactory(DjangoModelFactory[CartItem]):
    class Meta:
        model = CartItem

    cart = factory.SubFactory(CartFactory)
    course = factory.SubFactory(CourseFactory)


class OrderFactory(DjangoModelFactory[Order]):
    """A pending order of 49.99 without lines; `OrderItemFactory` adds one."""

    class Meta:
        model = Order

    user = factory.SubFactory(UserFactory)
    order_number = factory.Sequence(lambda n: f"ORD-1999-{n:05d}")
    currency = "usd"
    subtotal = Decimal("49.99")
    total_amount = factory.SelfAttribute("subtotal")
    expires_at = factory.LazyFunction(lambda: timezone.now() + dt.timedelta(hours=24))


class OrderItemFactory(DjangoModelFactory[OrderItem]):
    class Meta:
        model = OrderItem

    order = factory.SubFactory(OrderFactory)
    course = factory.SubFactory(CourseFactory)
    instructor = factory.SelfAttribute("course.instructor")
    title_at_purchase = factory.SelfAttribute("course.title")
    price_at_purchase = Decimal("49.99")
