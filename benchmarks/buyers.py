"""Writes people with a pending order each, and starts their payments: `python -m benchmarks.buyers
NUMBER`. Prints a line of JSON a payment: the intent's id and its client secret."""

import json
import sys
from decimal import Decimal
from uuid import UUID

from devtools.printable import be_printable


def main(count: int) -> None:
    """Write that many buyers into the database of the settings."""
    import django
    from django.conf import settings

    django.setup()
    # Nobody signs in: passwords that take nobody's time.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    from payments import services

    for order_id, user_id in _place_orders(count):
        intent = services.create_payment_intent(order_id=order_id, user_id=user_id)
        line = {"id": intent.payment_intent_id, "client_secret": intent.client_secret}
        print(json.dumps(line))  # noqa: T201


def _place_orders(count: int) -> list[tuple[UUID, UUID]]:
    from cart.models import Cart, CartItem
    from orders import services
    from tests.factories import InstructorFactory, UserFactory, make_course

    courses = [
        make_course(instructor=InstructorFactory.create(), price=Decimal("49.99"))
        for _ in range(20)
    ]
    placed = []
    for number in range(count):
        user = UserFactory.create()
        cart = Cart.objects.create(user=user)
        CartItem.objects.create(cart=cart, course=courses[number % len(courses)])
        order = services.create_from_cart(user_id=user.id, billing_address={}, coupon_code=None)
        placed.append((order.order_id, user.id))
    return placed


if __name__ == "__main__":
    be_printable()
    main(int(sys.argv[1]))
