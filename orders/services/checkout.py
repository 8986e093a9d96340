"""From a cart to an order."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from cart import selectors as cart_selectors
from core.money import ZERO
from courses import selectors as course_selectors
from courses.selectors import CourseForSale
from orders.errors import CartEmpty, LinesUnavailable
from orders.models import CouponRedemption, Order, OrderItem
from orders.numbers import next_order_number
from orders.services.closing import close_locked
from orders.services.coupons import discount_lines, lock_coupon, normalise_code
from orders.services.settlement import complete_locked


@dataclass(frozen=True, kw_only=True)
class CreatedOrder:
    """The order of a cart; `created` is False when it was there and is still pending."""

    order_id: uuid.UUID
    created: bool


@transaction.atomic
def create_from_cart(
    *, user_id: uuid.UUID, billing_address: Mapping[str, str], coupon_code: str | None
) -> CreatedOrder:
    """Return the order for what lies in the person's cart, at today's prices; the cart stays.

    The cart's lock serialises one person's calls, so twenty at once make one order. While an order
    is pending, the same cart (courses, prices and coupon) gives that order again, with the billing
    address of this call, if any; anything else closes it as "replaced" and makes a new one. A total
    of zero is completed at once.

    Raises CartEmpty, LinesUnavailable (naming each line) or CouponInvalid, with nothing changed.
    """
    cart_selectors.lock_cart(user_id=user_id)
    # May wait for a settlement, which empties the cart: what is in it is read after this.
    pending = _lock_pending(user_id=user_id)
    courses = _lock_lines(user_id=user_id)
    code = normalise_code(coupon_code)
    if pending is not None:
        overdue = pending.expires_at <= timezone.now()
        if not overdue and _is_same(pending, courses, code):
            _take_billing_address(pending, billing_address)
            return CreatedOrder(order_id=pending.id, created=False)
        close_locked(order=pending, reason="expired" if overdue else "replaced")
    order = _place(
        user_id=user_id, courses=courses, code=code, billing_address=dict(billing_address)
    )
    if order.total_amount == ZERO:
        complete_locked(order=order, user_id=user_id)
    return CreatedOrder(order_id=order.id, created=True)


def _lock_pending(*, user_id: uuid.UUID) -> Order | None:
    pending = Order.objects.filter(user_id=user_id, status=Order.Status.PENDING)
    locked = pending.select_for_update(no_key=True, of=("self",))
    return locked.select_related("coupon").first()


def _lock_lines(*, user_id: uuid.UUID) -> list[CourseForSale]:
    """Return the cart's courses in its order, held still and each checked to be buyable."""
    course_ids = cart_selectors.list_course_ids(user_id=user_id)
    if not course_ids:
        raise CartEmpty
    courses = course_selectors.lock_courses_for_sale(course_ids=course_ids)
    obstacles = cart_selectors.find_obstacles(
        user_id=user_id, course_ids=course_ids, courses=courses
    )
    if obstacles:
        raise LinesUnavailable(
            lines=[
                {
                    "course_id": str(course_id),
                    "title": courses[course_id].title if course_id in courses else None,
                    "reason": obstacle.value,
                }
                for course_id, obstacle in obstacles.items()
            ]
        )
    return [courses[course_id] for course_id in course_ids]


def _is_same(order: Order, courses: Sequence[CourseForSale], code: str | None) -> bool:
    ordered = OrderItem.objects.filter(order_id=order.id)
    was = dict(ordered.values_list("course_id", "price_at_purchase"))
    now = {course.id: course.price for course in courses}
    return was == now and (order.coupon.code if order.coupon else None) == code


def _take_billing_address(order: Order, billing_address: Mapping[str, str]) -> None:
    if billing_address and order.billing_address != dict(billing_address):
        order.billing_address = dict(billing_address)
        order.save(update_fields=["billing_address", "updated_at"])


def _place(
    *,
    user_id: uuid.UUID,
    courses: Sequence[CourseForSale],
    code: str | None,
    billing_address: dict[str, str],
) -> Order:
    coupon = lock_coupon(code=code) if code else None
    discounts = discount_lines(coupon=coupon, courses=courses) if coupon else {}
    subtotal = sum((course.price for course in courses), start=ZERO)
    discount = sum(discounts.values(), start=ZERO)
    now = timezone.now()
    order = Order.objects.create(
        user_id=user_id,
        currency=settings.CURRENCY,
        subtotal=subtotal,
        discount_amount=discount,
        total_amount=subtotal - discount,
        coupon=coupon,
        billing_address=billing_address,
        expires_at=now + settings.ORDER_EXPIRY,
        # The last lock: everybody's orders share it.
        order_number=next_order_number(at=now),
    )
    _add_lines(order=order, courses=courses, discounts=discounts)
    if coupon is not None:
        CouponRedemption.objects.create(coupon=coupon, order=order, user_id=user_id)
    return order


def _add_lines(
    *, order: Order, courses: Sequence[CourseForSale], discounts: Mapping[uuid.UUID, Decimal]
) -> None:
    OrderItem.objects.bulk_create(
        OrderItem(
            order=order,
            course_id=course.id,
            instructor_id=course.instructor_id,
            title_at_purchase=course.title,
            price_at_purchase=course.price,
            discount_amount=discounts.get(course.id, ZERO),
        )
        for course in courses
    )
