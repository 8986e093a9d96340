"""Money at Stripe for orders that aren't here: one difference until all of it is back."""

import datetime as dt
import uuid
from dataclasses import replace
from decimal import Decimal
from typing import Any, Literal

import pytest
from django.utils import timezone

from core.metrics import collect_metrics
from devtools.stripe_standin.client import StandIn
from orders.models import Order
from payments import services, stripe_gateway
from payments.models import Payment, ReconciliationDifference, ReconciliationRun
from payments.services import comparison, matching
from payments.stripe_gateway import Page, RefundFacts
from payments.tests.conftest import Pay, start_payment
from payments.tests.test_parking import pay_at_stripe

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def unknown(standin: StandIn) -> str:
    """A paid intent of 49.99 for an order that this database doesn't have."""
    return str(pay_at_stripe(standin, str(uuid.uuid4()))["id"])


@pytest.fixture
def old_intents(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have Stripe's list show no intent: all were made before the window."""
    nothing = Page[Any](items=[], after="", oldest=None)
    given = {**vars(matching.INTENTS), "list_page": lambda **wanted: nothing}
    monkeypatch.setitem(comparison._BY_NAME, "payment_intent", matching.Subject(**given))


def give_back(intent_id: str, amount: int) -> RefundFacts:
    """Refund so much of it, by a refund that is none of ours."""
    name = str(uuid.uuid4())
    return stripe_gateway.create_refund(
        intent_id=intent_id, amount=amount, refund_id=name, idempotency_key=name
    )


def compare(**ago: int) -> ReconciliationRun:
    since = timezone.now() - dt.timedelta(**(ago or {"hours": 1}))
    return services.compare_now(since=since, on_progress=lambda run: None)


def left() -> list[tuple[str, str, str]]:
    """What is open: the type of object, its id, and what Stripe says."""
    rows = ReconciliationDifference.objects.filter(resolved_at=None)
    return sorted(rows.values_list("object_type", "object_id", "theirs"))


@pytest.mark.parametrize("window", [{"hours": 1}, {"hours": 0}])
def test_refunding_it_resolves_its_difference(unknown: str, window: dict[str, int]) -> None:
    compare()
    assert left() == [("payment_intent", unknown, "succeeded, 49.99 usd; 49.99 not back yet")]
    give_back(unknown, 4999)
    run = compare(**window)
    assert left() == []
    row = ReconciliationDifference.objects.get()
    assert (row.object_id, row.resolved_at is not None, row.healed) == (unknown, True, False)
    assert run.totals == {}
    assert 'learnflow_reconciliation_differences{kind="missing_here"} 0.0' in (
        collect_metrics().decode()
    )


def test_what_is_partly_back_is_one_difference_that_says_what_is_left(unknown: str) -> None:
    compare()
    for amount in (1000, 999):
        give_back(unknown, amount)
    compare()
    assert left() == [("payment_intent", unknown, "succeeded, 49.99 usd; 30.00 not back yet")]
    give_back(unknown, 3000)
    compare()
    assert left() == []


def test_what_is_back_before_anybody_looked_is_no_difference(unknown: str) -> None:
    give_back(unknown, 4999)
    compare()
    assert not ReconciliationDifference.objects.exists()


@pytest.mark.parametrize(
    ("amount", "told"),
    [
        (4999, []),
        (1000, [("payment_intent", "succeeded, 49.99 usd; 39.99 not back yet")]),
    ],
)
@pytest.mark.usefixtures("old_intents")
def test_a_refund_of_older_unknown_money_is_told_of_its_intent(
    unknown: str, amount: int, told: list[tuple[str, str]]
) -> None:
    """The intent lies before the window, and nobody has reported it."""
    give_back(unknown, amount)
    compare()
    assert [(kind, theirs) for kind, _, theirs in left()] == told
    assert not ReconciliationDifference.objects.filter(object_type="refund").exists()


def test_refunds_that_were_reported_are_resolved(unknown: str) -> None:
    """Rows of before refunds were told of their intents."""
    stripe_refund_id = give_back(unknown, 4999).id
    before = timezone.now() - dt.timedelta(days=9)
    ReconciliationDifference.objects.create(
        kind="missing_here", object_type="refund", object_id=stripe_refund_id, last_seen_at=before,
        found_by=ReconciliationRun.objects.create(since=before, finished_at=before),
    )  # fmt: skip
    compare(hours=0)
    assert left() == []


def test_many_refunds_of_one_intent_are_looked_up_by_it_once(
    unknown: str, standin: StandIn
) -> None:
    for _ in range(3):
        give_back(unknown, 100)
    compare()
    calls = standin.counts()["payment_intents.retrieve"]
    for _ in range(6):
        give_back(unknown, 100)
    compare()
    assert standin.counts()["payment_intents.retrieve"] == 2 * calls
    assert [theirs for _, _, theirs in left()] == ["succeeded, 49.99 usd; 40.99 not back yet"]


@pytest.mark.parametrize("is_reported", [True, False])
@pytest.mark.parametrize("outcome", ["succeeded", "failed"])
def test_a_refund_that_is_pending_brought_nothing_back_yet(
    unknown: str,
    standin: StandIn,
    monkeypatch: pytest.MonkeyPatch,
    is_reported: bool,
    outcome: Literal["succeeded", "failed"],
) -> None:
    if is_reported:
        compare()
    refund = give_back(unknown, 4999)
    pending = [replace(refund, status="pending")]
    with monkeypatch.context() as patched:
        patched.setattr(stripe_gateway, "list_refunds_of_charge", lambda **of: pending)
        compare()
    whole = [("payment_intent", unknown, "succeeded, 49.99 usd; 49.99 not back yet")]
    assert left() == whole
    standin.settle_refund(refund.id, outcome)
    compare(hours=0)
    assert left() == ([] if outcome == "succeeded" else whole)


def test_a_dispute_of_unknown_money_stays_in_sight(unknown: str, standin: StandIn) -> None:
    dispute = standin.open_dispute(payment_intent=unknown)
    compare()
    assert [row[:2] for row in left()] == [
        ("dispute", dispute["id"]), ("payment_intent", unknown)
    ]  # fmt: skip


@pytest.mark.usefixtures("old_intents")
def test_an_older_payment_that_was_missed_is_healed_by_its_refund(order: Order, pay: Pay) -> None:
    intent = start_payment(order)
    pay(intent)
    give_back(intent.payment_intent_id, 1000)
    Payment.objects.all().delete()
    run = compare()
    order.refresh_from_db()
    assert (order.status, order.refunded_amount) == ("completed", Decimal("10.00"))
    assert left() == []
    healed = ReconciliationDifference.objects.filter(healed=True)
    assert set(healed.values_list("object_type", flat=True)) == {"payment_intent", "refund"}
    assert run.differences_healed == 2


@pytest.mark.usefixtures("old_intents")
def test_refunds_of_somebody_elses_sales_are_no_business_of_ours(standin: StandIn) -> None:
    theirs = pay_at_stripe(standin, "invoice 17 of another shop")
    give_back(theirs["id"], 100)
    compare()
    assert not ReconciliationDifference.objects.exists()
