"""What PostgreSQL refuses in the tables of money by itself, whatever the code thinks of it."""

import uuid
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.apps import apps
from django.db import IntegrityError, transaction
from django.db.models import BigAutoField, CharField, F, Field, Model, UUIDField
from django.utils import timezone

from cart.models import CartItem
from enrollments.models import Enrollment
from orders.models import Coupon, CreditNote, Invoice, Order, OrderItem
from payments.models import (
    Balance,
    BalanceChange,
    BalanceMark,
    BalanceMovement,
    BankPayoutFailure,
    BookMark,
    BookTouch,
    Dispute,
    LooseEnd,
    Payment,
    Payout,
    PayoutAccount,
    ReconciliationDifference,
    ReconciliationRun,
    Refund,
    RefundLine,
    RefundRequest,
    RevenueShare,
    RunningBalance,
    StripeCursor,
    StripeEvent,
    Term,
)
from payments.services.refunds import plan_refund
from payments.tests.money import make_order, make_paid
from tests.emptying import unguarded
from tests.factories import CartItemFactory, UserFactory, make_course
from tests.factories.coupons import CouponFactory, redeem

pytestmark = pytest.mark.django_db

Lie = tuple[type[Model], dict[str, Any]]

NOW = timezone.now()
# What breaks each rule, written over every row there is.
WRONG: dict[str, Lie] = {
    "payout_account_trouble_closed": (PayoutAccount, {"trouble": "asleep"}),
    "balance_movement_booked_as_closed": (BalanceMovement, {"booked_as": "gift"}),
    "coupon_one_kind": (Coupon, {"amount_off": 1}),
    "coupon_percent_bounded": (Coupon, {"percent_off": 101}),
    "coupon_amount_positive": (Coupon, {"percent_off": None, "amount_off": 0}),
    "coupon_code_upper_case": (Coupon, {"code": "lower"}),
    "coupon_dates_in_order": (Coupon, {"valid_from": NOW, "valid_until": NOW}),
    "coupon_one_scope": (Coupon, {"course_id": uuid.uuid4(), "category_id": uuid.uuid4()}),
    "coupon_minimum_positive": (Coupon, {"minimum_amount": 0}),
    "order_status_closed": (Order, {"status": "paid"}),
    "order_money_not_negative": (Order, {"refunded_amount": -1}),
    "order_total_adds_up": (Order, {"total_amount": F("total_amount") + 1}),
    "order_refund_bounded": (Order, {"refunded_amount": F("total_amount") + 1}),
    "order_completed_has_date": (Order, {"status": "completed", "completed_at": None}),
    "order_item_state_closed": (OrderItem, {"state": "paid"}),
    "order_item_money_not_negative": (OrderItem, {"refunded_amount": -1}),
    "order_item_refund_bounded": (OrderItem, {"refunded_amount": F("price_at_purchase") + 1}),
    "invoice_names_its_seller": (Invoice, {"seller": {}}),
    "credit_note_positive": (CreditNote, {"total_amount": 0}),
    "credit_note_has_one_cause": (CreditNote, {"dispute_id": uuid.uuid4()}),
    "payment_status_closed": (Payment, {"status": "paid"}),
    "payment_amount_not_negative": (Payment, {"amount": -1, "refunding_amount": 0}),
    "payment_refunds_bounded": (Payment, {"refunding_amount": F("amount") + 1}),
    "refund_status_closed": (Refund, {"status": "paid"}),
    "refund_amount_positive": (Refund, {"amount": 0}),
    "refund_undone_was_applied": (Refund, {"applied_at": None, "undone_at": NOW}),
    "refund_line_not_negative": (RefundLine, {"amount": -1}),
    "refund_request_status_closed": (RefundRequest, {"status": "paid"}),
    "payout_status_closed": (Payout, {"status": "sent"}),
    "payout_amount_positive": (Payout, {"amount": 0}),
    "payout_paid_has_date": (Payout, {"status": "paid", "paid_at": None}),
    "payout_paid_has_its_transfer": (
        Payout,
        {"status": "paid", "paid_at": NOW, "stripe_transfer_id": None},
    ),
    "refund_made_has_its_id": (Refund, {"status": "succeeded", "stripe_refund_id": None}),
    "stripe_event_status_closed": (StripeEvent, {"status": "paid"}),
    "stripe_event_handled_has_date": (StripeEvent, {"status": "handled", "handled_at": None}),
    "revenue_share_percent_bounded": (RevenueShare, {"percent": 101}),
}
# A second row like the first, but for what is said here.
TWICE: dict[str, Lie] = {
    "order_one_open_per_user": (Order, {"order_number": "ORD-2026-77777"}),
    "order_item_once": (OrderItem, {}),
    "payment_one_open_per_order": (Payment, {"stripe_payment_id": "pi_twin"}),
    "refund_line_once": (RefundLine, {}),
    "refund_request_one_open": (RefundRequest, {"refund": None}),
    "payout_one_due_per_account": (Payout, {"stripe_transfer_id": None}),
    "reconciliation_run_one_open": (ReconciliationRun, {}),
    "difference_open_once": (ReconciliationDifference, {}),
    "cart_item_once": (CartItem, {}),
    "enrollment_once": (Enrollment, {}),
}
ORDERS = list(apps.get_app_config("orders").get_models())
# Running balances, loose ends and notes, which the database alone writes, are tried elsewhere.
PAYMENTS = [
    model
    for model in apps.get_app_config("payments").get_models()
    if model
    not in (
        Balance,
        BalanceChange,
        BalanceMark,
        BookMark,
        BookTouch,
        LooseEnd,
        RunningBalance,
        Term,
    )
]

# Tried where the ledger's other rules are, in `ledger/test_database_rules.py`.
OF_THE_LEDGER = {
    "balance_movement_adds_up",
    "ledger_entry_not_zero", "ledger_entry_of_instructor", "sale_line_money_not_negative",
    "sale_line_one_kind", "sale_line_of_instructor", "sale_line_share_of_percent",
    "balance_once",
}  # fmt: skip
# Tried by itself, below: the first note of these rows is a refund's.
OF_DISPUTES = {"credit_note_one_of_a_dispute"}


@pytest.fixture(autouse=True)
def _rows() -> None:
    """A row of every table."""
    now, user = timezone.now(), UserFactory.create()
    coupon = CouponFactory.create(code="TEN", percent_off=10)
    pending = make_order("10.00", user=user)
    redeem(coupon, pending)
    _open_payment(pending)
    paid = make_paid("10.00", "20.00")
    _paid_back(paid)
    Dispute.objects.create(
        payment=paid, stripe_dispute_id="dp_1", amount=30, currency="usd", opened_at=now
    )
    account = PayoutAccount.objects.create(instructor=user, stripe_account_id="acct_1")
    BankPayoutFailure.objects.create(account=account, stripe_payout_id="po_1")
    BalanceMovement.objects.create(
        stripe_id="txn_1", type="topup", amount=5, fee=0, net=5, currency="eur", happened_at=now,
        available_on=now,
    )  # fmt: skip
    # The ledger has nothing of it.
    with unguarded():
        Payout.objects.create(
            account=account, amount=5, currency="usd", stripe_transfer_id="tr_1",
            next_attempt_at=now,
        )  # fmt: skip
    StripeEvent.objects.create(
        id="evt_1", type="x", payload={}, created_at_stripe=now, next_attempt_at=now
    )
    StripeCursor.objects.create(name="events", read_until=now)
    RevenueShare.objects.create(course=make_course(), percent=50)
    CartItemFactory.create(cart__user=user)
    run = ReconciliationRun.objects.create(since=now)
    ReconciliationDifference.objects.create(
        kind="amount", object_type="refund", object_id="re_1", found_by=run, last_seen_at=now
    )


def _open_payment(order: Order) -> None:
    Payment.objects.create(
        order=order, stripe_payment_id="pi_open", amount=order.total_amount, currency="usd",
        next_check_at=timezone.now(),
    )  # fmt: skip


def _paid_back(payment: Payment) -> None:
    """A refund that is due, asked for by the buyer, with a credit note already."""
    item = payment.order.items.all()[0]
    refund = plan_refund(payment=payment, reason="requested", lines={item.id: Decimal(10)})
    Refund.objects.filter(id=refund.id).update(stripe_refund_id="re_1")
    RefundRequest.objects.create(order=payment.order, user=payment.order.user, refund=refund)
    CreditNote.objects.create(
        invoice=Invoice.objects.get(), number="CN-2026-00001", refund_id=refund.id,
        issued_at=timezone.now(), total_amount=10, currency="usd",
    )  # fmt: skip


def refusal_of(write: Callable[..., object], *given: Any, **also: Any) -> tuple[str, str]:
    """Which rule refuses the write, and what PostgreSQL says of it; nothing when none does. What
    triggers refuse before (a change of a document) is tried elsewhere."""
    try:
        with transaction.atomic():
            with unguarded():
                write(*given, **also)
            transaction.set_rollback(True)
    except IntegrityError as exc:
        told = exc.__cause__.diag  # type: ignore[union-attr]
        return told.constraint_name, told.message_detail
    return "", ""


def write_twin(model: type[Model], but: dict[str, Any]) -> None:
    """A row like the first one made (of orders and payments: the open one), but for this."""
    row = model._default_manager.order_by("pk").first()
    assert row is not None, model
    for name, value in but.items():
        setattr(row, name, value)
    row.save(force_insert=True)


def test_each_rule_refuses_what_breaks_it() -> None:
    refused = {
        name: refusal_of(model._default_manager.update, **wrong)[0]
        for name, (model, wrong) in WRONG.items()
    }
    assert refused == {name: name for name in WRONG}


def test_nothing_is_there_twice() -> None:
    refused = {
        name: refusal_of(write_twin, model, {"id": uuid.uuid4(), **but})[0]
        for name, (model, but) in TWICE.items()
    }
    assert refused == {name: name for name in TWICE}


def test_every_rule_is_tried() -> None:
    rules = {rule.name for model in (*ORDERS, *PAYMENTS) for rule in model._meta.constraints}
    elsewhere = {"cart_item_once", "enrollment_once"}
    assert (WRONG.keys() | TWICE.keys()) - elsewhere == rules - OF_THE_LEDGER - OF_DISPUTES


def test_a_dispute_has_one_note_that_is_not_void() -> None:
    facts = {
        "invoice": Invoice.objects.get(), "dispute_id": uuid.uuid4(), "issued_at": NOW,
        "total_amount": 10, "currency": "usd",
    }  # fmt: skip
    CreditNote.objects.create(**facts, number="CN-2026-00002", voided_at=NOW)
    CreditNote.objects.create(**facts, number="CN-2026-00003")
    rule, _ = refusal_of(CreditNote.objects.create, **facts, number="CN-2026-00004")
    assert rule == "credit_note_one_of_a_dispute"
    no_cause = {**facts, "dispute_id": None, "number": "CN-2026-00005"}
    assert refusal_of(CreditNote.objects.create, **no_cause)[0] == "credit_note_has_one_cause"


def unique_fields(model: type[Model]) -> list[Field[Any, Any]]:
    return [field for field in model._meta.local_concrete_fields if field.unique]


def fresh(field: Field[Any, Any]) -> object:
    return uuid.uuid4().hex[:20] if isinstance(field, CharField) else uuid.uuid4()


def test_what_names_one_row_names_no_other() -> None:
    """Stripe's ids, the numbers of documents, codes, the ledger's references, and the like."""
    tried, refused = {}, {}
    for model in (*ORDERS, *PAYMENTS):
        for field in unique_fields(model):
            if field.primary_key and isinstance(field, UUIDField | BigAutoField):
                continue
            but = {one.attname: fresh(one) for one in unique_fields(model) if one != field}
            if model is RefundRequest:
                but["status"] = "granted"  # Of open ones there is one an order anyway.
            tried[str(field)] = f"Key ({field.column})"
            _, told = refusal_of(write_twin, model, but)
            refused[str(field)] = told.split("=")[0]
    assert len(tried) > 15
    assert refused == tried
