"""Writes orders with their lines, invoices and payments, and the refunds of some."""

import datetime as dt
import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal

from django.conf import settings

from api.demo.rows.inserting import BATCH, insert_dated
from api.demo.rows.learning import EnrollmentKey
from api.demo.story import COUPON_PERCENT, WELCOME_COUPON, Purchase
from core.models import AuditEntry
from core.money import CENT, ZERO, quantize
from courses.models import Course
from enrollments.models import AccessHold, Enrollment
from orders.models import (
    Coupon,
    CouponRedemption,
    CreditNote,
    Invoice,
    NumberSeries,
    Order,
    OrderItem,
)
from orders.numbers import skip_order_numbers
from orders.services import describe_line, name_seller
from payments.models import Payment, Refund, RefundLine
from users.models import User

# From the click on "buy" to the settled payment.
CHECKOUT = dt.timedelta(minutes=2)
REFUND_AFTER = dt.timedelta(days=3)

# What orders are counted by, in one series whatever the year.
ORDERS = "ORD"

# Outcomes in which the money came, even if it went back later.
PAID = frozenset({"completed", "refunded"})
LINE_STATES = {
    "completed": OrderItem.State.FULFILLED,
    "refunded": OrderItem.State.REFUNDED,
    "failed": OrderItem.State.CANCELED,
    "pending": OrderItem.State.PENDING,
}


@dataclass(slots=True)
class Sale:
    """A purchase of the story and the rows it became."""

    purchase: Purchase
    order: Order
    items: list[OrderItem]

    @property
    def is_paid(self) -> bool:
        """Whether the money came, even if it went back later."""
        return self.purchase.outcome in PAID


@dataclass(slots=True)
class Shop:
    """What orders refer to: people by e-mail, courses by slug, enrolments by both."""

    users: Mapping[str, User]
    courses: Mapping[str, Course]
    enrollments: Mapping[EnrollmentKey, Enrollment]
    staff: User
    student: User
    billing_address: dict[str, str]


def create_orders(*, purchases: list[Purchase], shop: Shop) -> int:
    """Create the story's orders, oldest first, with all that hangs on them; returns how many.

    Numbers follow the order of time, orders' throughout and others' within each year, and go on
    after them.
    """
    coupon = Coupon.objects.create(code=WELCOME_COUPON, percent_off=COUPON_PERCENT)
    numbers: Counter[str] = Counter()
    in_order = sorted(purchases, key=_ordered_at)
    sales = [_sale(purchase, shop, coupon, numbers) for purchase in in_order]
    insert_dated(Order, [sale.order for sale in sales])
    insert_dated(OrderItem, [item for sale in sales for item in sale.items])
    _redeem(sales)
    invoices = _issue_invoices(sales, numbers)
    _issue_credit_notes(_pay(sales, shop), invoices, numbers)
    skip_order_numbers(up_to=numbers.pop(ORDERS))
    NumberSeries.objects.bulk_create(
        NumberSeries(name=name, last=last) for name, last in sorted(numbers.items())
    )
    return len(sales)


def _ordered_at(purchase: Purchase) -> dt.datetime:
    """Return when the order was made: a paid one was settled at the purchase's own time."""
    return purchase.at - CHECKOUT if purchase.outcome in PAID else purchase.at


def _number(prefix: str, at: dt.datetime, numbers: Counter[str]) -> str:
    of_year = f"{prefix}-{at.year}"
    series = ORDERS if prefix == ORDERS else of_year
    numbers[series] += 1
    return f"{of_year}-{numbers[series]:05d}"


def _sale(purchase: Purchase, shop: Shop, coupon: Coupon, numbers: Counter[str]) -> Sale:
    subtotal = sum((course.price for course in purchase.courses), ZERO)
    discounts = share_discount(
        [course.price for course in purchase.courses], COUPON_PERCENT if purchase.coupon else 0
    )
    total = subtotal - sum(discounts, ZERO)
    is_paid = purchase.outcome in PAID
    ordered_at = _ordered_at(purchase)
    user = shop.users[purchase.buyer]
    order = Order(
        order_number=_number(ORDERS, ordered_at, numbers),
        user=user,
        status=purchase.outcome,
        failure_reason="expired" if purchase.outcome == "failed" else "",
        currency=settings.CURRENCY,
        subtotal=subtotal,
        discount_amount=subtotal - total,
        total_amount=total,
        refunded_amount=total if purchase.outcome == "refunded" else ZERO,
        coupon=coupon if purchase.coupon else None,
        billing_address=_billing_address(user, shop),
        payment_method="stripe" if is_paid else "",
        transaction_id=_stripe_id("ch", purchase) if is_paid else "",
        payment_id=_stripe_id("pi", purchase) if is_paid else "",
        expires_at=ordered_at + settings.ORDER_EXPIRY,
        completed_at=purchase.at if is_paid else None,
        created_at=ordered_at,
        updated_at=purchase.at,
    )
    items = [
        _item(order, purchase, shop, place, discount) for place, discount in enumerate(discounts)
    ]
    return Sale(purchase, order, items)


def _item(order: Order, purchase: Purchase, shop: Shop, place: int, discount: Decimal) -> OrderItem:
    source = purchase.courses[place]
    is_refunded = purchase.outcome == "refunded"
    return OrderItem(
        order=order,
        course=shop.courses[source.slug],
        instructor_id=shop.courses[source.slug].instructor_id,
        enrollment=shop.enrollments[purchase.buyer, source.slug]
        if purchase.outcome in PAID
        else None,
        title_at_purchase=source.title,
        price_at_purchase=source.price,
        discount_amount=discount,
        refunded_amount=source.price - discount if is_refunded else ZERO,
        state=LINE_STATES[purchase.outcome],
        created_at=order.created_at + dt.timedelta(milliseconds=place),
        updated_at=order.updated_at,
    )


def share_discount(prices: list[Decimal], percent: int) -> list[Decimal]:
    """Return each line's share of a discount on their sum, in whole cents that add up to it."""
    whole = (sum(prices, ZERO) * percent / 100).quantize(CENT, rounding=ROUND_DOWN)
    shares = [(price * percent / 100).quantize(CENT, rounding=ROUND_DOWN) for price in prices]
    shares[-1] += whole - sum(shares, ZERO)
    return shares


def _billing_address(user: User, shop: Shop) -> dict[str, str]:
    if user == shop.student:
        return dict(shop.billing_address)
    return {"first_name": user.first_name, "last_name": user.last_name, "email": user.email}


def _stripe_id(prefix: str, purchase: Purchase) -> str:
    """Return an id in Stripe's form, the same for the same purchase."""
    facts = f"{purchase.buyer} {purchase.outcome} {[course.slug for course in purchase.courses]}"
    return f"{prefix}_demo{hashlib.sha256(facts.encode()).hexdigest()[:20]}"


def _redeem(sales: list[Sale]) -> None:
    CouponRedemption.objects.bulk_create(
        CouponRedemption(coupon=sale.order.coupon, order=sale.order, user=sale.order.user)
        for sale in sales
        if sale.order.coupon is not None
    )


def _issue_invoices(sales: list[Sale], numbers: Counter[str]) -> list[Invoice]:
    invoices = [
        Invoice(
            order=sale.order,
            number=_number("INV", sale.purchase.at, numbers),
            issued_at=sale.purchase.at,
            total_amount=sale.order.total_amount,
            currency=sale.order.currency,
            billing_address=sale.order.billing_address,
            seller=name_seller(),
            lines=[describe_line(item) for item in sale.items],
            created_at=sale.purchase.at,
            updated_at=sale.purchase.at,
        )
        for sale in sorted(sales, key=lambda sale: sale.purchase.at)
        if sale.is_paid
    ]
    insert_dated(Invoice, invoices)
    return invoices


def _issue_credit_notes(
    refunds: list[Refund], invoices: list[Invoice], numbers: Counter[str]
) -> None:
    """Write the note of each refund; here each gives back the whole order, line by line."""
    of_order = {invoice.order_id: invoice for invoice in invoices}
    notes = [
        CreditNote(
            invoice=of_order[refund.payment.order_id],
            refund_id=refund.id,
            number=_number("CN", refund.created_at, numbers),
            issued_at=refund.created_at,
            total_amount=refund.amount,
            currency=refund.payment.currency,
            lines=[
                {key: line[key] for key in ("course_id", "title", "amount", "tax")}
                for line in of_order[refund.payment.order_id].lines
            ],
            created_at=refund.created_at,
            updated_at=refund.created_at,
        )
        for refund in sorted(refunds, key=lambda refund: refund.created_at)
    ]
    insert_dated(CreditNote, notes)


def _pay(sales: list[Sale], shop: Shop) -> list[Refund]:
    """Write the payments and return the refunds. A pending order has no payment: its intent is made
    when the buyer pays."""
    tried = [sale for sale in sales if sale.purchase.outcome != "pending"]
    payments = [_payment(sale) for sale in tried]
    insert_dated(Payment, payments)
    refunded = [
        (payment, sale)
        for payment, sale in zip(payments, tried, strict=True)
        if sale.purchase.outcome == "refunded"
    ]
    refunds = [_refund(payment, sale, shop.staff) for payment, sale in refunded]
    insert_dated(Refund, refunds)
    decisions = [_decision(refund) for refund in refunds]
    insert_dated(AuditEntry, decisions, dates=("created_at",))
    RefundLine.objects.bulk_create(
        [
            RefundLine(refund=refund, order_item=item, amount=item.refunded_amount)
            for refund, (_, sale) in zip(refunds, refunded, strict=True)
            for item in sale.items
        ],
        batch_size=BATCH,
    )
    insert_dated(
        AccessHold,
        [
            _hold(refund, item)
            for refund, (_, sale) in zip(refunds, refunded, strict=True)
            for item in sale.items
        ],
    )
    return refunds


def _decision(refund: Refund) -> AuditEntry:
    """What staff's refunds leave in the audit trail."""
    amount = str(refund.amount)
    return AuditEntry(
        actor_id=refund.requested_by_id,
        action="order.refund_planned",
        target_type="order",
        target_id=str(refund.payment.order_id),
        details={
            "refund": str(refund.id),
            "amount": amount,
            "note": "",
            "before": {"refunding_amount": "0.00"},
            "after": {"refunding_amount": amount},
        },
        created_at=refund.created_at,
    )


def _hold(refund: Refund, item: OrderItem) -> AccessHold:
    return AccessHold(
        enrollment=item.enrollment,
        cause=AccessHold.Cause.REFUND,
        object_id=refund.id,
        effect=AccessHold.Effect.REVOKED,
        created_at=refund.created_at,
        updated_at=refund.created_at,
    )


def _payment(sale: Sale) -> Payment:
    order, paid = sale.order, sale.is_paid
    return Payment(
        order=order,
        stripe_payment_id=_stripe_id("pi", sale.purchase),
        stripe_charge_id=order.transaction_id,
        amount=order.total_amount,
        refunding_amount=order.refunded_amount,
        fee_amount=_stripe_fee(order.total_amount) if paid else None,
        currency=order.currency,
        status=Payment.Status.SUCCEEDED if paid else Payment.Status.FAILED,
        stripe_status="succeeded" if paid else "canceled",
        last_error_code="" if paid else "card_declined",
        last_error_message="" if paid else "Your card was declined.",
        metadata={"at_stripe": False},
        succeeded_at=sale.purchase.at if paid else None,
        next_check_at=sale.purchase.at,
        created_at=order.created_at,
        updated_at=sale.purchase.at,
    )


def _stripe_fee(amount: Decimal) -> Decimal:
    """Return what Stripe takes of a card payment in the US: 2.9 % and 30 cents."""
    return quantize(amount * Decimal("0.029")) + Decimal("0.30")


def _refund(payment: Payment, sale: Sale, staff: User) -> Refund:
    at = sale.purchase.at + REFUND_AFTER
    return Refund(
        payment=payment,
        stripe_refund_id=_stripe_id("re", sale.purchase),
        amount=sale.order.total_amount,
        status=Refund.Status.SUCCEEDED,
        reason="requested",
        requested_by=staff,
        applied_at=at,
        attempts=1,
        next_attempt_at=at,
        created_at=at,
        updated_at=at,
    )
