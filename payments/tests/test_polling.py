"""The poll of Stripe's events: nothing that happened there stays unheard of."""

import dataclasses
import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
import time_machine
from celery.exceptions import SoftTimeLimitExceeded
from django.conf import settings as configured
from django.utils import timezone

from devtools.stripe_standin.client import StandIn
from orders.models import Order
from payments import services, stripe_gateway
from payments.errors import PaymentsUnavailable
from payments.models import StripeCursor, StripeEvent, first_check
from payments.services import polling, reading_on
from payments.services.inbox import HANDLED_TYPES
from payments.stripe_gateway import EventFacts, Page, StripeNotFound
from payments.tests.conftest import Pay, start_payment
from payments.tests.test_inbox import post
from payments.tests.test_settlement import assert_settled_once
from tests.parallel import at_once

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("standin")]


def set_cursor(moment: dt.datetime) -> None:
    StripeCursor.objects.update_or_create(name=polling.CURSOR, defaults={"read_until": moment})


def cursor() -> dt.datetime:
    return StripeCursor.objects.get(name=polling.CURSOR).read_until


# A moment of Stripe's, whose are of whole seconds.
NOW = timezone.now().replace(microsecond=0)


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


List = Callable[..., Page[EventFacts]]


def ago(seconds: float) -> dt.datetime:
    return NOW - dt.timedelta(seconds=seconds)


def make_events(count: int, *, at: dt.datetime) -> list[EventFacts]:
    """Events of one second, the newest first."""
    return [
        EventFacts(
            id=f"evt_{at.timestamp():.0f}_{number}", type=HANDLED_TYPES[0], object_id="pi_x",
            created=at, payload={},
        )
        for number in reversed(range(count))
    ]  # fmt: skip


def listing(events: list[EventFacts]) -> List:
    """List these as Stripe does, two on a page; they may change."""

    def answer(
        *, types: Any, since: dt.datetime, until: dt.datetime | None, after: str
    ) -> Page[EventFacts]:
        ids = [event.id for event in events]
        if after and after not in ids:
            raise StripeNotFound
        there = [
            event
            for event in events[ids.index(after) + 1 if after else 0 :]
            if event.created >= since and (until is None or event.created <= until)
        ]
        more = there[1].id if len(there) > 2 else ""
        oldest = there[:2][-1].created if there else None
        return Page(items=there[:2], after=more, oldest=oldest)

    return answer


def ending_at(number: int, ask: List, error: BaseException) -> List:
    """List as `ask` does, but end the run at the page of that number."""
    asked: list[str] = []

    def answer(**given: Any) -> Page[EventFacts]:
        asked.append(given["after"])
        if len(asked) == number:
            raise error
        return ask(**given)

    return answer


def stored() -> set[str]:
    return set(StripeEvent.objects.values_list("id", flat=True))


def poll_until_read(events: list[EventFacts], run: Callable[[], object]) -> int:
    """Run until all is there that is older than the last minutes; returns how many runs it took.
    Each has to get on."""
    settled = {event.id for event in events if event.created <= ago(300)}
    runs = 0
    while settled - stored():
        before = len(settled - stored())
        run()
        runs += 1
        assert len(settled - stored()) < before, "stuck"
    return runs


def test_what_is_read_is_read_once_however_often_the_poll_is_killed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Else a worker whose time is up before the end would begin anew for ever. Even a second may
    hold more than is read in a run."""
    events = [
        *make_events(5, at=NOW), *make_events(9, at=ago(400)), *make_events(4, at=ago(401)),
        *make_events(3, at=ago(500)),
    ]  # fmt: skip
    set_cursor(ago(300))

    def run() -> None:
        # The newest, a page of what is before them, and no more.
        killed = ending_at(3, listing(events), SoftTimeLimitExceeded())
        monkeypatch.setattr(stripe_gateway, "list_events", killed)
        with pytest.raises(SoftTimeLimitExceeded):
            services.poll_events()

    assert poll_until_read(events, run) == 8
    monkeypatch.setattr(stripe_gateway, "list_events", listing(events))
    services.poll_events()
    assert stored() == {event.id for event in events}
    assert cursor() == NOW


def test_a_poll_ends_within_its_time_wherever_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    events = [*make_events(7, at=NOW), *make_events(5, at=ago(400))]
    set_cursor(ago(300))
    monkeypatch.setattr(reading_on, "BUDGET_SECONDS", 0.0)
    monkeypatch.setattr(stripe_gateway, "list_events", listing(events))
    assert poll_until_read(events, services.poll_events) == 3
    assert cursor() == NOW
    # The last minutes are read as far as there is time, and hold nothing up.
    assert not reading_on.read_on(polling._EVENTS).found
    assert reading_on.read_on(polling._EVENTS).is_over
    monkeypatch.undo()
    monkeypatch.setattr(stripe_gateway, "list_events", listing(events))
    assert services.poll_events() == 5


def test_only_the_last_minutes_are_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    events = [*make_events(3, at=NOW), *make_events(3, at=ago(301)), *make_events(9, at=ago(500))]
    set_cursor(ago(300))
    asked: list[tuple[dt.datetime, dt.datetime | None]] = []

    def listen(**given: Any) -> Page[EventFacts]:
        asked.append((given["since"], given["until"]))
        return listing(events)(**given)

    monkeypatch.setattr(stripe_gateway, "list_events", listen)
    assert services.poll_events() == len(events)
    asked.clear()
    assert services.poll_events() == 0
    assert set(asked) == {(ago(300), None)}


def test_what_becomes_visible_late_is_read_however_far_the_poll_was(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    events = [*make_events(4, at=NOW), *make_events(9, at=ago(400))]
    late = dataclasses.replace(events[0], id="evt_late", created=ago(10))
    set_cursor(ago(300))
    monkeypatch.setattr(reading_on, "BUDGET_SECONDS", 0.0)
    monkeypatch.setattr(stripe_gateway, "list_events", listing(events))
    for _ in range(3):
        services.poll_events()
    # Others happen meanwhile, and one that happened before comes to light only now.
    events[:4] = [*make_events(4, at=NOW + dt.timedelta(seconds=200)), *events[:4], late]
    for _ in range(6):
        services.poll_events()
    events[:0] = make_events(4, at=NOW + dt.timedelta(seconds=600))
    for _ in range(6):
        services.poll_events()
    assert stored() >= {event.id for event in events[4:]}


def test_a_place_that_stripe_has_dropped_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    events = [*make_events(4, at=NOW), *make_events(9, at=ago(400))]
    set_cursor(ago(300))
    monkeypatch.setattr(reading_on, "BUDGET_SECONDS", 0.0)
    monkeypatch.setattr(stripe_gateway, "list_events", listing(events))
    services.poll_events()
    (place,) = StripeCursor.objects.values_list("reading_after", flat=True)
    events[:] = [event for event in events if event.id != place]
    monkeypatch.undo()
    monkeypatch.setattr(stripe_gateway, "list_events", listing(events))
    services.poll_events()
    assert stored() == {*(event.id for event in events), place}
    assert cursor() == NOW


def test_who_is_overtaken_leaves_it_to_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    events = [*make_events(3, at=NOW), *make_events(9, at=ago(400))]
    set_cursor(ago(300))
    far = NOW + dt.timedelta(hours=1)

    def overtaken(**given: Any) -> Page[EventFacts]:
        if given["until"] is not None:
            set_cursor(far)
        return listing(events)(**given)

    monkeypatch.setattr(stripe_gateway, "list_events", overtaken)
    assert not reading_on.read_on(polling._EVENTS).is_over
    assert (len(stored()), cursor()) == (4, far)


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
    bad = EventFacts(
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
