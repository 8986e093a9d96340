"""Stripe's second kind of events, which only name what changed."""

import json
from typing import Any

import pytest

from devtools.stripe_standin.client import StandIn
from payments.models import StripeEvent
from payments.tests.test_inbox import deliver, sign

pytestmark = pytest.mark.django_db

THIN = {
    "id": "evt_test_65thin",
    "object": "v2.core.event",
    "type": "v1.payment_intent.succeeded",
    "livemode": False,
    "created": "2026-09-18T19:56:56.947Z",
    "related_object": {"id": "pi_1", "type": "payment_intent", "url": "/v1/payment_intents/pi_1"},
}


@pytest.mark.parametrize(
    "more",
    [{}, {"related_object": None}, {"type": "payment_intent.succeeded"}, {"data": {"x": "y"}}],
    ids=["plain", "about nothing", "of a type that is handled", "with data"],
)
def test_a_thin_event_is_stored_and_ignored(standin: StandIn, more: dict[str, Any]) -> None:
    """It has no object; and the ordinary kind tells of the same."""
    body = json.dumps(THIN | more).encode()
    assert deliver(body, sign(body, standin.webhook_secret)).status_code == 200
    stored = StripeEvent.objects.get()
    assert (stored.id, stored.status) == ("evt_test_65thin", "ignored")
    assert stored.object_id == ("" if "related_object" in more else "pi_1")
    assert stored.created_at_stripe.isoformat() == "2026-09-18T19:56:56.947000+00:00"
    assert deliver(body, sign(body, standin.webhook_secret)).status_code == 200
    assert StripeEvent.objects.count() == 1


@pytest.mark.parametrize("created", ["yesterday", "2026-09-18T19:56:56", 5, None])
def test_a_thin_event_of_no_time_is_refused(standin: StandIn, created: object) -> None:
    body = json.dumps(THIN | {"created": created}).encode()
    assert deliver(body, sign(body, standin.webhook_secret)).status_code == 400
