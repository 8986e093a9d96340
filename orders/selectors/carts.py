"""The cart with its coupon: what it would cost as an order."""

import uuid
from decimal import Decimal
from typing import TypedDict

from cart import selectors as cart_selectors
from cart.selectors import CartRow, Content, LineRow, OpenCart
from core.money import ZERO
from orders.coupon_rules import Uses, Verdict, judge_coupon
from orders.models import Coupon
from orders.selectors.coupons import count_uses, find_coupon
from orders.selectors.progress import list_courses_in_progress


class PricedLineRow(LineRow):
    """A line of the cart, with what the coupon takes off it."""

    discount_amount: Decimal


class CartCouponRow(TypedDict):
    """The cart's coupon. `reason` is a `Refusal` when it isn't `valid`, else None; a coupon that
    exists (still) has one of `percent_off` and `amount_off`."""

    code: str
    valid: bool
    reason: str | None
    percent_off: int | None
    amount_off: Decimal | None
    discount_amount: Decimal


class PricedCartRow(CartRow):
    """A cart (plan 4.4) with its coupon. `total_amount` is `total_price` less `discount_amount`,
    before tax, which follows from the billing address."""

    coupon: CartCouponRow | None
    discount_amount: Decimal
    total_amount: Decimal


def get_priced_cart(*, cart: OpenCart, user_id: uuid.UUID) -> PricedCartRow:
    """Return the person's cart at today's prices, its coupon judged as ordering would judge it now.
    Four queries, and two more with a coupon."""
    content = read_content(cart_id=cart.id, user_id=user_id)
    if not cart.coupon_code:
        return _price(content, Verdict(), coupon=None)
    coupon, verdict = look_at_coupon(code=cart.coupon_code, user_id=user_id, content=content)
    row: CartCouponRow = {
        "code": cart.coupon_code,
        "valid": verdict.refusal is None,
        "reason": verdict.refusal,
        "percent_off": coupon.percent_off if coupon else None,
        "amount_off": coupon.amount_off if coupon else None,
        "discount_amount": verdict.discount,
    }
    return _price(content, verdict, coupon=row)


def read_content(*, cart_id: uuid.UUID, user_id: uuid.UUID) -> Content:
    """Return what lies in the person's cart; courses for which money is on its way can't be bought
    again. Four queries."""
    in_progress = [course.course_id for course in list_courses_in_progress(user_id=user_id)]
    return cart_selectors.get_content(cart_id=cart_id, user_id=user_id, in_progress=in_progress)


def look_at_coupon(
    *, code: str, user_id: uuid.UUID, content: Content
) -> tuple[Coupon | None, Verdict]:
    """Return the coupon with this code and what it does to the cart, without a lock: it may be
    another when the order is made. Two queries."""
    coupon = find_coupon(code=code)
    uses = count_uses(coupon=coupon, user_id=user_id) if coupon else Uses()
    return coupon, judge_coupon(coupon=coupon, uses=uses, courses=content.buyable)


def _price(content: Content, verdict: Verdict, *, coupon: CartCouponRow | None) -> PricedCartRow:
    page, discounts = content.page, verdict.discounts
    lines: list[LineRow] = [
        PricedLineRow(**line, discount_amount=discounts.get(line["course"]["id"], ZERO))
        for line in page["items"]
    ]
    return {
        **page,
        "items": lines,
        "coupon": coupon,
        "discount_amount": verdict.discount,
        "total_amount": page["total_price"] - verdict.discount,
    }
