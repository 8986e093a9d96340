"""Refunds for which too little is available at Stripe: they wait, and nobody is told otherwise."""

import datetime as dt
import json
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from django.utils import timezone

from core.models import AuditEntry, OutboxEvent
from devtools.stripe_standin.client import StandIn
from orders.models import Order
from payments import services, stripe_facts, stripe_gateway
from payments.errors import RefundOutOfTurn, RefundRequestDecided
from payments.models import Payment, ReconciliationDifference, Refund, RefundRequest
from payments.services import refund_sending, refund_shortages, refund_sync
from payments.stripe_gateway import RefundFacts
from payments.tests.conftest import Pay, confirm, start_payment
from payments.tests.money import (
    assert_books_hold,
    dispute_facts,
    event_names,
    order_of,
    refund_facts,
    reserved,
    settle,
)
from payments.tests.test_comparison import compare
from tests.emptying import unguarded
from tests.factories import StaffFactory
from tests.parallel import at_once
from users.models import User

pytestmark = pytest.mark.django_db(transaction=True)

PAID = Decimal("99.98")


@pytest.fixture(autouse=True)
def _the_books_hold() -> Any:
    yield
    assert_books_hold()


@pytest.fixture
def staff() -> User:
    return StaffFactory.create()


@pytest.fixture
def payment(order: Order, standin: StandIn, pay: Pay) -> Payment:
    """A settled payment of 99.98, of which nothing is available any more."""
    intent = start_payment(order)
    pay(intent)
    confirm(order, intent)
    standin.limit_balance(0)
    return Payment.objects.get()


@pytest.fixture
def request_(payment: Payment, buyer: User, staff: User) -> RefundRequest:
    """What the buyer asked for and staff approved."""
    request = services.request_refund(
        order_id=payment.order_id, user_id=buyer.id, item_ids=None, reason=""
    )
    services.approve_request(request_id=request.id, actor_id=staff.id)
    return request


def send_again() -> Refund:
    """Let the next try be due, and make it."""
    Refund.objects.update(next_attempt_at=timezone.now())
    services.send_due_refunds()
    return Refund.objects.get()


def delays() -> list[bool]:
    """Whether the buyer had been told otherwise, of each delay that was told."""
    rows = OutboxEvent.objects.filter(name="payments.refund_delayed").order_by("id")
    return [row.payload["was_told"] for row in rows]


def status_of(request: RefundRequest) -> str:
    request.refresh_from_db()
    return request.status


def test_a_refund_that_stripe_refuses_for_lack_of_balance_is_tried_daily(
    payment: Payment, request_: RefundRequest, standin: StandIn
) -> None:
    before = timezone.now()
    services.send_due_refunds()
    refund = Refund.objects.get()
    assert (refund.status, refund.shortages) == ("due", 1)
    assert refund.last_error.startswith("balance_insufficient")
    assert refund.next_attempt_at >= before + dt.timedelta(days=1)
    assert (order_of(payment)[0], reserved(payment)) == ("completed", PAID)
    assert status_of(request_) == "open"
    assert send_again().shortages == 2
    assert delays() == [False], "told once, and to staff alone"
    assert "payments.refund_failed" not in event_names()
    standin.limit_balance(None)
    refund = send_again()
    assert (refund.status, order_of(payment)[0]) == ("succeeded", "refunded")
    assert status_of(request_) == "granted"
    assert event_names().count("payments.refund_request_decided") == 1


def test_who_was_told_that_it_is_granted_is_told_again(
    payment: Payment, request_: RefundRequest
) -> None:
    """By the version before, which said so when staff decided."""
    RefundRequest.objects.update(status="granted", decided_at=timezone.now())
    services.send_due_refunds()
    assert delays() == [True]


def test_who_was_told_that_money_that_cannot_stay_goes_back_is_told_again(
    payment: Payment,
) -> None:
    """By the answer to the payment."""
    settle(payment.order, number="second")
    refund = Refund.objects.get()
    refund_sending._put_off(refund, words="balance_insufficient: too little")
    assert delays() == [True]


def test_another_refusal_is_the_end_and_told_to_whom_it_was_promised(
    payment: Payment, request_: RefundRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    RefundRequest.objects.update(status="granted", decided_at=timezone.now())

    def refuse(**given: Any) -> Any:
        raise stripe_gateway.StripeRefused(code="charge_already_refunded", message="It was.")

    monkeypatch.setattr(stripe_gateway, "create_refund", refuse)
    services.send_due_refunds()
    assert Refund.objects.get().status == "failed"
    (event,) = OutboxEvent.objects.filter(name="payments.refund_failed")
    assert (event.payload["was_applied"], event.payload["was_promised"]) == (False, True)


def test_workers_at_once_give_the_money_back_once(
    payment: Payment, request_: RefundRequest, standin: StandIn
) -> None:
    """Each has the row of before the refusal: they share its key, and count it once."""
    services.send_due_refunds()
    claimed = Refund.objects.select_related("payment").get()
    at_once(*[partial(refund_sending._send, claimed)] * 3)
    assert Refund.objects.get().shortages == 2
    standin.limit_balance(None)
    claimed = Refund.objects.select_related("payment").get()
    at_once(*[partial(refund_sending._send, claimed)] * 3)
    assert Refund.objects.get().status == "succeeded"
    made = stripe_gateway.list_refunds_of_charge(charge_id=payment.stripe_charge_id)
    assert len(made) == 1


def test_a_worker_that_comes_late_does_not_put_off_what_was_made(
    payment: Payment, request_: RefundRequest, standin: StandIn
) -> None:
    claimed = Refund.objects.select_related("payment").get()
    standin.limit_balance(None)
    services.send_due_refunds()
    refund_sending._put_off(claimed, words="said a worker that came late")
    assert Refund.objects.get().shortages == 0


# --- Stripe makes it, and waits ------------------------------------------------------------------


def test_a_refund_that_stripe_waits_with_is_not_on_its_way(
    payment: Payment, request_: RefundRequest, standin: StandIn
) -> None:
    standin.limit_balance(0, refunds_wait=True)
    services.send_due_refunds()
    refund = Refund.objects.get()
    assert refund.status == "due"
    assert refund.stripe_refund_id
    assert order_of(payment)[0] == "completed"
    assert status_of(request_) == "open"
    assert delays() == [False]
    assert send_again().status == "due"
    assert delays() == [False]
    standin.limit_balance(None)
    standin.forward(7200)
    assert send_again().status == "succeeded"
    assert order_of(payment)[0] == "refunded"
    assert status_of(request_) == "granted"
    assert standin.counts()["refunds.create"] == 1


def test_one_made_at_stripe_that_waits_is_not_made_again(
    payment: Payment, standin: StandIn
) -> None:
    standin.limit_balance(0, refunds_wait=True)
    facts = stripe_gateway.create_refund(
        intent_id=payment.stripe_payment_id, amount=1000, refund_id="", idempotency_key="dashboard"
    )
    assert facts.is_short
    for _ in range(2):
        services.sync_refund(facts=facts)
    refund = Refund.objects.get()
    assert (refund.status, refund.reason, refund.amount) == ("due", "at_stripe", Decimal("10.00"))
    assert order_of(payment)[1] == 0
    standin.limit_balance(None)
    standin.forward(7200)
    assert send_again().status == "succeeded"
    assert standin.counts()["refunds.create"] == 1
    assert order_of(payment)[1] == Decimal("10.00")


WAITS = [("requires_action", None), ("pending", "charge_pending")]


@pytest.fixture
def say(standin: StandIn, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Have Stripe say of every refund that it has this status, and is pending for this reason."""
    read = stripe_gateway.read_refund

    def say(status: str, pending_reason: str | None) -> None:
        def read_otherwise(refund: Any) -> RefundFacts:
            said = {**refund.to_dict(), "status": status, "pending_reason": pending_reason}
            return read(stripe_facts.read_told(json.dumps(said, default=str)))

        monkeypatch.setattr(stripe_gateway, "read_refund", read_otherwise)

    standin.limit_balance(None)
    return say


@pytest.mark.parametrize(("status", "pending_reason"), WAITS)
def test_a_refund_whose_money_has_not_begun_to_go_grants_nothing(
    payment: Payment,
    request_: RefundRequest,
    say: Callable[..., None],
    status: str,
    pending_reason: str | None,
) -> None:
    """Stripe waits for the buyer's bank details, or for the payment to settle: it is looked at
    each hour, and nobody is told of a shortage."""
    say(status, pending_reason)
    before = timezone.now()
    services.send_due_refunds()
    refund = Refund.objects.get()
    assert (refund.status, bool(refund.stripe_refund_id)) == ("due", True)
    assert refund.next_attempt_at >= before + refund_sync.WAITING_LOOK
    assert (pending_reason or status) in refund.last_error
    assert (order_of(payment)[0], status_of(request_), delays()) == ("completed", "open", [])
    compare()
    assert not ReconciliationDifference.objects.filter(resolved_at=None).exists()
    say("pending", "processing")
    assert send_again().status == "pending"
    assert (order_of(payment)[0], status_of(request_)) == ("refunded", "granted")


@pytest.mark.parametrize(("status", "pending_reason"), WAITS)
def test_one_that_the_buyer_lets_lapse_is_told_to_staff_and_frees_its_money(
    payment: Payment,
    request_: RefundRequest,
    say: Callable[..., None],
    status: str,
    pending_reason: str | None,
) -> None:
    say(status, pending_reason)
    services.send_due_refunds()
    say("canceled", None)
    assert send_again().status == "canceled"
    assert (reserved(payment), status_of(request_)) == (0, "open")
    assert event_names().count("payments.refund_failed") == 1


def test_what_stripe_waits_with_is_no_difference(
    payment: Payment, request_: RefundRequest, standin: StandIn
) -> None:
    standin.limit_balance(0, refunds_wait=True)
    services.send_due_refunds()
    compare()
    assert not ReconciliationDifference.objects.filter(resolved_at=None).exists()


def test_what_stripe_waits_with_is_not_canceled_for_want_of_room(
    payment: Payment, request_: RefundRequest, standin: StandIn
) -> None:
    standin.limit_balance(0, refunds_wait=True)
    services.send_due_refunds()
    ours = Refund.objects.get()
    theirs = stripe_gateway.retrieve_refund(stripe_refund_id=str(ours.stripe_refund_id))
    with pytest.raises(RefundOutOfTurn):
        services.sync_refund(
            facts=replace(theirs, id="re_other", refund_id="", waits_for="", status="succeeded")
        )
    assert Refund.objects.get().status == "due"


def test_one_that_fails_otherwise_while_it_waits_frees_its_money(
    payment: Payment, request_: RefundRequest, standin: StandIn
) -> None:
    standin.limit_balance(0, refunds_wait=True)
    services.send_due_refunds()
    standin.settle_refund(str(Refund.objects.get().stripe_refund_id), "failed")
    assert send_again().status == "failed"
    assert reserved(payment) == 0
    assert status_of(request_) == "open"


# --- Stripe fails it for lack of balance ---------------------------------------------------------


def fail_short(standin: StandIn) -> RefundFacts:
    """Have Stripe make the refund, and fail it for lack of balance; what Stripe then says."""
    standin.limit_balance(0, refunds_wait=True)
    services.send_due_refunds()
    stripe_id = str(Refund.objects.get().stripe_refund_id)
    standin.settle_refund(stripe_id, "insufficient_funds")
    return stripe_gateway.retrieve_refund(stripe_refund_id=stripe_id)


def of_status(status: str) -> Refund:
    return Refund.objects.get(status=status)


def test_one_that_stripe_fails_for_lack_of_balance_is_made_again(
    payment: Payment, request_: RefundRequest, standin: StandIn, staff: User
) -> None:
    """Once, however often that is heard and whatever is heard after it."""
    facts = fail_short(standin)
    before = timezone.now()
    pending = replace(facts, status="pending", failure_reason="", waits_for="")
    at_once(*[partial(services.sync_refund, facts=facts)] * 3)
    for late in (pending, facts):
        services.sync_refund(facts=late)
    failed, again = of_status("failed"), of_status("due")
    assert (failed.failure_reason, again.stripe_refund_id) == ("insufficient_funds", None)
    assert again.next_attempt_at >= before + refund_shortages.TRY_SHORT_AGAIN
    for field in ("payment_id", "amount", "reason", "note", "requested_by_id"):
        assert getattr(again, field) == getattr(failed, field)
    lines = [set(one.lines.values_list("order_item", "amount")) for one in (failed, again)]
    assert lines[0] == lines[1]
    assert (reserved(payment), order_of(payment)[0]) == (PAID, "completed")
    assert (status_of(request_), request_.refund) == ("open", again)
    assert delays() == [False], "staff had heard"
    assert "payments.refund_failed" not in event_names()
    assert Payment.objects.get().needs_attention == ""
    with pytest.raises(RefundRequestDecided):
        services.approve_request(request_id=request_.id, actor_id=staff.id)
    assert services.send_due_refunds() == 0, "not yet"
    standin.limit_balance(None)
    Refund.objects.update(next_attempt_at=timezone.now())
    services.send_due_refunds()
    assert (of_status("succeeded").id, order_of(payment)[0]) == (again.id, "refunded")
    assert status_of(request_) == "granted"
    assert standin.counts()["refunds.create"] == 2


def test_it_is_made_again_by_the_decision_of_who_is_gone(
    payment: Payment, request_: RefundRequest, standin: StandIn, staff: User
) -> None:
    facts = fail_short(standin)
    Refund.objects.update(requested_by=None)
    services.sync_refund(facts=facts)
    standin.limit_balance(None)
    Refund.objects.update(next_attempt_at=timezone.now())
    services.send_due_refunds()
    assert of_status("succeeded").requested_by is None


def test_what_nobody_decided_is_not_made_again(
    payment: Payment, request_: RefundRequest, standin: StandIn
) -> None:
    """From before decisions were kept: it could be planned, and never sent."""
    facts = fail_short(standin)
    decision = AuditEntry.objects.get(action="refund_request.approved")
    with unguarded():
        AuditEntry.objects.filter(id=decision.id).delete()
    services.sync_refund(facts=facts)
    assert Refund.objects.get().status == "failed"
    assert event_names().count("payments.refund_failed") == 1
    assert (reserved(payment), status_of(request_)) == (0, "open")
    decision.save(force_insert=True)  # For the books, to which the refund is a new one.


def test_disputed_money_is_not_given_back_again(
    payment: Payment, request_: RefundRequest, standin: StandIn
) -> None:
    facts = fail_short(standin)
    services.sync_dispute(facts=dispute_facts(payment, "needs_response"))
    services.sync_refund(facts=facts)
    assert (Refund.objects.get().status, reserved(payment)) == ("failed", 0)
    assert event_names().count("payments.refund_failed") == 1


def test_one_made_in_the_dashboard_is_not_made_again(payment: Payment, standin: StandIn) -> None:
    standin.limit_balance(0, refunds_wait=True)
    facts = stripe_gateway.create_refund(
        intent_id=payment.stripe_payment_id, amount=1000, refund_id="", idempotency_key="dashboard"
    )
    services.sync_refund(facts=facts)
    services.sync_refund(
        facts=replace(facts, status="failed", failure_reason="insufficient_funds", waits_for="")
    )
    assert (Refund.objects.get().status, reserved(payment)) == ("failed", 0)
    assert event_names().count("payments.refund_failed") == 1


def test_one_that_counted_is_undone_told_and_made_again(
    payment: Payment, request_: RefundRequest, say: Callable[..., None]
) -> None:
    """Its request was granted, and stays so: the buyer is told that it takes longer."""
    say("pending", "processing")
    services.send_due_refunds()
    assert (order_of(payment)[0], status_of(request_)) == ("refunded", "granted")
    made = Refund.objects.get()
    facts = stripe_gateway.retrieve_refund(stripe_refund_id=str(made.stripe_refund_id))
    for _ in range(2):
        services.sync_refund(
            facts=replace(facts, status="failed", failure_reason="insufficient_funds")
        )
    again = of_status("due")
    assert (order_of(payment)[0], reserved(payment)) == ("completed", PAID)
    assert (status_of(request_), request_.refund) == ("granted", again)
    assert delays() == [True]
    assert "payments.refund_failed" not in event_names()


def test_undue_money_goes_back_all_the_same(payment: Payment) -> None:
    second = settle(payment.order, number="second")
    refund = Refund.objects.get()
    facts = refund_facts(second, "failed", amount=str(PAID), refund_id=refund.id)
    services.sync_refund(facts=replace(facts, failure_reason="insufficient_funds"))
    again = of_status("due")
    assert (again.reason, again.amount, reserved(second)) == ("duplicate_payment", PAID, PAID)
    assert delays() == [True], "the answer to the payment had said so"


# --- It counts already ---------------------------------------------------------------------------


def test_a_shortage_of_a_refund_that_counts_is_told_once(
    payment: Payment, request_: RefundRequest, say: Callable[..., None], settings: Any
) -> None:
    """The order stays as it is: Stripe has taken the refund, and goes on when there is enough.
    Who has heard of a shortage before it counted hears of this one, too."""
    Refund.objects.update(shortages=1)
    say("pending", "processing")
    services.send_due_refunds()
    say("pending", "insufficient_funds")
    assert send_again().status == "pending"
    assert delays() == [], "an answer that was under way"
    settings.LEASE = dt.timedelta()
    for _ in range(2):
        assert send_again().status == "pending"
    assert delays() == [True]
    assert (order_of(payment)[0], status_of(request_)) == ("refunded", "granted")
    facts = stripe_gateway.retrieve_refund(
        stripe_refund_id=str(Refund.objects.get().stripe_refund_id)
    )
    failed = replace(facts, status="failed", waits_for="", failure_reason="insufficient_funds")
    services.sync_refund(facts=failed)
    assert order_of(payment)[0] == "completed"
    assert delays() == [True, True], "the courses are open again"
