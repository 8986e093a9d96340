"""Orders paid and what Stripe says of their refunds and disputes, without asking a Stripe."""

import datetime as dt
import uuid
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils import timezone

from core import audit
from core.models import OutboxEvent
from core.money import ZERO
from courses.models import Course
from enrollments.models import Enrollment
from orders.models import Order, OrderItem
from orders.services.closing import close_locked
from orders.services.locking import lock_order
from payments import books, services
from payments.models import Payment, Refund
from payments.services.refunds import plan_refund
from payments.stripe_gateway import DisputeFacts, IntentFacts, RefundFacts
from tests.factories import OrderFactory, OrderItemFactory, StaffFactory, make_course
from users.models import User


def make_order(
    *prices: str, user: User | None = None, courses: list[Course] | None = None
) -> Order:
    """A pending order of courses at these prices, each with an instructor."""
    courses = courses or [make_course(original_price=None) for _ in prices]
    total = sum((Decimal(price) for price in prices), Decimal(0))
    given = {"user": user} if user else {}
    order = OrderFactory.create(subtotal=total, **given)
    for price, course in zip(prices, courses, strict=True):
        Course.objects.filter(id=course.id).update(price=price, original_price=None)
        OrderItemFactory.create(
            order=order,
            course=course,
            instructor=course.instructor,
            price_at_purchase=Decimal(price),
        )
    return order


def close_anyway(order: Order) -> None:
    """Close the order and leave its payment as it is at Stripe, as the product once did."""
    with transaction.atomic():
        close_locked(order=lock_order(order_id=order.id), reason="canceled")


def settle(order: Order, *, amount: int | None = None, number: str = "") -> Payment:
    """Let Stripe say that the order was paid."""
    number = number or uuid.uuid4().hex
    minor = int(order.total_amount * 100) if amount is None else amount
    services.settle(
        intent=IntentFacts(
            id=f"pi_{number}", status="succeeded", amount=minor, amount_received=minor,
            currency="usd", client_secret="", charge_id=f"ch_{number}", order_id=str(order.id),
            error_code="", error_message="",
        )
    )  # fmt: skip
    return Payment.objects.get(stripe_payment_id=f"pi_{number}")


def make_paid(*prices: str, user: User | None = None) -> Payment:
    """The payment of a completed order of courses at these prices."""
    return settle(make_order(*prices, user=user))


def buy_taxed(lines: Sequence[tuple[str, str]]) -> Payment:
    """The payment of a completed order of lines at these prices and taxes, of 19 %, each of an
    instructor of its own."""
    subtotal, tax_amount = (sum(map(Decimal, column), ZERO) for column in zip(*lines, strict=True))
    order = OrderFactory.create(
        subtotal=subtotal, tax_amount=tax_amount, total_amount=subtotal + tax_amount,
        tax_lines=[{"name": "VAT", "rate": "19", "amount": str(tax_amount)}],
    )  # fmt: skip
    for price, tax in lines:
        course = make_course(price=Decimal(price), original_price=None)
        OrderItemFactory.create(
            order=order, course=course, instructor=course.instructor,
            price_at_purchase=Decimal(price), tax_amount=Decimal(tax),
        )  # fmt: skip
    return settle(order)


def plan_decided(payment: Payment, amount: str, *, item: OrderItem | None = None) -> Refund:
    """A refund that staff decided, of as much, for a line or for none."""
    with transaction.atomic():
        locked = Payment.objects.select_for_update().get(id=payment.id)
        refund = plan_refund(
            payment=locked,
            reason="requested",
            amount=Decimal(amount),
            lines={item.id: Decimal(amount)} if item else None,
        )
        audit.record_audit(
            actor_id=StaffFactory.create().id,
            action="order.refund_planned",
            target_type="order",
            target_id=payment.order_id,
            details={"refund": str(refund.id)},
        )
    return refund


def refund_facts(
    payment: Payment, status: str, *, amount: str, number: int = 1, refund_id: object = ""
) -> RefundFacts:
    """What Stripe says of a refund."""
    return RefundFacts(
        id=f"re_{number}", status=status, amount=int(Decimal(amount) * 100),
        intent_id=payment.stripe_payment_id, refund_id=str(refund_id),
        failure_reason="lost_or_stolen_card" if status == "failed" else "",
    )  # fmt: skip


def dispute_facts(payment: Payment, status: str, *, number: int = 1) -> DisputeFacts:
    """What Stripe says of a dispute over all of a payment."""
    moved = not status.startswith("warning_")
    return DisputeFacts(
        id=f"dp_{number}", status=status, reason="fraudulent", amount=int(payment.amount * 100),
        currency="usd", intent_id=payment.stripe_payment_id, opened_at=timezone.now(),
        evidence_due_at=timezone.now() + dt.timedelta(days=9), fee=1500 if moved else None,
    )  # fmt: skip


def hear(
    payment: Payment, *statuses: str, amount: str, number: int = 1, refund_id: object = ""
) -> None:
    """Hear of a refund in these states, one after the other: one made at Stripe, or ours."""
    for status in statuses:
        services.sync_refund(
            facts=refund_facts(payment, status, amount=amount, number=number, refund_id=refund_id)
        )


def order_of(payment: Payment) -> Any:
    """Status, refunded amount, the lines' states, and access to each line's course."""
    order = Order.objects.get(id=payment.order_id)
    items = list(order.items.order_by("created_at", "id"))
    access = dict(Enrollment.objects.filter(user=order.user).values_list("course_id", "status"))
    return (
        order.status,
        order.refunded_amount,
        [item.state for item in items],
        [access.get(item.course_id) for item in items],
    )


def reserved(payment: Payment) -> Any:
    """What is set aside for refunds of the payment."""
    return Payment.objects.get(id=payment.id).refunding_amount


def event_names() -> list[str]:
    """What was recorded, oldest first."""
    return list(OutboxEvent.objects.order_by("recorded_at", "id").values_list("name", flat=True))


def assert_books_hold() -> None:
    """Every invariant of orders, money, access and the ledger."""
    assert books.verify() == []
