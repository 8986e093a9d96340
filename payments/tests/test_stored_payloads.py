"""What is kept of Stripe's events: ids and states, no secret and nobody's address."""

import importlib
from typing import Any

import pytest
from django.apps import apps
from django.db import connection
from django.utils import timezone

from payments.models import StripeEvent
from payments.stripe_payloads import keep_of

FULL: dict[str, Any] = {
    "id": "evt_1", "object": "event", "type": "payment_intent.succeeded", "created": 1,
    "livemode": False, "pending_webhooks": 1, "request": {"idempotency_key": "order-1"},
    "data": {
        "object": {
            "id": "pi_1", "object": "payment_intent", "status": "succeeded", "amount": 1000,
            "currency": "usd", "client_secret": "pi_1_secret_1", "receipt_email": "a@example.test",
            "latest_charge": "ch_1", "charges": {"data": [{"billing_details": {"name": "Ada"}}]},
            "metadata": {"order_id": "1"}, "description": "Ada's order",
            "payment_intent": {"id": "pi_1", "client_secret": "pi_1_secret_1"},
        },
        "previous_attributes": {"status": "processing"},
    },
}  # fmt: skip
KEPT: dict[str, Any] = {
    "id": "evt_1", "object": "event", "type": "payment_intent.succeeded", "created": 1,
    "livemode": False,
    "data": {
        "object": {
            "id": "pi_1", "object": "payment_intent", "status": "succeeded", "amount": 1000,
            "currency": "usd", "latest_charge": "ch_1",
        },
    },
}  # fmt: skip


def test_ids_and_states_are_kept() -> None:
    assert keep_of(FULL) == KEPT
    assert keep_of(KEPT) == KEPT


@pytest.mark.parametrize(
    ("odd", "kept"),
    [
        ({}, {}),
        ({"data": []}, {}),
        ({"data": {"object": "x"}}, {}),
        ({"data": {"object": {"id": ["x"], "reason": "x" * 300}}}, {"data": {"object": {}}}),
        ({"id": {"nested": 1}, "type": "t"}, {"type": "t"}),
    ],
)
def test_whatever_comes_is_reduced(odd: dict[str, Any], kept: dict[str, Any]) -> None:
    assert keep_of(odd) == kept


@pytest.mark.django_db
def test_what_was_stored_before_is_reduced_in_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    now = timezone.now()
    payloads = [FULL, KEPT, {}, [], {"data": {"object": "x"}, "note": "n"}]
    for number, payload in enumerate(payloads):
        StripeEvent.objects.create(
            id=f"evt_{number}", type="x", payload=payload, created_at_stripe=now,
            next_attempt_at=now,
        )  # fmt: skip
    migration = importlib.import_module("payments.migrations.0009_forget_payloads")
    monkeypatch.setattr(migration, "AT_ONCE", 2)
    with connection.schema_editor(atomic=False) as editor:
        migration.forget_payloads(apps, editor)
    stored = StripeEvent.objects.order_by("id").values_list("payload", flat=True)
    assert list(stored) == [KEPT, KEPT, {}, [], {}]
