"""Disputes and refunds in the orders that life brings them in."""

import itertools
from dataclasses import replace
from decimal import Decimal

import pytest
import stripe
from django.db.models import Sum
from django.utils import timezone

from core.models import OutboxEvent
from devtools.stripe_standin.client import StandIn
from enrollments.models import Enrollment
from enrollments.services import Reason
from orders.models import Order
from payments import services, stripe_gateway
from payments.errors import NotOursYet
from payments.models import Dispute, LedgerEntry, Payment, Refund, StripeEvent
from payments.stripe_facts import read_dispute
from payments.stripe_gateway import DisputeFacts, RefundFacts
from payments.tests.conftest import Pay, confirm, start_payment
from payments.tests.money import assert_books_hold, close_anyway
from tests.factories import OrderFactory, OrderItemFactory
from tests.parallel import run_in_parallel

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def paid(order: Order, standin: StandIn, pay: Pay) -> services.PaymentIntent:
    intent = start_payment(order)
    pay(intent)
    confirm(order, intent)
    return intent


def dispute(intent_id: str, status: str, number: int = 1) -> DisputeFacts:
    return DisputeFacts(
        id=f"dp_{number}", status=status, reason="fraudulent", amount=9998, currency="usd",
        intent_id=intent_id, opened_at=timezone.now(),
    )  # fmt: skip


def refund(intent_id: str, status: str, amount: int = 9998, number: int = 1) -> RefundFacts:
    return RefundFacts(
        id=f"re_{number}", status=status, amount=amount, intent_id=intent_id, refund_id=""
    )


def access() -> set[str]:
    return set(Enrollment.objects.values_list("status", flat=True))


def test_an_inquiry_that_becomes_a_dispute_suspends(paid: services.PaymentIntent) -> None:
    services.sync_dispute(facts=dispute(paid.payment_intent_id, "warning_needs_response"))
    assert access() == {"active"}
    services.sync_dispute(facts=dispute(paid.payment_intent_id, "needs_response"))
    assert access() == {"suspended"}


def test_an_inquiry_that_ends_as_a_lost_dispute_revokes(paid: services.PaymentIntent) -> None:
    services.sync_dispute(facts=dispute(paid.payment_intent_id, "warning_needs_response"))
    services.sync_dispute(facts=dispute(paid.payment_intent_id, "lost"))
    assert access() == {"revoked"}


def test_an_inquiry_that_ends_well_changes_nothing(paid: services.PaymentIntent) -> None:
    services.sync_dispute(facts=dispute(paid.payment_intent_id, "warning_needs_response"))
    services.sync_dispute(facts=dispute(paid.payment_intent_id, "warning_closed"))
    assert access() == {"active"}


def test_a_dispute_of_a_second_payment_touches_no_course(
    order: Order, paid: services.PaymentIntent
) -> None:
    intent = stripe_gateway.retrieve_intent(intent_id=paid.payment_intent_id)
    services.settle(intent=replace(intent, id="pi_second", charge_id="ch_second"))
    services.sync_dispute(facts=dispute("pi_second", "needs_response"))
    assert access() == {"active"}


def buy_again(order: Order) -> Order:
    again = OrderFactory.create(user=order.user, subtotal=Decimal("99.98"))
    for item in order.items.all():
        OrderItemFactory.create(order=again, course=item.course)
    return again


def test_a_dispute_of_a_refunded_order_leaves_what_was_bought_again(
    order: Order, paid: services.PaymentIntent, pay: Pay
) -> None:
    services.sync_refund(facts=refund(paid.payment_intent_id, "succeeded"))
    assert access() == {"revoked"}
    again = buy_again(order)
    second = start_payment(again)
    pay(second)
    confirm(again, second)
    assert access() == {"active"}
    services.sync_dispute(facts=dispute(paid.payment_intent_id, "needs_response"))
    assert access() == {"active"}
    services.sync_dispute(facts=dispute(second.payment_intent_id, "needs_response", number=2))
    services.sync_dispute(facts=dispute(paid.payment_intent_id, "won"))
    assert access() == {"suspended"}, "the other order's dispute is still open"


def test_a_refund_of_one_order_leaves_what_another_bought_again(
    order: Order, paid: services.PaymentIntent, pay: Pay
) -> None:
    from enrollments import services as enrollment_services

    ids = list(Enrollment.objects.values_list("id", flat=True))
    enrollment_services.revoke_enrollments(enrollment_ids=ids, reason=Reason.of_staff("terms"))
    again = buy_again(order)
    second = start_payment(again)
    pay(second)
    confirm(again, second)
    services.sync_refund(facts=refund(paid.payment_intent_id, "succeeded"))
    order.refresh_from_db()
    assert order.status == "refunded"
    assert access() == {"active"}


def test_what_stripe_said_before_never_overwrites_how_a_refund_ended(
    paid: services.PaymentIntent,
) -> None:
    for status in ("pending", "succeeded", "pending"):
        services.sync_refund(facts=refund(paid.payment_intent_id, status))
    assert Refund.objects.get().status == "succeeded"


def test_a_refund_made_again_after_one_failed_is_the_one_that_counts(
    order: Order, paid: services.PaymentIntent
) -> None:
    services.sync_refund(facts=refund(paid.payment_intent_id, "pending"))
    services.sync_refund(facts=refund(paid.payment_intent_id, "failed"))
    services.sync_refund(facts=refund(paid.payment_intent_id, "succeeded", number=2))
    counted = Refund.objects.get(applied_at__isnull=False, undone_at=None)
    assert (counted.stripe_refund_id, counted.status) == ("re_2", "succeeded")
    assert "re_1" in Payment.objects.get().needs_attention
    order.refresh_from_db()
    assert (order.status, order.refunded_amount) == ("refunded", Decimal("99.98"))
    assert access() == {"revoked"}


def test_the_buyer_hears_of_money_that_came_too_late_and_went_back(
    order: Order, standin: StandIn, pay: Pay
) -> None:
    intent = start_payment(order)
    pay(intent)
    close_anyway(order)
    services.settle(intent=stripe_gateway.retrieve_intent(intent_id=intent.payment_intent_id))
    services.send_due_refunds()
    payload = OutboxEvent.objects.get(name="payments.refund_succeeded").payload
    assert payload["order_id"] == str(order.id)
    assert payload["user_id"] == str(order.user_id)


def hear_of(kind: str, object_id: str) -> None:
    """Have the inbox handle one event, before any other about the same payment."""
    now = timezone.now()
    StripeEvent.objects.create(
        id=f"evt_{kind}", type=kind, object_id=object_id, payload={}, created_at_stripe=now,
        next_attempt_at=now,
    )  # fmt: skip
    assert services.handle_due_events() == 1


@pytest.mark.parametrize("row", ["there", "lost"])
@pytest.mark.parametrize("kind", ["charge.refunded", "refund.updated"])
def test_a_refund_heard_of_before_its_payment_is_taken_in_all_the_same(
    order: Order, standin: StandIn, pay: Pay, kind: str, row: str
) -> None:
    intent = start_payment(order)
    pay(intent)
    made = stripe_gateway.create_refund(
        intent_id=intent.payment_intent_id, amount=9998, refund_id="", idempotency_key="dash"
    )
    paid = stripe_gateway.retrieve_intent(intent_id=intent.payment_intent_id)
    if row == "lost":
        Payment.objects.all().delete()
    hear_of(kind, made.id if kind == "refund.updated" else paid.charge_id)
    services.settle(intent=paid)
    order.refresh_from_db()
    assert (order.status, order.refunded_amount) == ("refunded", Decimal("99.98"))
    assert access() == {"revoked"}


def test_a_dispute_heard_of_before_its_payment_suspends(
    order: Order, standin: StandIn, pay: Pay
) -> None:
    intent = start_payment(order)
    pay(intent)
    opened = standin.open_dispute(payment_intent=intent.payment_intent_id)
    hear_of("charge.dispute.created", opened["id"])
    services.settle(intent=stripe_gateway.retrieve_intent(intent_id=intent.payment_intent_id))
    assert access() == {"suspended"}


def test_a_lost_dispute_revokes_for_good(order: Order, paid: services.PaymentIntent) -> None:
    for status in ("needs_response", "under_review", "lost"):
        services.sync_dispute(facts=dispute(paid.payment_intent_id, status))
    assert access() == {"revoked"}
    assert set(order.items.values_list("state", flat=True)) == {"fulfilled"}
    row = Dispute.objects.get()
    assert (row.status, row.closed_at is None) == ("lost", False)
    assert_books_hold()


@pytest.mark.parametrize(("end", "left"), [("won", "active"), ("lost", "revoked")])
@pytest.mark.parametrize(
    "order_said",
    list(itertools.permutations([0, 1, 2, 3])),
    ids=lambda order: "".join(map(str, order)),
)
def test_whatever_the_order_of_what_stripe_said_the_decision_is_the_end(
    paid: services.PaymentIntent, order_said: tuple[int, ...], end: str, left: str
) -> None:
    said = ["warning_needs_response", "needs_response", "under_review", end]
    for number in order_said:
        services.sync_dispute(facts=dispute(paid.payment_intent_id, said[number]))
    assert Dispute.objects.get().status == end
    assert access() == {left}


def test_a_won_dispute_gives_the_money_back_in_the_books(
    order: Order, paid: services.PaymentIntent
) -> None:
    services.sync_dispute(
        facts=replace(dispute(paid.payment_intent_id, "needs_response"), fee=1500)
    )
    taken = booked()
    assert taken["stripe"] == -15
    assert taken["stripe_fees"] == 15
    services.sync_dispute(facts=replace(dispute(paid.payment_intent_id, "won"), fee=1500))
    assert booked()["stripe"] == Decimal("84.98")
    services.sync_dispute(facts=replace(dispute(paid.payment_intent_id, "won"), fee=0))
    assert booked()["stripe"] == Decimal("99.98"), "Stripe gave its fee back later"
    assert_books_hold()


def booked() -> dict[str, Decimal]:
    rows = LedgerEntry.objects.values_list("account").annotate(total=Sum("amount"))
    return dict(rows)


def test_won_before_we_heard_of_it_leaves_what_staff_suspended(
    paid: services.PaymentIntent,
) -> None:
    from enrollments import services as enrollment_services

    ids = list(Enrollment.objects.values_list("id", flat=True))
    enrollment_services.suspend_enrollments(enrollment_ids=ids, reason=Reason.of_staff("terms"))
    services.sync_dispute(facts=dispute(paid.payment_intent_id, "won"))
    assert access() == {"suspended"}


def test_one_of_two_disputes_won_opens_nothing(paid: services.PaymentIntent) -> None:
    services.sync_dispute(facts=dispute(paid.payment_intent_id, "needs_response", number=1))
    services.sync_dispute(facts=dispute(paid.payment_intent_id, "needs_response", number=2))
    services.sync_dispute(facts=dispute(paid.payment_intent_id, "won", number=1))
    assert access() == {"suspended"}
    services.sync_dispute(facts=dispute(paid.payment_intent_id, "won", number=2))
    assert access() == {"active"}


def test_a_course_bought_again_after_a_lost_dispute_stands_by_itself(
    order: Order, paid: services.PaymentIntent, pay: Pay
) -> None:
    services.sync_dispute(facts=dispute(paid.payment_intent_id, "lost"))
    again = buy_again(order)
    second = start_payment(again)
    pay(second)
    confirm(again, second)
    assert access() == {"active"}
    services.sync_dispute(facts=dispute(paid.payment_intent_id, "lost", number=2))
    assert access() == {"active"}
    services.sync_refund(facts=refund(second.payment_intent_id, "succeeded"))
    assert access() == {"revoked"}, "the disputed order pays for nothing"


def test_an_inquiry_that_ended_can_still_become_a_dispute(paid: services.PaymentIntent) -> None:
    for status in ("warning_closed", "warning_needs_response"):
        services.sync_dispute(facts=dispute(paid.payment_intent_id, status))
    assert Dispute.objects.get().status == "warning_closed"
    assert access() == {"active"}
    services.sync_dispute(facts=dispute(paid.payment_intent_id, "needs_response"))
    assert Dispute.objects.get().closed_at is None
    assert access() == {"suspended"}


def test_a_dispute_of_money_not_settled_here_waits(order: Order, standin: StandIn) -> None:
    intent = start_payment(order)
    for intent_id in (intent.payment_intent_id, "pi_unknown"):
        with pytest.raises(NotOursYet):
            services.sync_dispute(facts=dispute(intent_id, "needs_response"))
    assert not Dispute.objects.exists()


def test_ten_at_once_are_one(paid: services.PaymentIntent) -> None:
    facts = dispute(paid.payment_intent_id, "needs_response")
    results = run_in_parallel(10, lambda _: services.sync_dispute(facts=facts))
    assert results == [None] * 10
    assert OutboxEvent.objects.filter(name="payments.dispute_opened").count() == 1
    assert_books_hold()


def test_stripe_tells_the_fee_and_the_date(
    order: Order, paid: services.PaymentIntent, standin: StandIn
) -> None:
    opened = standin.open_dispute(payment_intent=paid.payment_intent_id)
    services.sync_dispute(facts=stripe_gateway.retrieve_dispute(stripe_dispute_id=opened["id"]))
    row = Dispute.objects.get()
    assert row.fee_amount == 15
    assert row.evidence_due_at is not None
    assert row.evidence_due_at > timezone.now()
    assert_books_hold()


def test_a_dispute_in_another_currency_takes_what_was_paid(paid: services.PaymentIntent) -> None:
    facts = replace(
        dispute(paid.payment_intent_id, "needs_response"), currency="eur", amount=9150, fee=1500
    )
    services.sync_dispute(facts=facts)
    row, payment = Dispute.objects.get(), Payment.objects.get()
    assert (row.amount, row.currency, row.fee_amount) == (Decimal("99.98"), "usd", None)
    assert payment.needs_attention.startswith("Disputed for 91.50 EUR")
    assert access() == {"suspended"}
    services.sync_dispute(facts=replace(facts, status="won"))
    assert_books_hold()


def test_a_disputes_fee_is_told_in_the_currency_of_the_dispute() -> None:
    told = {
        "id": "dp_1", "status": "lost", "reason": "general", "amount": 5000, "currency": "usd",
        "payment_intent": "pi_1", "created": 1, "evidence_details": {"due_by": None},
        "balance_transactions": [
            {"currency": "eur", "exchange_rate": 0.8, "fee": 1200},
            {"currency": "usd", "exchange_rate": None, "fee": -300},
        ],
    }  # fmt: skip
    assert read_dispute(stripe.Dispute.construct_from(told, "")).fee == 1200
