"""Payments, refunds and disputes as rows, for postings about them."""

from collections.abc import Callable
from decimal import Decimal

import pytest
from django.db import transaction
from django.utils import timezone

from core.money import ZERO
from orders import selectors as order_selectors
from orders.models import OrderItem
from payments import ledger
from payments.models import Dispute, LedgerEntry, Payment, Refund, RefundLine
from tests.factories import OrderFactory, OrderItemFactory, UserFactory, make_course
from users.models import User

Sell = Callable[..., Payment]


@pytest.fixture
def sell() -> Sell:
    """Book a paid order of up to three courses at the given prices, each of an instructor of its
    own. All orders are one buyer's, of the same courses."""
    buyer = UserFactory.create()
    courses = [make_course() for _ in range(3)]

    def book(*prices: str, tax: str = "0.00") -> Payment:
        paid = [Decimal(price) for price in prices]
        taxes = Decimal(tax) * len(paid)
        order = OrderFactory.create(
            user=buyer,
            status="completed",
            completed_at=timezone.now(),
            subtotal=sum(paid, ZERO),
            tax_amount=taxes,
            total_amount=sum(paid, ZERO) + taxes,
        )
        for price, course in zip(paid, courses, strict=False):
            OrderItemFactory.create(
                order=order,
                course=course,
                instructor=course.instructor,
                price_at_purchase=price,
                tax_amount=Decimal(tax),
                state="fulfilled",
            )
        payment = Payment.objects.create(
            order=order,
            stripe_payment_id=f"pi_{order.order_number}",
            stripe_charge_id=f"ch_{order.order_number}",
            amount=order.total_amount,
            currency="usd",
            status="succeeded",
            succeeded_at=timezone.now(),
            next_check_at=timezone.now(),
        )
        lines = order_selectors.list_order_lines(order_id=order.id)
        with transaction.atomic():
            sale = ledger.Sale(payment=payment, lines=lines, owned_item_ids=[])
            assert ledger.post_sales(sales=[sale]) == 1
        return payment

    return book


def items_of(payment: Payment) -> list[OrderItem]:
    return list(payment.order.items.order_by("created_at", "id"))


def teacher_of(payment: Payment) -> User:
    """Return who teaches the one course that was paid, now an instructor."""
    (item,) = items_of(payment)
    assert item.instructor is not None
    User.objects.filter(id=item.instructor.id).update(is_instructor=True)
    item.instructor.refresh_from_db()
    return item.instructor


def add_refund(payment: Payment, amount: str, *named: OrderItem) -> Refund:
    """A refund that Stripe accepted; of one line when it is named, else of none."""
    now = timezone.now()
    refund = Refund.objects.create(
        payment=payment,
        stripe_refund_id=f"re_{Refund.objects.count()}",
        amount=Decimal(amount),
        status="succeeded",
        reason="requested",
        applied_at=now,
        next_attempt_at=now,
    )
    for item in named:
        RefundLine.objects.create(refund=refund, order_item=item, amount=Decimal(amount))
    return refund


def add_dispute(payment: Payment, amount: str, *, fee: str | None = None) -> Dispute:
    return Dispute.objects.create(
        payment=payment,
        stripe_dispute_id=f"dp_{Dispute.objects.count()}",
        amount=Decimal(amount),
        fee_amount=None if fee is None else Decimal(fee),
        currency="usd",
        status="needs_response",
        opened_at=timezone.now(),
    )


def balance(account: str, **of: object) -> Decimal:
    """What an account stands at, credits as what is owed (above zero)."""
    amounts = LedgerEntry.objects.filter(account=account, **of).values_list("amount", flat=True)
    return -sum(amounts, ZERO)


def held(item: OrderItem) -> Decimal:
    """What all accounts together hold of a line."""
    amounts = LedgerEntry.objects.filter(order_item=item).values_list("amount", flat=True)
    return -sum(amounts, ZERO)


def loss() -> Decimal:
    """What the platform bears that stands for no line."""
    return -balance("platform", order_item=None)
