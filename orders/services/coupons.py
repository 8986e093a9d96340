"""Taking hold of a coupon, for a cart or for an order."""

import uuid
from collections.abc import Collection

from django.db.models import Q
from django.utils import timezone

from cart import services as cart_services
from cart.selectors import OpenCart
from core import audit
from orders.coupon_rules import normalise_code, require_valid
from orders.models import Coupon
from orders.selectors.carts import look_at_coupon, read_content


def apply_coupon(*, user_id: uuid.UUID, code: str) -> OpenCart:
    """Put the coupon on the person's cart, in place of the one before, and return the cart.

    Nothing is reserved: a coupon is taken when an order is made. Raises CouponInvalid when it does
    not apply to the cart as it is now, with the cart unchanged.
    """
    code = normalise_code(code)
    cart = cart_services.open_cart(user_id=user_id)
    content = read_content(cart_id=cart.id, user_id=user_id)
    coupon, verdict = look_at_coupon(code=code, user_id=user_id, content=content)
    require_valid(verdict=verdict, code=code, coupon=coupon)
    return cart_services.set_coupon(user_id=user_id, code=code)


def deactivate_coupons(*, coupon_ids: Collection[uuid.UUID], actor_id: uuid.UUID | None) -> int:
    """End these coupons, whoever made them; returns how many were active. Orders that have one keep
    what it took off. Audited."""
    chosen = Coupon.objects.filter(id__in=coupon_ids, is_active=True)
    with audit.recording(chosen, actor_id=actor_id, action="coupon.deactivate") as coupons:
        return coupons.update(is_active=False, updated_at=timezone.now())


def lock_coupon(*, code: str, instead_of: uuid.UUID | None = None) -> Coupon | None:
    """Return the coupon with this code, locked until the caller's transaction ends, so that nobody
    takes its last redemption or changes it meanwhile; None for an unknown one.

    `instead_of` is the coupon of an order that is to end for this one, which gives its redemption
    back: it is locked as well, both in key order, or two buyers who swap theirs would each wait for
    the other.
    """
    coupons = Coupon.objects.select_for_update(no_key=True)
    locked = coupons.filter(Q(code=code) | Q(id=instead_of)).order_by("id")
    return next((coupon for coupon in locked if coupon.code == code), None)
