"""What the viewer has with courses: the facts of four apps, in one statement for a whole page."""

import uuid
from collections.abc import Collection
from dataclasses import dataclass

from core.reads import fetch_prepared

_FLAGS = """
    SELECT course_id::text, 'enrolled' FROM enrollments_enrollment
    WHERE user_id = %(user)s AND course_id = ANY(%(courses)s::uuid[]) AND status = 'active'
    UNION ALL
    SELECT item.course_id::text, 'in_cart'
    FROM cart_cartitem AS item JOIN cart_cart AS cart ON cart.id = item.cart_id
    WHERE cart.user_id = %(user)s AND item.course_id = ANY(%(courses)s::uuid[])
      AND NOT EXISTS (
        SELECT FROM orders_order AS buying JOIN orders_orderitem AS line
            ON line.order_id = buying.id
        WHERE buying.user_id = %(user)s AND buying.status = 'pending'
          AND buying.payment_in_progress_since IS NOT NULL AND line.course_id = item.course_id)
    UNION ALL
    SELECT course_id::text, 'in_wishlist' FROM cart_wishlistitem
    WHERE user_id = %(user)s AND course_id = ANY(%(courses)s::uuid[])
"""


@dataclass(frozen=True, kw_only=True)
class Flags:
    """Ids, as text, of the courses with each flag."""

    enrolled: frozenset[str] = frozenset()
    in_cart: frozenset[str] = frozenset()
    in_wishlist: frozenset[str] = frozenset()


NONE = Flags()


def find_flags(*, user_id: uuid.UUID, course_ids: Collection[str]) -> Flags:
    """Return which of the courses the person learns in, has in the cart, or wishes for: what the
    selectors of `enrollments` and `cart` say one by one. One for which money is on its way counts
    as not in the cart any more. One query."""
    found: dict[str, list[str]] = {"enrolled": [], "in_cart": [], "in_wishlist": []}
    for course_id, flag in fetch_prepared(
        _FLAGS, {"user": str(user_id), "courses": list(course_ids)}
    ):
        found[flag].append(course_id)
    return Flags(**{flag: frozenset(ids) for flag, ids in found.items()})
