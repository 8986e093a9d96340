"""Bank debits under way, more than Stripe tells of in one step of the comparison."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from devtools.stripe_standin.client import StandIn
from payments import services, stripe_gateway
from payments.models import Payment, ReconciliationRun
from payments.services import comparison, matching_balance
from payments.stripe_facts import MovementFacts
from payments.stripe_gateway import StripeLater
from tests.factories import OrderFactory, UserFactory

pytestmark = pytest.mark.django_db(transaction=True)

NAMES = [str(number) for number in range(5)]


@pytest.fixture
def run(standin: StandIn) -> ReconciliationRun:
    """A comparison that has come to the balance; Stripe knows nothing of the debits."""
    for name in NAMES:
        order = OrderFactory.create(user=UserFactory.create(), subtotal=Decimal("10.00"))
        Payment.objects.create(
            order=order, stripe_payment_id=f"pi_{name}", stripe_charge_id=f"py_{name}",
            amount=order.total_amount, currency="usd", status="pending",
            stripe_status="processing", next_check_at=timezone.now() + dt.timedelta(hours=1),
        )  # fmt: skip
    since = timezone.now() - dt.timedelta(days=3)
    return ReconciliationRun.objects.create(since=since, position={"stage": "balance"})


class Stripe:
    """Tells of 1.00 of each debit, and puts off what it is asked beyond `room`."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.room = len(NAMES)

    def tell(self, *, intent_id: str) -> MovementFacts:
        if len(self.asked) >= self.room:
            raise StripeLater
        self.asked.append(intent_id)
        return MovementFacts(
            id=f"txn_{intent_id}", type="payment", reporting_category="charge", amount=130,
            fee=30, net=100, currency="usd", created=timezone.now(), available_on=timezone.now(),
            source=intent_id.replace("pi_", "py_"), description="",
        )  # fmt: skip


@pytest.fixture
def stripe(monkeypatch: pytest.MonkeyPatch) -> Stripe:
    stripe = Stripe()
    monkeypatch.setattr(stripe_gateway, "retrieve_debit", stripe.tell)
    monkeypatch.setattr(matching_balance, "_AT_ONCE", 2)
    return stripe


def go_on(run: ReconciliationRun) -> dict[str, Any]:
    ReconciliationRun.objects.update(leased_until=None)
    assert services.compare_when_due()
    run.refresh_from_db()
    position: dict[str, Any] = run.position
    return position


def test_what_stripe_puts_off_is_gone_on_with_and_nothing_is_asked_twice(
    run: ReconciliationRun, stripe: Stripe
) -> None:
    stripe.room = 2
    position = go_on(run)
    assert (position["under_way"], run.finished_at) == ({"usd": "2.00"}, None)
    stripe.room = 4
    assert go_on(run)["under_way"] == {"usd": "4.00"}
    stripe.room = 5
    go_on(run)
    assert sorted(stripe.asked) == [f"pi_{name}" for name in NAMES]
    assert run.balances["usd"]["under_way"] == "5.00"
    assert run.finished_at, "the books are verified after it"


def test_a_step_ends_in_its_time_however_many_there_are(
    run: ReconciliationRun, stripe: Stripe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(comparison, "SLICE_SECONDS", 0.0)
    monkeypatch.setattr(comparison, "STEP_SECONDS", 0.0)
    for asked in (2, 4, 5):
        assert go_on(run)["under_way"] == {"usd": f"{asked}.00"}
        assert len(stripe.asked) == asked
    assert go_on(run) == {"stage": "books"}
