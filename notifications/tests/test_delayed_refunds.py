"""What is mailed of a refund for which too little is available at Stripe, until it has gone."""

import datetime as dt
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from django.utils import timezone

from core import outbox
from core.models import OutboxDelivery
from notifications.models import Email
from payments import services, stripe_gateway
from payments.models import Payment, Refund
from payments.stripe_gateway import RefundFacts, StripeRefused
from payments.tests.money import hear, make_paid, refund_facts, settle
from tests.factories import StaffFactory, UserFactory
from users.models import User

pytestmark = pytest.mark.django_db

DELAYED, STAFFS = "refund-delayed", "staff-refund-delayed"


@pytest.fixture
def member() -> User:
    return StaffFactory.create()


@pytest.fixture
def payment(member: User) -> Payment:
    return make_paid("30.00", user=UserFactory.create(email="buyer@learnflow.test"))


def told() -> Counter[str]:
    """How many mails of each kind were written about refunds."""
    outbox.deliver_due(limit=200)
    assert not OutboxDelivery.objects.exclude(last_error="").exists()
    return Counter(Email.objects.filter(kind__contains="refund").values_list("kind", flat=True))


def text_of(kind: str) -> str:
    return Email.objects.get(kind=kind).text


Say = Callable[..., None]


@pytest.fixture
def say(payment: Payment, member: User) -> Say:
    """Have Stripe say so of a refund that counts, and has for an hour."""
    refund = services.refund_payment(
        payment_id=payment.id, item_ids=None, note="", actor_id=member.id
    )
    hear(payment, "pending", amount="30.00", refund_id=refund.id)
    Refund.objects.update(applied_at=timezone.now() - dt.timedelta(hours=1))
    facts: RefundFacts = refund_facts(payment, "pending", amount="30.00", refund_id=refund.id)

    def say(**changes: Any) -> None:
        services.sync_refund(facts=replace(facts, **changes))

    return say


def test_that_what_counts_has_gone_after_all_is_told_once(say: Say) -> None:
    say(waits_for="insufficient_funds")
    assert told() == {"refund": 1, DELAYED: 1, STAFFS: 1}
    assert Refund.objects.get().shortages == 1
    for _ in range(2):
        say(status="succeeded")
    assert told() == {"refund": 2, DELAYED: 1, STAFFS: 1}
    assert Refund.objects.get().shortages == 0


def test_without_a_shortage_nothing_more_is_told(say: Say) -> None:
    say(status="succeeded")
    assert told() == {"refund": 1}


def test_what_stripe_waits_with_is_not_said_to_be_tried_again(say: Say) -> None:
    say(waits_for="insufficient_funds")
    told()
    buyers, staffs = text_of(DELAYED), text_of(STAFFS)
    assert "goes on as soon as it can" in buyers
    assert "another mail tells you" in buyers
    assert "goes on with it as soon as there is enough" in staffs
    assert "Top up the balance" in staffs
    assert "each day" not in buyers + staffs


def test_nor_is_one_that_was_promised_and_does_not_count_yet(payment: Payment) -> None:
    second = settle(payment.order, number="second")
    refund = Refund.objects.get()
    facts = refund_facts(second, "pending", amount="30.00", refund_id=refund.id)
    services.sync_refund(facts=replace(facts, waits_for="insufficient_funds"))
    told()
    assert "each day" not in text_of(DELAYED) + text_of(STAFFS)
    services.sync_refund(facts=replace(facts, status="succeeded"))
    assert told()["refund"] == 1


def test_what_stripe_refused_is_tried_each_day(
    payment: Payment, monkeypatch: pytest.MonkeyPatch
) -> None:
    settle(payment.order, number="second")

    def refuse(**given: object) -> None:
        raise StripeRefused(code="balance_insufficient", message="No.")

    monkeypatch.setattr(stripe_gateway, "create_refund", refuse)
    services.send_due_refunds()
    told()
    assert "tried again each day" in text_of(DELAYED)
    assert "tried again each day" in text_of(STAFFS)
