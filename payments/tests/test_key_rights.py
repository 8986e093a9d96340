"""A restricted key that lacks a right: what needs it waits, everything else goes on."""

import logging
from typing import Any

import pytest
from django.core.cache import cache
from django.utils import timezone

from core.metrics import collect_metrics
from devtools.stripe_standin.client import StandIn
from orders.models import Order
from payments import doctor, key_rights, services, stripe_gateway
from payments.errors import PaymentsUnavailable
from payments.models import Payment, ReconciliationDifference, ReconciliationRun, StripeEvent
from payments.stripe_gateway import StripeForbidden
from payments.tests.conftest import Pay, start_payment
from payments.tests.test_comparison import compare

pytestmark = pytest.mark.django_db(transaction=True)

FORBIDDEN = 403


@pytest.fixture(autouse=True)
def _nothing_known(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(key_rights, "_noted", {})
    cache.delete(key_rights._KEY)
    yield
    cache.delete(key_rights._KEY)


def told_by_the_doctor() -> list[str]:
    return [one.words for one in doctor.check_money() if one.name == "stripe key"]


def test_a_right_that_is_missing_is_told_once_and_by_its_name(
    standin: StandIn, caplog: pytest.LogCaptureFixture
) -> None:
    standin.fault("refuse", "disputes.list", status=FORBIDDEN, times=3)
    for _ in range(3):
        with pytest.raises(StripeForbidden):
            stripe_gateway.list_disputes(since=timezone.now())
    logged = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert [record.getMessage().split(":")[0] for record in logged] == [
        "our key at Stripe lacks the right dispute_read"
    ]
    assert [words.split(",")[0] for words in told_by_the_doctor()] == ["lacks dispute_read"]
    assert "learnflow_stripe_rights_missing 1.0" in collect_metrics().decode()


@pytest.mark.parametrize(
    ("words", "right"),
    [
        ("Enabling \"Prices Read\" ('plan_read') permissions on this key would allow", "plan_read"),
        ("Having the 'rak_subscription_write' permission would allow", "subscription_write"),
        ("The provided key does not have the required permissions", "unknown"),
    ],
)
def test_stripes_words_for_a_right(words: str, right: str) -> None:
    assert key_rights.note_missing(words=words) == right
    assert list(key_rights.list_missing()) == [right]


def test_what_needs_no_such_right_is_served(order: Order, standin: StandIn) -> None:
    standin.fault("refuse", "disputes.list", status=FORBIDDEN)
    with pytest.raises(PaymentsUnavailable):
        stripe_gateway.list_disputes(since=timezone.now())
    assert start_payment(order).created


def test_an_event_that_cannot_be_looked_up_holds_up_no_other(
    order: Order, standin: StandIn, pay: Pay
) -> None:
    intent = start_payment(order)
    pay(intent)
    now = timezone.now()
    for number, (kind, object_id) in enumerate(
        [("charge.dispute.created", "dp_1"), ("payment_intent.succeeded", intent.payment_intent_id)]
    ):
        StripeEvent.objects.create(
            id=f"evt_{number}", type=kind, object_id=object_id, payload={}, created_at_stripe=now,
            next_attempt_at=now,
        )  # fmt: skip
    standin.fault("refuse", "disputes.retrieve", status=FORBIDDEN)
    services.handle_due_events()
    assert Payment.objects.get().status == "succeeded"
    waiting = StripeEvent.objects.get(id="evt_0")
    assert (waiting.status, waiting.attempts) == ("received", 1)
    assert "lacks a right" in waiting.last_error


def test_the_rest_is_compared_all_the_same(standin: StandIn) -> None:
    def open_ones() -> set[tuple[str, str]]:
        rows = ReconciliationDifference.objects.filter(resolved_at=None)
        return set(rows.values_list("object_type", "object_id"))

    standin.fault("refuse", "refunds.list", status=FORBIDDEN)
    run = compare()
    assert run.finished_at is not None
    assert standin.counts()["disputes.list"] == 1
    assert open_ones() == {("account", "right:refund")}
    compare()
    assert open_ones() == set(), "the key was mended"
    assert ReconciliationRun.objects.exclude(error="").count() == 0
