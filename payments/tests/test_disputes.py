"""Disputes and refunds in the orders that life brings them in."""

from dataclasses import replace
from decimal import Decimal

import pytest
from django.utils import timezone

from core.models import OutboxEvent
from devtools.stripe_standin.client import StandIn
from enrollments.models import Enrollment
from orders import services as order_services
from orders.models import Order
from payments import services, stripe_gateway
from payments.models import Payment, Refund, StripeEvent
from payments.stripe_gateway import DisputeFacts, RefundFacts
from payments.tests.conftest import Pay, confirm, start_payment
from tests.factories import OrderFactory, OrderItemFactory

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
    enrollment_services.revoke_enrollments(enrollment_ids=ids, reason="terms")
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
    order_services.close_order(order_id=order.id, reason="canceled")
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
