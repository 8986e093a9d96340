"""Disputes that go on after their decision, and those that were stopped before they were any."""

import itertools
import uuid
from typing import Any, Literal, get_args

import pytest
import stripe

from core.models import OutboxEvent
from devtools.stripe_standin.client import StandIn
from enrollments.models import Enrollment
from orders.models import Order
from payments import services, stripe_gateway
from payments.models import Dispute, Payment, Refund
from payments.state import DisputeStatus
from payments.stripe_facts import read_dispute
from payments.tests.conftest import Pay, confirm, start_payment
from payments.tests.money import (
    assert_books_hold,
    dispute_facts,
    hear,
    make_order,
    make_paid,
    order_of,
    settle,
)
from tests.factories import StaffFactory

# Each word that Stripe has for where a dispute stands, as its SDK knows them.
WORDS = get_args(get_args(stripe.Dispute.__annotations__["status"])[0])


def told(status: str, *moved: int) -> stripe.Dispute:
    """A dispute as Stripe tells it, with what it moved on our balance."""
    movements = [
        {"amount": amount, "fee": 0, "currency": "usd", "exchange_rate": None} for amount in moved
    ]
    return stripe.Dispute.construct_from(
        {
            "id": "dp_1", "status": status, "reason": "general", "amount": 5000, "currency": "usd",
            "payment_intent": "pi_1", "created": 1, "evidence_details": {"due_by": None},
            "balance_transactions": movements,
        },
        "",
    )  # fmt: skip


def say(payment: Payment, *statuses: str, number: int = 1) -> None:
    for status in statuses:
        services.sync_dispute(facts=dispute_facts(payment, status, number=number))


def access(payment: Payment) -> list[str]:
    statuses: list[str] = order_of(payment)[3]
    return statuses


@pytest.mark.parametrize("status", WORDS)
@pytest.mark.parametrize("moved", [(), (-5000,), (-5000, 5000)])
def test_every_word_that_stripe_has_is_understood(status: str, moved: tuple[int, ...]) -> None:
    assert len(WORDS) >= 10
    DisputeStatus(read_dispute(told(status, *moved)).status)


@pytest.mark.parametrize(
    ("status", "moved", "read"),
    [
        ("prevented", (), "warning_closed"),
        ("prevented", (-5000, 5000), "warning_closed"),
        ("prevented", (-5000,), "lost"),
        ("a word of tomorrow", (), "warning_under_review"),
        ("a word of tomorrow", (-5000,), "under_review"),
        ("won", (-5000,), "won"),
    ],
)
def test_a_word_that_is_none_of_ours_is_read_by_where_the_money_is(
    status: str, moved: tuple[int, ...], read: str
) -> None:
    assert read_dispute(told(status, *moved)).status == read


@pytest.mark.django_db
@pytest.mark.parametrize(
    "on_the_way", [[], ["appeal_under_review"], ["appeal_needs_response", "appeal_under_review"]]
)
def test_a_lost_dispute_that_is_won_on_appeal_gives_money_and_access_back(
    on_the_way: list[str],
) -> None:
    payment = make_paid("30.00", "20.00")
    say(payment, "needs_response", "lost")
    assert access(payment) == ["revoked", "revoked"]
    say(payment, *on_the_way)
    assert access(payment) == ["revoked", "revoked"], "the bank still has the money"
    assert_books_hold()
    say(payment, "won")
    assert Dispute.objects.get().status == "won"
    assert access(payment) == ["active", "active"]
    events = OutboxEvent.objects.filter(name="payments.dispute_closed")
    closed = events.order_by("recorded_at", "id")
    assert [event.payload["won"] for event in closed] == [False, True]
    assert_books_hold()


@pytest.mark.django_db
def test_what_is_appealed_before_it_is_lost_stays_suspended() -> None:
    payment = make_paid("50.00")
    say(payment, "under_review", "appeal_needs_response")
    assert access(payment) == ["suspended"]
    say(payment, "won")
    assert access(payment) == ["active"]
    assert_books_hold()


@pytest.mark.django_db
def test_an_appeal_opens_nothing_that_was_refunded_or_is_lost_otherwise() -> None:
    payment = make_paid("30.00", "20.00")
    hear(payment, "succeeded", amount="50.00")
    say(payment, "lost", "won")
    assert access(payment) == ["revoked", "revoked"]
    other = make_paid("30.00")
    say(other, "lost", number=2)
    say(other, "lost", number=3)
    say(other, "won", number=2)
    assert access(other) == ["revoked"]
    say(other, "won", number=3)
    assert access(other) == ["active"]
    assert_books_hold()


@pytest.mark.django_db
@pytest.mark.parametrize("back_before", ["nothing", "a line", "no certain line"])
def test_a_course_bought_again_before_the_appeal_was_won_is_paid_once(back_before: str) -> None:
    payment = make_paid("30.00", "20.00")
    if back_before == "a line":
        services.refund_order(
            order_id=payment.order_id,
            item_ids=[first_item(payment)],
            note="",
            actor_id=StaffFactory.create().id,
        )
        hear(payment, "succeeded", amount="30.00", refund_id=Refund.objects.get().id)
    elif back_before == "no certain line":
        hear(payment, "succeeded", amount="45.00")
    say(payment, "lost")
    buyer, courses = payment.order.user, [item.course for item in payment.order.items.all()]
    assert buyer is not None
    again = settle(make_order("30.00", user=buyer, courses=courses[:1]))
    assert access(again) == ["active"]
    say(payment, "appeal_under_review", "won")
    assert_books_hold()
    assert access(again) == ["active"]
    assert access(payment) == ["active", "active"], "the other course is open again"
    due = Refund.objects.filter(payment=payment, status="due")
    told = {"nothing": ["30.00"], "a line": [], "no certain line": ["5.00"]}[back_before]
    assert [str(refund.amount) for refund in due] == told
    for refund in due:
        hear(payment, "succeeded", amount=str(refund.amount), number=2, refund_id=refund.id)
    assert_books_hold()
    assert access(again) == ["active"]


def first_item(payment: Payment) -> uuid.UUID:
    item: uuid.UUID = payment.order.items.order_by("created_at", "id").values_list("id")[0][0]
    return item


@pytest.mark.django_db
@pytest.mark.parametrize(("end", "left"), [("won", "active"), ("lost", "revoked")])
@pytest.mark.parametrize("order_said", list(itertools.permutations(range(4))))
def test_whatever_the_order_of_what_stripe_said_the_appeals_decision_is_the_end(
    order_said: tuple[int, ...], end: str, left: str
) -> None:
    payment = make_paid("50.00")
    said = ["lost", "appeal_needs_response", "appeal_under_review", end]
    say(payment, "needs_response", *(said[number] for number in order_said))
    # What is open here is asked for anew every day (`matching._disputes_made`).
    if Dispute.objects.get().closed_at is None:
        say(payment, end)
    assert Dispute.objects.get().status == end
    assert access(payment) == [left]
    assert_books_hold()


@pytest.mark.django_db(transaction=True)
def test_an_appeal_at_stripe_from_its_start_to_its_end(
    order: Order, standin: StandIn, pay: Pay
) -> None:
    intent = start_payment(order)
    pay(intent)
    confirm(order, intent)
    dispute_id = standin.open_dispute(payment_intent=intent.payment_intent_id)["id"]
    for step, status, left in (
        (lambda: None, "needs_response", "suspended"),
        (lambda: standin.close_dispute(dispute_id, "lost"), "lost", "revoked"),
        (lambda: standin.appeal_dispute(dispute_id), "appeal_under_review", "revoked"),
        (lambda: standin.close_dispute(dispute_id, "won"), "won", "active"),
    ):
        hear_step(step, dispute_id)
        assert Dispute.objects.get().status == status
        assert set(Enrollment.objects.values_list("status", flat=True)) == {left}
    assert_books_hold()


@pytest.mark.django_db(transaction=True)
def test_a_payment_disputed_again_after_a_dispute_was_won(
    order: Order, standin: StandIn, pay: Pay
) -> None:
    intent = start_payment(order)
    pay(intent)
    confirm(order, intent)
    ends: list[tuple[Literal["won", "lost"], str]] = [("won", "active"), ("lost", "revoked")]
    for end, left in ends:
        opened = standin.open_dispute(payment_intent=intent.payment_intent_id)
        hear_step(lambda: None, opened["id"])
        assert set(Enrollment.objects.values_list("status", flat=True)) == {"suspended"}
        standin.close_dispute(opened["id"], end)
        hear_step(lambda: None, opened["id"])
        assert set(Enrollment.objects.values_list("status", flat=True)) == {left}
        assert_books_hold()
    assert Dispute.objects.count() == 2


def hear_step(step: Any, dispute_id: str) -> None:
    step()
    services.sync_dispute(facts=stripe_gateway.retrieve_dispute(stripe_dispute_id=dispute_id))
