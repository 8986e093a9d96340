"""Writes the cart and the wishlist of the demo student."""

import datetime as dt
from collections.abc import Mapping

from api.demo.rows.inserting import insert_dated
from api.demo.sources import StudentSource
from cart.models import Cart, CartItem, WishlistItem
from courses.models import Course
from users.models import User


def fill_cart_and_wishlist(
    *, student: StudentSource, user: User, courses: Mapping[str, Course], now: dt.datetime
) -> None:
    """Put the student's courses where they mean to buy them, and where they dream of them."""
    cart = Cart.objects.create(user=user)
    items = [
        CartItem(cart=cart, course=courses[slug], added_at=now - dt.timedelta(hours=4 - number))
        for number, slug in enumerate(student.cart)
    ]
    insert_dated(CartItem, items, dates=("added_at",))
    wishes = [
        WishlistItem(
            user=user, course=courses[slug], added_at=now - dt.timedelta(days=3 + number * 11)
        )
        for number, slug in enumerate(student.wishlist)
    ]
    insert_dated(WishlistItem, wishes, dates=("added_at",))
