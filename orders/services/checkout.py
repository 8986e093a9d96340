"""From a cart to an order."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from cart import selectors as cart_selectors
from core.money import ZERO, maximum_charge, minimum_charge
from courses import selectors as course_selectors
from courses.selectors import CourseForSale
from enrollments.buying import tell_courses
from enrollments.errors import PaymentInProgress
from orders.coupon_rules import Uses, Verdict, judge_coupon, normalise_code, require_valid
from orders.errors import CartEmpty, LinesUnavailable, OrderTooLarge, OrderTooSmall
from orders.models import Coupon, CouponRedemption, Order, OrderItem
from orders.numbers import next_order_number
from orders.quotes import Quote, is_chargeable, is_too_large, make_quote
from orders.selectors.coupons import count_uses
from orders.selectors.orders import OrderDetail, get_order
from orders.selectors.progress import list_courses_in_progress
from orders.services.closing import close_locked
from orders.services.coupons import lock_coupon
from orders.services.invoicing import finish_orders
from orders.services.open_payments import require_no_open_payment
from orders.services.settlement import complete_locked


@dataclass(frozen=True, kw_only=True)
class CreatedOrder:
    """The order of a cart; `created` is False when it was there: still pending, or being paid, or
    found to be paid meanwhile."""

    order_id: uuid.UUID
    created: bool
    # As `get_order` shows it, of one that was completed at once: read before its invoice's number
    # was taken, for which everybody waits until the caller's transaction ends.
    shown: OrderDetail | None = field(default=None, compare=False)


@dataclass(frozen=True, kw_only=True)
class _Wish:
    """What somebody asks for: these courses, with this coupon ("" and None for none), billed to
    this address; and what the coupon does to them now."""

    user_id: uuid.UUID
    courses: Sequence[CourseForSale]
    code: str
    coupon: Coupon | None
    verdict: Verdict
    billing_address: dict[str, str]

    def quote(self, discounts: Mapping[uuid.UUID, Decimal]) -> Quote:
        """Return what it comes to with these discounts."""
        country = self.billing_address.get("country", "")
        return make_quote(courses=self.courses, discounts=discounts, country=country)


@transaction.atomic
def create_from_cart(
    *,
    user_id: uuid.UUID,
    billing_address: Mapping[str, str],
    coupon_code: str | None,
    ended_order_id: uuid.UUID | None = None,
) -> CreatedOrder:
    """Return the order for what lies in the person's cart, at today's prices; the cart stays.

    `coupon_code` goes before the cart's own coupon, which is taken when it is None or blank. The
    cart's lock serialises one person's calls, so twenty at once make one order. While an order is
    pending, the same wish (courses, prices, coupon, and what discount and tax they lead to) gives
    that order again, with the billing address of this call, if any; anything else closes it as
    "replaced" and makes a new one. A total of zero is completed at once.

    An order whose money is on its way stands: for just its courses it is the answer, and none of
    them is ordered otherwise. `ended_order_id` is an order whose payment was to be ended for this
    call and that may turn out paid: it is the answer when nothing is left in the cart.

    Raises CartEmpty, PaymentInProgress or LinesUnavailable (each naming the courses),
    CouponInvalid, BillingCountryRequired, OrderTooSmall or OrderTooLarge, with nothing changed; and
    OrderHasOpenPayment where an order that may be paid is in the way (`try_past_open_payments`).
    """
    cart = cart_selectors.lock_cart(user_id=user_id)
    if cart is None:
        # One that another device makes this moment is not locked, so nothing of it is read.
        raise CartEmpty
    course_ids = cart_selectors.list_course_ids(user_id=user_id)
    standing = _find_standing(user_id, course_ids, ended_order_id)
    if standing is not None:
        return CreatedOrder(order_id=standing, created=False)
    pending = _lock_pending(user_id=user_id)
    wish = _read_wish(
        user_id=user_id,
        pending=pending,
        course_ids=course_ids,
        code=normalise_code(coupon_code) or cart.coupon_code,
        billing_address=dict(billing_address or (pending.billing_address if pending else {})),
    )
    if pending is not None and not _is_overdue(pending) and _is_same(pending, wish):
        _take_billing_address(pending, wish.billing_address)
        return CreatedOrder(order_id=pending.id, created=False)
    order = _place_instead(pending, wish)
    if order.total_amount == ZERO:
        return CreatedOrder(order_id=order.id, created=True, shown=_complete_free(order))
    return CreatedOrder(order_id=order.id, created=True)


def _complete_free(order: Order) -> OrderDetail:
    """Complete an order that costs nothing, and return how it is shown."""
    complete_locked(orders=[order])
    shown = get_order(order_id=order.id, user_id=order.user_id)
    numbers = finish_orders(order_ids=[order.id])
    return {**shown, "invoice_number": numbers[order.id]}


def _find_standing(
    user_id: uuid.UUID, course_ids: Sequence[uuid.UUID], ended_order_id: uuid.UUID | None
) -> uuid.UUID | None:
    """Return the order that is being paid for just these courses, or, of an empty cart, the one
    that was found to be paid. Raises PaymentInProgress or CartEmpty. The cart's lock is held, which
    whoever notes a payment's progress takes, too."""
    if not course_ids:
        if ended_order_id is None or not _is_completed(ended_order_id):
            raise CartEmpty
        return ended_order_id
    in_progress = list_courses_in_progress(user_id=user_id)
    by_order: dict[uuid.UUID, set[uuid.UUID]] = {}
    for course in in_progress:
        by_order.setdefault(course.order_id, set()).add(course.course_id)
    wanted = set(course_ids)
    for order_id, courses in by_order.items():
        if courses == wanted:
            return order_id
    if shared := [course for course in in_progress if course.course_id in wanted]:
        raise PaymentInProgress(courses=tell_courses(shared))
    return None


def _is_completed(order_id: uuid.UUID) -> bool:
    return Order.objects.filter(id=order_id, status=Order.Status.COMPLETED).exists()


def _lock_pending(*, user_id: uuid.UUID) -> Order | None:
    pending = Order.objects.filter(
        user_id=user_id, status=Order.Status.PENDING, payment_in_progress_since=None
    )
    locked = pending.select_for_update(no_key=True, of=("self",))
    return locked.select_related("coupon").first()


def _read_wish(
    *,
    user_id: uuid.UUID,
    pending: Order | None,
    course_ids: Sequence[uuid.UUID],
    code: str,
    billing_address: dict[str, str],
) -> _Wish:
    """Hold coupon and courses still, in this order, and see what the one does to the others."""
    returned = pending.coupon_id if pending else None
    coupon = lock_coupon(code=code, instead_of=returned) if code or returned else None
    courses = _lock_lines(user_id=user_id, course_ids=course_ids)
    verdict = Verdict()
    if code:
        uses = count_uses(coupon=coupon, user_id=user_id) if coupon else Uses()
        verdict = judge_coupon(coupon=coupon, uses=uses, courses=courses)
    return _Wish(
        user_id=user_id,
        courses=courses,
        code=code,
        coupon=coupon,
        verdict=verdict,
        billing_address=billing_address,
    )


def _lock_lines(*, user_id: uuid.UUID, course_ids: Sequence[uuid.UUID]) -> list[CourseForSale]:
    """Return the cart's courses in its order, held still and each checked to be buyable."""
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


def _is_same(order: Order, wish: _Wish) -> bool:
    """Whether a new order would be this one again.

    Its coupon was granted when it was made: one that ended since, or was used up by others, still
    counts. One that still applies, on other terms, gives what the cart shows by now: a new order.
    """
    if order.currency != settings.CURRENCY:
        return False
    items = list(OrderItem.objects.filter(order_id=order.id))
    prices = {item.course_id: item.price_at_purchase for item in items}
    if prices != {course.id: course.price for course in wish.courses}:
        return False
    if (order.coupon.code if order.coupon else "") != wish.code:
        return False
    granted = {item.course_id: item.discount_amount for item in items}
    quote = wish.quote(granted if wish.verdict.refusal else wish.verdict.discounts)
    had = {item.course_id: (item.discount_amount, item.tax_amount) for item in items}
    return had == {line.course.id: (line.discount, line.tax) for line in quote.lines}


def _is_overdue(order: Order) -> bool:
    return order.expires_at <= timezone.now()


def _take_billing_address(order: Order, billing_address: dict[str, str]) -> None:
    if order.billing_address != billing_address:
        # What is being paid was agreed to with the address of before, and may be paid already.
        require_no_open_payment(order_id=order.id)
        order.billing_address = billing_address
        order.save(update_fields=["billing_address", "updated_at"])


def _place_instead(pending: Order | None, wish: _Wish) -> Order:
    """Make the order, in place of the pending one, if any. What refuses it does so before that
    one's payment is ended."""
    quote = _require_placeable(wish)
    if pending is not None:
        require_no_open_payment(order_id=pending.id)
        close_locked(order=pending, reason="expired" if _is_overdue(pending) else "replaced")
    return _place(wish, quote)


def _require_placeable(wish: _Wish) -> Quote:
    require_valid(verdict=wish.verdict, code=wish.code, coupon=wish.coupon)
    quote = wish.quote(wish.verdict.discounts)
    if not is_chargeable(quote.subtotal - quote.discount):
        raise OrderTooSmall(minimum_amount=minimum_charge())
    if is_too_large(quote):
        raise OrderTooLarge(maximum_amount=maximum_charge())
    return quote


def _place(wish: _Wish, quote: Quote) -> Order:
    now = timezone.now()
    order = Order.objects.create(
        user_id=wish.user_id,
        currency=settings.CURRENCY,
        subtotal=quote.subtotal,
        discount_amount=quote.discount,
        tax_amount=quote.tax,
        tax_lines=[
            {"name": line.name, "rate": str(line.rate), "amount": str(line.amount)}
            for line in quote.tax_lines
        ],
        total_amount=quote.total,
        coupon=wish.coupon,
        billing_address=wish.billing_address,
        expires_at=now + settings.ORDER_EXPIRY,
        order_number=next_order_number(at=now),
    )
    _add_lines(order=order, quote=quote)
    if wish.coupon is not None:
        CouponRedemption.objects.create(coupon=wish.coupon, order=order, user_id=wish.user_id)
    return order


def _add_lines(*, order: Order, quote: Quote) -> None:
    OrderItem.objects.bulk_create(
        OrderItem(
            order=order,
            course_id=line.course.id,
            instructor_id=line.course.instructor_id,
            title_at_purchase=line.course.title,
            price_at_purchase=line.course.price,
            discount_amount=line.discount,
            tax_amount=line.tax,
        )
        for line in quote.lines
    )
