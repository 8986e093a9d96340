"""The poll of Stripe's events: nothing that happened there stays unheard of."""

import datetime as dt
from typing import Any

import pytest
import time_machine
from django.conf import settings as configured
from django.utils import timezone

from devtools.stripe_standin.client import StandIn
from orders.models import Order
from payments import services, stripe_gateway
from payments.errors import PaymentsUnavailable
from payments.models import StripeCursor, StripeEvent, first_check
from payments.services import polling, reading_on
from payments.services.inbox import HANDLED_TYPES
from payments.stripe_gateway import Page
from payments.tests.conftest import Pay, start_payment
from payments.tests.test_inbox import post
from payments.tests.test_settlement import assert_settled_once
from tests.parallel import at_once

pytestmark = pytest.mark.django_db(transaction=True)


def set_cursor(moment: dt.datetime) -> None:
    StripeCursor.objects.update_or_create(name=polling.CURSOR, defaults={"read_until": moment})


def cursor() -> dt.datetime:
    return StripeCursor.objects.get(name=polling.CURSOR).read_until


def fill_pages_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stripe_gateway, "PAGE_SIZE", 1)


@pytest.fixture
def paid(order: Order, pay: Pay) -> services.PaymentIntent:
    """Paid at Stripe at the second try; its webhooks reach nobody."""
    set_cursor(timezone.now() - dt.timedelta(minutes=1))
    intent = start_payment(order)
    pay(intent, "pm_card_chargeDeclined")
    pay(intent)
    return intent


def test_a_payment_no_webhook_told_of_is_found_and_settled(
    order: Order, paid: services.PaymentIntent
) -> None:
    assert services.poll_events() >= 1
    services.handle_due_events()
    assert_settled_once(order)
    services.poll_events()
    assert StripeEvent.objects.filter(type="payment_intent.succeeded").count() == 1


def test_an_event_that_came_by_webhook_is_known(
    order: Order, paid: services.PaymentIntent, standin: StandIn
) -> None:
    listed = stripe_gateway.list_events(
        types=["payment_intent.succeeded"], since=timezone.now() - dt.timedelta(hours=1), until=None
    ).items[0]
    post("payment_intent.succeeded", paid.payment_intent_id, standin, listed.id)
    services.handle_due_events()
    services.poll_events()
    assert StripeEvent.objects.get(id=listed.id).status == "handled"


def test_pollers_at_once_store_each_event_once(order: Order, paid: services.PaymentIntent) -> None:
    at_once(*[services.poll_events] * 4)
    at_once(*[services.handle_due_events] * 4)
    assert_settled_once(order)


@pytest.mark.parametrize(("ahead", "found"), [(60, True), (3600, False)])
def test_the_list_is_read_again_for_a_few_minutes_back(
    paid: services.PaymentIntent, ahead: int, found: bool
) -> None:
    set_cursor(timezone.now() + dt.timedelta(seconds=ahead))
    assert (services.poll_events() > 0) is found


def test_after_a_long_absence_the_list_is_read_in_steps(
    order: Order, paid: services.PaymentIntent, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin = timezone.now() - dt.timedelta(hours=3, minutes=30)
    set_cursor(begin)
    fill_pages_soon(monkeypatch)
    asked: list[tuple[dt.datetime, dt.datetime | None]] = []
    real = stripe_gateway.list_events

    def listen(**given: Any) -> Page[stripe_gateway.EventFacts]:
        if not given["after"]:
            asked.append((given["since"], given["until"]))
        return real(**given)

    monkeypatch.setattr(stripe_gateway, "list_events", listen)
    assert services.poll_events() >= 1
    # The overlap is for what was read while it was new. The first answer shows how much there is.
    whole, *asked = asked
    assert whole == (begin - reading_on.OVERLAP, None)
    assert asked[0][0] == begin - reading_on.OVERLAP
    assert [since for since, _ in asked[1:]] == [until for _, until in asked[:-1]]
    assert asked[-1][1] is None
    steps = [until - since for since, until in asked if until is not None]
    assert steps[0] == reading_on.OVERLAP + reading_on.FIRST_STEP
    assert max(steps) == polling.LONGEST_STEP
    assert steps == sorted(steps)
    assert timezone.now() - cursor() < dt.timedelta(minutes=2)


def test_a_killed_poll_goes_on_where_it_was(
    paid: services.PaymentIntent, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin = timezone.now() - dt.timedelta(hours=5, minutes=30)
    set_cursor(begin)
    fill_pages_soon(monkeypatch)
    monkeypatch.setattr(reading_on, "BUDGET_SECONDS", 0.0)
    services.poll_events()
    assert cursor() == begin + reading_on.FIRST_STEP
    services.poll_events()
    assert cursor() == begin + 2 * reading_on.FIRST_STEP


def test_where_there_is_much_the_steps_are_short(
    paid: services.PaymentIntent, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a worker whose time is up before the end of one would begin it anew for ever."""
    set_cursor(timezone.now() - dt.timedelta(hours=1))
    fill_pages_soon(monkeypatch)
    spans: list[dt.timedelta] = []
    real = stripe_gateway.list_events

    def listen(**given: Any) -> Page[stripe_gateway.EventFacts]:
        if given["until"] is not None:
            spans.append(given["until"] - given["since"])
        return real(**given)

    monkeypatch.setattr(stripe_gateway, "list_events", listen)
    monkeypatch.setattr(reading_on, "SLOW_STEP_SECONDS", -1.0)
    services.poll_events()
    assert len(spans) > 30
    assert set(spans[3:]) == {reading_on.FIRST_STEP}


def test_while_stripe_is_away_the_cursor_stays(
    paid: services.PaymentIntent, standin: StandIn
) -> None:
    before = cursor()
    standin.fault("refuse", "events.list", status=503)
    with pytest.raises(PaymentsUnavailable):
        services.poll_events()
    assert cursor() == before
    assert services.poll_events() >= 1


def test_the_cursor_never_moves_back(
    paid: services.PaymentIntent, monkeypatch: pytest.MonkeyPatch
) -> None:
    far = timezone.now() + dt.timedelta(hours=1)
    real = stripe_gateway.list_events

    def overtaken(**given: Any) -> Page[stripe_gateway.EventFacts]:
        set_cursor(far)
        return real(**given)

    monkeypatch.setattr(stripe_gateway, "list_events", overtaken)
    services.poll_events()
    assert cursor() == far


@pytest.mark.parametrize("hours", [-2, 2])
@pytest.mark.parametrize("absence", [dt.timedelta(minutes=1), dt.timedelta(hours=8), None])
def test_no_event_is_passed_whatever_our_clock_says(
    order: Order, pay: Pay, monkeypatch: pytest.MonkeyPatch, hours: int,
    absence: dt.timedelta | None,
) -> None:  # fmt: skip
    if absence is not None:
        set_cursor(timezone.now() - absence)
    fill_pages_soon(monkeypatch)
    with time_machine.travel(timezone.now() + dt.timedelta(hours=hours)):
        pay(start_payment(order), "pm_card_chargeDeclined")
        pay(start_payment(order), "pm_card_chargeDeclined")
        services.poll_events()
        pay(start_payment(order))
        services.poll_events()
    assert StripeEvent.objects.filter(type="payment_intent.succeeded").exists()
    assert abs(timezone.now() - cursor()) < dt.timedelta(minutes=2)


def test_where_nothing_ever_happened_nothing_is_passed(standin: StandIn) -> None:
    assert services.poll_events() == 0
    assert not StripeCursor.objects.exists()


def test_one_payload_that_cannot_be_stored_keeps_no_other_event_out(
    paid: services.PaymentIntent, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = stripe_gateway.list_events(
        types=HANDLED_TYPES, since=timezone.now() - dt.timedelta(hours=1), until=None
    ).items
    bad = stripe_gateway.EventFacts(
        id="evt_bad", type="payment_intent.succeeded", object_id="pi_x",
        created=timezone.now(), payload={"type": "\x00", "note": "n"},
    )  # fmt: skip
    page = Page(items=[*good, bad], after="", oldest=None)
    monkeypatch.setattr(stripe_gateway, "list_events", lambda **given: page)
    assert services.poll_events() == len(good) + 1
    assert StripeEvent.objects.get(id="evt_bad").payload == {}
    assert all(StripeEvent.objects.get(id=event.id).payload for event in good)


def test_without_stripe_nothing_is_polled(settings: Any) -> None:
    settings.STRIPE_SECRET_KEY = ""
    assert services.poll_events() == 0
    assert not StripeCursor.objects.exists()


def test_stripe_takes_the_list_of_types() -> None:
    assert len(HANDLED_TYPES) <= 20  # Stripe's limit


def test_a_missed_webhook_is_healed_within_a_minute() -> None:
    beat = {
        entry["task"].removeprefix("payments.tasks."): entry["schedule"]
        for entry in configured.CELERY_BEAT_SCHEDULE.values()
    }
    # Found by the poll and handled by the sweep, or looked up: in twice the time of a worst case.
    assert 2 * beat["poll_stripe_events"] <= 60
    assert beat["poll_stripe_events"] + beat["handle_stripe_events"] < 60
    assert first_check().total_seconds() + 2 * beat["reconcile_payments"] < 60
