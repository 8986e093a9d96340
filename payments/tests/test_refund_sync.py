"""What Stripe says of refunds: in any order, any number of times, and when banks refuse."""

import datetime as dt
import itertools
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.db import IntegrityError, connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from devtools.stripe_standin.client import StandIn
from orders.models import Order
from orders.numbers import next_credit_note_number
from orders.services import invoicing
from payments import services, stripe_gateway
from payments.errors import NotOursYet, RefundOutOfTurn
from payments.ledger import posting
from payments.models import LedgerEntry, Payment, Refund
from payments.services import refund_sending
from payments.stripe_gateway import StripeRefused
from payments.tests.conftest import Pay, confirm, start_payment
from payments.tests.money import (
    assert_books_hold,
    dispute_facts,
    event_names,
    hear,
    make_order,
    make_paid,
    order_of,
    plan_decided,
    refund_facts,
    reserved,
    settle,
)
from tests.factories import StaffFactory
from tests.parallel import at_once, run_in_parallel

pytestmark = pytest.mark.django_db(transaction=True)

COMPLETED = ("completed", Decimal(0), ["fulfilled"] * 2, ["active"] * 2)
REFUNDED = ("refunded", Decimal(30), ["refunded"] * 2, ["revoked"] * 2)


@pytest.fixture
def payment() -> Payment:
    """The payment of an order of 10.00 and 20.00."""
    return make_paid("10.00", "20.00")


def plan(payment: Payment, amount: str, *, item: int | None = None) -> Refund:
    line = payment.order.items.order_by("created_at", "id")[item] if item is not None else None
    return plan_decided(payment, amount, item=line)


def owed_to_instructors() -> Decimal:
    entries = LedgerEntry.objects.filter(account="instructor").values_list("amount", flat=True)
    return -sum(entries, Decimal(0))


def test_our_own_refund_is_taken_into_order_and_books(payment: Payment) -> None:
    refund = plan(payment, "10.00", item=0)
    for status in ("pending", "succeeded", "succeeded"):
        services.sync_refund(
            facts=refund_facts(payment, status, amount="10.00", refund_id=refund.id)
        )
    assert order_of(payment) == (
        "completed", 10, ["refunded", "fulfilled"], ["revoked", "active"],
    )  # fmt: skip
    refund.refresh_from_db()
    assert (refund.status, refund.stripe_refund_id, Refund.objects.count()) == (
        "succeeded", "re_1", 1,
    )  # fmt: skip
    assert event_names().count("payments.refund_succeeded") == 1
    assert owed_to_instructors() == 14
    assert_books_hold()


def hear_of_a_refund(payment: Payment) -> None:
    hear(payment, "succeeded", amount="30.00")


def lose(payment: Payment) -> None:
    services.sync_dispute(facts=dispute_facts(payment, "lost"))


def lose_what_a_bank_sent_back(payment: Payment) -> None:
    """The dispute found nothing to take, and takes what the refund that fails gives back."""
    hear(payment, "failed", amount="30.00")


@pytest.mark.parametrize("cause", [hear_of_a_refund, lose, lose_what_a_bank_sent_back])
def test_the_credit_notes_number_is_the_last_thing_that_is_taken(
    payment: Payment, cause: Callable[[Payment], None]
) -> None:
    next_credit_note_number(at=timezone.now())  # The year's series is there.
    if cause is lose_what_a_bank_sent_back:
        hear_of_a_refund(payment)
        lose(payment)
    with CaptureQueriesContext(connection) as queries:
        cause(payment)
    statements = [query["sql"] for query in queries]
    (numbered,) = (n for n, sql in enumerate(statements) if "UPDATE orders_numberseries" in sql)
    assert statements[numbered - 1].startswith("SET CONSTRAINTS ALL IMMEDIATE")
    after = [sql.split(" (")[0] for sql in statements[numbered + 1 :]]
    assert after == ['INSERT INTO "orders_creditnote"', "COMMIT"]


@pytest.mark.parametrize("cause", [hear_of_a_refund, lose])
def test_what_contradicts_itself_takes_no_number(
    payment: Payment, cause: Callable[[Payment], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The ledger's own check is put off to the commit, and made before the number."""
    asked: list[Any] = []
    monkeypatch.setattr(invoicing, "next_credit_note_number", lambda **at: asked.append(at))
    monkeypatch.setattr(posting, "take_back", lambda **given: [])
    with pytest.raises(IntegrityError):
        cause(payment)
    assert asked == []


@pytest.mark.parametrize("last", ["failed", "canceled"])
@pytest.mark.parametrize("before", ["pending", "succeeded"])
def test_a_refund_that_fails_at_the_bank_is_undone(
    payment: Payment, before: str, last: str
) -> None:
    owed = owed_to_instructors()
    hear(payment, before, amount="30.00")
    assert order_of(payment) == REFUNDED
    assert owed_to_instructors() == 0
    hear(payment, last, amount="30.00")
    assert order_of(payment) == COMPLETED
    assert (reserved(payment), owed_to_instructors()) == (0, owed)
    refund = Refund.objects.get()
    assert refund.undone_at is not None
    assert (refund.status, event_names().count("payments.refund_failed")) == (last, 1)
    assert "re_1" in Payment.objects.get().needs_attention
    assert_books_hold()


@pytest.mark.parametrize("said", sorted({
    *itertools.permutations(["pending", "succeeded", "failed", "failed"]),
    *itertools.permutations(["pending", "succeeded", "canceled"]),
}))  # fmt: skip
def test_whatever_the_order_of_what_stripe_said_a_failure_is_the_end(
    payment: Payment, said: tuple[str, ...]
) -> None:
    hear(payment, *said, amount="30.00")
    assert Refund.objects.get().status == ("canceled" if "canceled" in said else "failed")
    assert order_of(payment) == COMPLETED
    assert reserved(payment) == 0
    assert_books_hold()


def test_one_refund_undone_leaves_the_others(payment: Payment) -> None:
    first, second = plan(payment, "10.00", item=0), plan(payment, "20.00", item=1)
    facts = [
        refund_facts(payment, "succeeded", amount="10.00", refund_id=first.id, number=1),
        refund_facts(payment, "succeeded", amount="20.00", refund_id=second.id, number=2),
    ]
    for one in facts:
        services.sync_refund(facts=one)
    assert order_of(payment) == REFUNDED
    services.sync_refund(facts=replace(facts[1], status="failed"))
    assert order_of(payment) == ("completed", 10, ["refunded", "fulfilled"], ["revoked", "active"])
    assert reserved(payment) == 10
    assert_books_hold()


@pytest.mark.parametrize(
    ("status", "access"), [("needs_response", "suspended"), ("lost", "revoked")]
)
def test_an_undone_refund_does_not_overrule_a_dispute(
    payment: Payment, status: str, access: str
) -> None:
    hear(payment, "succeeded", amount="30.00")
    services.sync_dispute(facts=dispute_facts(payment, status))
    hear(payment, "failed", amount="30.00")
    assert order_of(payment) == ("completed", 0, ["fulfilled"] * 2, [access] * 2)


def test_a_course_bought_again_meanwhile_stays_one_purchase(payment: Payment) -> None:
    hear(payment, "succeeded", amount="30.00")
    courses = [item.course for item in payment.order.items.order_by("created_at", "id")]
    again = settle(make_order("10.00", user=payment.order.user, courses=courses[:1]))
    hear(payment, "failed", amount="30.00")
    assert order_of(payment) == ("completed", 0, ["canceled", "fulfilled"], ["active"] * 2)
    assert order_of(again)[2:] == (["fulfilled"], ["active"])
    assert "1 courses not reopened" in Payment.objects.get(id=payment.id).needs_attention
    hear(again, "succeeded", amount="10.00", number=2)
    assert order_of(again)[3] == ["revoked"]


def test_one_made_at_stripe_cancels_ours_that_leave_it_no_room(payment: Payment) -> None:
    older, newer = plan(payment, "10.00", item=0), plan(payment, "20.00", item=1)
    hear(payment, "succeeded", amount="15.00")
    newer.refresh_from_db()
    older.refresh_from_db()
    assert (newer.status, newer.failure_reason, older.status) == ("canceled", "superseded", "due")
    assert reserved(payment) == 25
    assert order_of(payment)[:2] == ("completed", 15)
    assert_books_hold()


def test_one_made_at_stripe_with_room_leaves_ours_alone(payment: Payment) -> None:
    ours = plan(payment, "10.00", item=0)
    hear(payment, "succeeded", amount="20.00")
    ours.refresh_from_db()
    assert (ours.status, reserved(payment)) == ("due", 30)


def test_one_given_up_here_and_made_there_all_the_same_is_counted(payment: Payment) -> None:
    """Our call was slow, and reached Stripe after the one that superseded it had failed."""
    ours = plan(payment, "30.00")
    hear(payment, "succeeded", "failed", amount="30.00", number=1)
    ours.refresh_from_db()
    assert ours.status == "canceled"
    services.sync_refund(
        facts=refund_facts(payment, "succeeded", amount="30.00", number=2, refund_id=ours.id)
    )
    assert order_of(payment) == REFUNDED
    assert reserved(payment) == 30
    assert_books_hold()


def test_a_second_refund_waits_for_the_news_that_the_first_failed(payment: Payment) -> None:
    hear(payment, "succeeded", amount="30.00", number=1)
    with pytest.raises(RefundOutOfTurn):
        hear(payment, "succeeded", amount="30.00", number=2)
    assert Refund.objects.count() == 1
    hear(payment, "failed", amount="30.00", number=1)
    hear(payment, "succeeded", amount="30.00", number=2)
    assert order_of(payment) == REFUNDED
    assert_books_hold()


def test_a_refund_of_money_not_settled_here_waits() -> None:
    order = make_order("10.00")
    open_payment = Payment.objects.create(
        order=order, stripe_payment_id="pi_open", amount=Decimal(10), currency="usd",
        next_check_at=timezone.now(),
    )  # fmt: skip
    with pytest.raises(NotOursYet):
        hear(open_payment, "succeeded", amount="10.00")
    open_payment.delete()
    with pytest.raises(NotOursYet):
        hear(open_payment, "succeeded", amount="10.00")
    assert not Refund.objects.exists()


def test_one_that_failed_before_we_heard_of_it_is_only_shown(payment: Payment) -> None:
    hear(payment, "failed", amount="30.00")
    assert order_of(payment) == COMPLETED
    assert (reserved(payment), Refund.objects.get().applied_at) == (0, None)
    assert "re_1" in Payment.objects.get().needs_attention


def test_twenty_at_once_are_one(payment: Payment) -> None:
    refund = plan(payment, "30.00")
    facts = refund_facts(payment, "succeeded", amount="30.00", refund_id=refund.id)
    results = run_in_parallel(20, lambda _: services.sync_refund(facts=facts))
    assert results == [None] * 20
    assert order_of(payment) == REFUNDED
    assert event_names().count("payments.refund_succeeded") == 1
    assert_books_hold()


def test_success_and_failure_at_once_end_in_failure(payment: Payment) -> None:
    hear(payment, "pending", amount="30.00")
    results = at_once(
        *[lambda: hear(payment, "succeeded", amount="30.00")] * 4,
        *[lambda: hear(payment, "failed", amount="30.00")] * 4,
    )
    assert results == [None] * 8
    assert order_of(payment) == COMPLETED
    assert event_names().count("payments.refund_failed") == 1
    assert_books_hold()


def test_money_of_no_order_moves_no_order(payment: Payment) -> None:
    second = settle(payment.order, number="second")
    automatic = Refund.objects.get()
    for status in ("succeeded", "failed"):
        services.sync_refund(
            facts=refund_facts(second, status, amount="30.00", refund_id=automatic.id)
        )
    assert order_of(payment) == COMPLETED
    assert reserved(second) == 0
    assert_books_hold()


@pytest.mark.parametrize("refused", [False, True])
def test_what_a_refund_at_stripe_leaves_of_undue_money_goes_back_too(
    payment: Payment, refused: bool
) -> None:
    second = settle(payment.order, number="second")
    automatic = Refund.objects.get()
    if refused:
        # Stripe was asked for all of it before we heard that some was back.
        services.sync_refund(
            facts=refund_facts(second, "canceled", amount="30.00", refund_id=automatic.id, number=8)
        )
    hear(second, "succeeded", amount="12.00", number=9)
    rest = Refund.objects.get(status="due")
    assert (str(rest.amount), rest.reason) == ("18.00", "duplicate_payment")
    assert reserved(second) == 30
    assert order_of(payment) == COMPLETED
    assert_books_hold()


def test_a_refusal_by_stripe_frees_the_money(
    payment: Payment, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(**_: object) -> None:
        raise StripeRefused(code="charge_disputed", message="no")

    monkeypatch.setattr(stripe_gateway, "create_refund", refuse)
    plan(payment, "30.00")
    assert services.send_due_refunds() == 1
    refund = Refund.objects.get()
    assert (refund.status, refund.failure_reason, reserved(payment)) == (
        "failed", "charge_disputed", 0,
    )  # fmt: skip
    assert event_names().count("payments.refund_failed") == 1
    assert order_of(payment) == COMPLETED
    assert_books_hold()


@pytest.fixture
def paid(order: Order, standin: StandIn, pay: Pay) -> Payment:
    intent = start_payment(order)
    pay(intent, "pm_card_pendingRefund")
    confirm(order, intent)
    return Payment.objects.get()


@pytest.mark.parametrize("outcome", ["succeeded", "failed"])
def test_a_pending_refund_is_looked_up_until_it_ends(
    paid: Payment, standin: StandIn, outcome: str
) -> None:
    standin.webhooks(drop=True)
    staff = StaffFactory.create()
    services.refund_order(order_id=paid.order_id, item_ids=None, note="", actor_id=staff.id)
    assert services.send_due_refunds() == 1
    refund = Refund.objects.get()
    assert refund.status == "pending"
    assert services.send_due_refunds() == 0, "not due yet"
    Refund.objects.update(next_attempt_at=timezone.now())
    assert services.send_due_refunds() == 1
    refund.refresh_from_db()
    assert refund.status == "pending"
    assert refund.next_attempt_at <= timezone.now() + refund_sending.LATEST_LOOK
    assert services.send_due_refunds() == 0, "not due again yet"
    standin.settle_refund(str(refund.stripe_refund_id), outcome)  # type: ignore[arg-type]
    Refund.objects.update(next_attempt_at=timezone.now())
    assert services.send_due_refunds() == 1
    refund.refresh_from_db()
    assert refund.status == outcome
    expected = "refunded" if outcome == "succeeded" else "completed"
    assert order_of(paid)[0] == expected
    assert services.send_due_refunds() == 0
    standin.webhooks()
    assert_books_hold()


def test_when_a_pending_refund_is_looked_up(payment: Payment, settings: Any) -> None:
    """Ours when the claim it was sent under is over, one made at Stripe at once; then in gaps of
    half its age, from a minute to an hour."""
    begun = dt.datetime(2026, 3, 2, 12, tzinfo=dt.UTC)
    with time_machine.travel(begun, tick=False) as clock:
        ours = plan(payment, "10.00")
        assert refund_sending._claim_due() is not None
        hear(payment, "pending", amount="10.00", number=1, refund_id=ours.id)
        hear(payment, "pending", amount="20.00", number=2)
        first = dict(Refund.objects.values_list("stripe_refund_id", "next_attempt_at"))
        assert first == {"re_1": begun + settings.LEASE, "re_2": begun}
        Refund.objects.filter(stripe_refund_id="re_2").update(status="succeeded")
        for age, gap in ((1, 1), (10, 5), (600, 60)):
            now = begun + dt.timedelta(minutes=age)
            clock.move_to(now, tick=False)
            Refund.objects.update(next_attempt_at=now)
            looked = refund_sending._claim_pending()
            assert looked is not None
            assert looked.next_attempt_at == now + dt.timedelta(minutes=gap)


def test_a_dead_workers_claim_lapses(payment: Payment, settings: object) -> None:
    plan(payment, "30.00")
    claimed = refund_sending._claim_due()
    assert claimed is not None
    assert refund_sending._claim_due() is None
    assert claimed.next_attempt_at - timezone.now() <= settings.LEASE  # type: ignore[attr-defined]
    Refund.objects.update(next_attempt_at=timezone.now())
    assert refund_sending._claim_due() is not None


def test_a_refusal_does_not_end_a_refund_that_was_made(
    payment: Payment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first answer was lost, its event was heard, and Stripe forgot the key since."""
    plan(payment, "30.00")

    def refuse(*, refund_id: str, **_: object) -> None:
        services.sync_refund(
            facts=refund_facts(payment, "succeeded", amount="30.00", refund_id=refund_id)
        )
        raise StripeRefused(code="charge_already_refunded", message="no")

    monkeypatch.setattr(stripe_gateway, "create_refund", refuse)
    services.send_due_refunds()
    assert Refund.objects.get().status == "succeeded"
    assert order_of(payment) == REFUNDED
    assert reserved(payment) == 30
    assert_books_hold()
