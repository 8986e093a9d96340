"""Booking what was missed: what can't be booked keeps nothing else from the books."""

import datetime as dt
import threading
from decimal import Decimal

import pytest
from django.db import transaction
from django.utils import timezone

from payments import books, ledger, services, stripe_gateway
from payments.ledger import missing
from payments.models import LedgerTransaction, Payment, Refund
from payments.services import bookkeeping
from payments.stripe_facts import IntentFacts
from payments.tests.ledger.conftest import Sell, add_dispute, add_refund, balance
from tests.factories import OrderFactory, OrderItemFactory, UserFactory, make_course
from tests.parallel import at_once, meet

pytestmark = pytest.mark.django_db(transaction=True)


def unbooked(amount: str, *, lines: str | None = None) -> Payment:
    """A payment that completed its order, of which the ledger knows nothing. `lines` is what the
    order's line cost, where that isn't what was paid."""
    buyer, course, paid = UserFactory.create(), make_course(), Decimal(amount)
    order = OrderFactory.create(
        user=buyer, status="completed", completed_at=timezone.now(), subtotal=paid,
        total_amount=paid,
    )  # fmt: skip
    OrderItemFactory.create(
        order=order, course=course, instructor=course.instructor, state="fulfilled",
        price_at_purchase=Decimal(lines or amount),
    )  # fmt: skip
    payment = Payment.objects.create(
        order=order, stripe_payment_id=f"pi_{order.order_number}", amount=paid, currency="usd",
        status="succeeded", fee_amount=Decimal("1.00"), next_check_at=timezone.now(),
        succeeded_at=timezone.now() - dt.timedelta(hours=1),
    )  # fmt: skip
    order.payment_id = payment.stripe_payment_id
    order.save()
    return payment


def booked() -> set[str]:
    return set(LedgerTransaction.objects.values_list("reference", flat=True))


def test_a_refund_that_is_undone_meanwhile_is_not_booked(sell: Sell) -> None:
    """It was found unbooked before it failed at the bank; its failure had nothing to take back."""
    payment = sell("40.00")
    refund = add_refund(payment, "10.00")
    locked = threading.Event()

    def undo() -> None:
        with transaction.atomic():
            Payment.objects.select_for_update().get(id=payment.id)
            locked.set()
            meet()
            Refund.objects.update(status="failed", undone_at=timezone.now())

    def book() -> bool:
        assert locked.wait(timeout=60)
        return missing._book_refund(refund.id)

    assert at_once(undo, book) == [None, False]
    assert balance("stripe") == Decimal("-40.00")


def test_a_payment_that_cannot_be_booked_holds_up_no_other() -> None:
    """Its lines and its amount contradict each other: the books say so, once they are asked."""
    payments = [unbooked("10.00"), unbooked("20.00", lines="19.00"), unbooked("30.00")]
    assert services.book_missing() == 5
    fees = {f"fee:{payment.id}" for payment in payments}
    assert booked() == {f"sale:{payments[0].id}", f"sale:{payments[2].id}"} | fees
    broken = {violation.invariant for violation in books.verify()}
    assert {"money_is_booked", "order_adds_up"} <= broken


@pytest.mark.parametrize("kind", ["refund", "dispute"])
def test_a_refund_or_dispute_that_cannot_be_booked_holds_up_no_other(
    sell: Sell, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    payment = sell("40.00")
    add = add_refund if kind == "refund" else add_dispute
    first, second = add(payment, "10.00"), add(payment, "20.00")
    post = f"payments.ledger.missing.post_{kind}"
    really = ledger.post_refund if kind == "refund" else ledger.post_dispute

    def post_one(**of: object) -> bool:
        if getattr(of[kind], "id", None) == first.id:
            raise ValueError("no such luck")
        return really(**of)  # type: ignore[arg-type]

    monkeypatch.setattr(post, post_one)
    assert services.book_missing() == 1
    assert f"{kind}:{second.id}" in booked()


def test_a_fee_that_cannot_be_taken_holds_up_no_other(
    settings: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.STRIPE_SECRET_KEY = "sk_test_x"  # type: ignore[attr-defined]
    first, second = unbooked("10.00"), unbooked("20.00")
    services.book_missing()
    early = timezone.now() - dt.timedelta(hours=2)
    Payment.objects.update(fee_amount=None)
    Payment.objects.filter(id=first.id).update(succeeded_at=early)

    def retrieve(*, intent_id: str) -> IntentFacts:
        return IntentFacts(
            id=intent_id, status="succeeded", amount=2000, amount_received=2000, currency="usd",
            client_secret="", charge_id="ch_1", order_id="", error_code="", error_message="",
            fee=88,
        )  # fmt: skip

    really = services.settle

    def settle(*, intent: IntentFacts) -> object:
        if intent.id == first.stripe_payment_id:
            raise ValueError("no such luck")
        return really(intent=intent)

    monkeypatch.setattr(stripe_gateway, "retrieve_intent", retrieve)
    monkeypatch.setattr(bookkeeping, "settle", settle)
    services.book_missing()
    second.refresh_from_db()
    assert second.fee_amount == Decimal("0.88")
