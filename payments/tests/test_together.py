"""Events that are handled together: asked about at once, each for itself in its effect."""

import dataclasses
import datetime as dt
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from django.utils import timezone

from devtools.stripe_standin.client import StandIn
from orders.models import Order
from payments import services, stripe_connect, stripe_gateway
from payments.errors import PaymentsUnavailable
from payments.models import PayoutAccount, StripeEvent
from payments.services import ahead, inbox
from payments.stripe_facts import IntentFacts
from payments.stripe_gateway import StripeNotFound
from payments.tests.conftest import Pay, start_payment
from payments.tests.test_inbox import deliver, event, post, sign
from tests.factories import OrderFactory, OrderItemFactory, UserFactory, make_course
from tests.parallel import at_once

pytestmark = pytest.mark.django_db(transaction=True)

Retrieve = Callable[..., IntentFacts]


@pytest.fixture
def intents(standin: StandIn, pay: Pay) -> list[str]:
    """Three people's payments, each told of by an event that isn't handled yet, in this order."""
    made = []
    for number in range(3):
        order = OrderFactory.create(user=UserFactory.create(), subtotal=Decimal("49.99"))
        OrderItemFactory.create(order=order, course=make_course())
        intent = start_payment(order)
        pay(intent)
        post("payment_intent.succeeded", intent.payment_intent_id, standin, f"evt_{number}")
        made.append(intent.payment_intent_id)
    return made


def completed() -> int:
    return Order.objects.filter(status="completed").count()


def instead(
    monkeypatch: pytest.MonkeyPatch, change: Callable[[Retrieve, str], IntentFacts]
) -> None:
    """Answer about an intent by `change`, which is given how it is really asked."""
    real = stripe_gateway.retrieve_intent
    monkeypatch.setattr(
        stripe_gateway, "retrieve_intent", lambda *, intent_id: change(real, intent_id)
    )


def test_they_are_asked_about_at_once(intents: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    all_here = threading.Barrier(3, timeout=60)

    def meet(real: Retrieve, intent_id: str) -> IntentFacts:
        all_here.wait()
        return real(intent_id=intent_id)

    instead(monkeypatch, meet)
    assert services.handle_due_events() == 3
    assert completed() == 3


@contextmanager
def keeping_waiting(monkeypatch: pytest.MonkeyPatch, intent_id: str) -> Iterator[threading.Event]:
    """Answer nothing about this intent until the event is set, or the block ends."""
    goes_on = threading.Event()

    def hang(real: Retrieve, asked_about: str) -> IntentFacts:
        if asked_about == intent_id:
            assert goes_on.wait(timeout=60)
        return real(intent_id=asked_about)

    with monkeypatch.context() as ill:
        instead(ill, hang)
        try:
            yield goes_on
        finally:
            goes_on.set()


def test_no_more_than_a_process_may_are_asked_at_once(
    intents: list[str], monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    settings.STRIPE_CONCURRENCY = 2
    under_way, most, lock = 0, 0, threading.Lock()

    def count(real: Retrieve, intent_id: str) -> IntentFacts:
        nonlocal under_way, most
        with lock:
            under_way += 1
            most = max(most, under_way)
        try:
            return real(intent_id=intent_id)
        finally:
            with lock:
                under_way -= 1

    instead(monkeypatch, count)
    services.handle_due_events()
    assert (completed(), most) == (3, 2)


def test_a_slow_answer_holds_up_nobody_elses_event(
    intents: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with keeping_waiting(monkeypatch, intents[0]) as goes_on:

        def watch() -> int:
            while completed() < 2:
                assert not goes_on.wait(timeout=0.02)
            before = completed()
            goes_on.set()
            return before

        assert at_once(services.handle_due_events, watch) == [3, 2]
    assert completed() == 3


@pytest.mark.parametrize("problem", [PaymentsUnavailable("away"), ValueError("strange")])
def test_what_is_not_answered_fails_for_itself(
    intents: list[str], monkeypatch: pytest.MonkeyPatch, problem: Exception
) -> None:
    def fail(real: Retrieve, intent_id: str) -> IntentFacts:
        if intent_id == intents[1]:
            raise problem
        return real(intent_id=intent_id)

    with monkeypatch.context() as ill:
        instead(ill, fail)
        services.handle_due_events()
    left = StripeEvent.objects.get(status="received")
    assert (completed(), left.object_id) == (2, intents[1])
    assert str(problem) in left.last_error
    StripeEvent.objects.update(next_attempt_at=timezone.now())
    services.handle_due_events()
    assert completed() == 3


def test_when_stripe_does_not_answer_the_sweep_ends_with_those(
    intents: list[str], standin: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox, "TOGETHER", 2)
    standin.fault("refuse", "payment_intents.retrieve", times=2, status=503)
    assert services.handle_due_events() == 2
    assert completed() == 0
    assert StripeEvent.objects.get(id="evt_2").attempts == 0


def test_one_answer_serves_all_events_about_the_same_intent(
    intents: list[str], standin: StandIn
) -> None:
    for number in range(2):
        post("payment_intent.processing", intents[0], standin, f"evt_more_{number}")
    before = standin.counts().get("payment_intents.retrieve", 0)
    assert services.handle_due_events() == 5
    assert standin.counts()["payment_intents.retrieve"] == before + 3
    assert not StripeEvent.objects.exclude(status="handled").exists()


def test_one_answer_serves_all_events_about_the_same_charge(
    intents: list[str], standin: StandIn
) -> None:
    services.handle_due_events()
    charge = stripe_gateway.retrieve_intent(intent_id=intents[0]).charge_id
    before = standin.counts()["payment_intents.retrieve"]
    post("charge.updated", charge, standin, "evt_charge")
    post("charge.updated", charge, standin, "evt_again")
    assert services.handle_due_events() == 2
    assert standin.counts()["payment_intents.retrieve"] == before + 1


def test_whom_stripe_keeps_waiting_is_given_up_at_the_deadline_of_all(
    intents: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever an answer takes: its thread has no say in when the others are settled."""

    # However long the others' answers take here.
    def pass_on() -> None:
        while completed() < 2:
            time.sleep(0.02)
        over.set()

    over = threading.Event()
    real = ahead.Asking._gather

    def gather(asking: ahead.Asking[Any]) -> Any:
        if over.is_set():
            for future, asked in asking._waiting.items():
                asking._waiting[future] = dataclasses.replace(asked, ends_at=0.0)
        return real(asking)

    monkeypatch.setattr(ahead.Asking, "_gather", gather)
    with keeping_waiting(monkeypatch, intents[0]):
        assert at_once(services.handle_due_events, pass_on)[0] == 3
    monkeypatch.undo()
    left = StripeEvent.objects.get(status="received")
    assert (completed(), left.object_id) == (2, intents[0])
    assert "PaymentsUnavailable" in left.last_error
    StripeEvent.objects.update(next_attempt_at=timezone.now())
    assert services.handle_due_events() == 1
    assert completed() == 3


def test_an_answer_is_used_for_nothing_but_what_it_was_asked_for() -> None:
    asked: list[str] = []

    def ask(object_id: str) -> str:
        asked.append(object_id)
        return f"{object_id} {len(asked)}"

    question, asking = ahead.Question(ask=ask, object_id="a"), ahead.Asking[str]()
    asking.ask({question: ["one", "other"]})
    with asking.answered() as group:
        assert [(of.question, of.rows, of.is_answered) for of in group] == [
            (question, ["one", "other"], True)
        ]
        assert ahead.answer(ask=ask, object_id="a") == "a 1"
        assert ahead.answer(ask=ask, object_id="b") == "b 2"
    assert ahead.answer(ask=ask, object_id="a") == "a 3"
    asking.ask({question: ["later"]})
    with asking.answered() as group:
        assert ahead.answer(ask=ask, object_id="a") == "a 4"
    assert not asking.count_rows()


def test_who_comes_while_somebody_is_kept_waiting_is_settled_meanwhile(
    intents: list[str], standin: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the limit."""
    StripeEvent.objects.exclude(id="evt_0").delete()
    with keeping_waiting(monkeypatch, intents[0]) as goes_on:

        def tell_of_others() -> int:
            for number in (1, 2):
                while StripeEvent.objects.get(id="evt_0").attempts == 0:
                    assert not goes_on.wait(timeout=0.02)
                post("payment_intent.succeeded", intents[number], standin, f"evt_late_{number}")
                while completed() < number:
                    assert not goes_on.wait(timeout=0.02)
                    assert not StripeEvent.objects.get(id="evt_0").last_error, "given up before"
            before = completed()
            goes_on.set()
            return before

        assert at_once(partial(services.handle_due_events, limit=1), tell_of_others) == [3, 2]
    assert completed() == 3
    assert StripeEvent.objects.get(id="evt_0").attempts == 1


@pytest.mark.parametrize(
    ("kind", "asked"),
    [
        ("account.updated", "retrieve_account"),
        ("account.application.deauthorized", "retrieve_account"),
        ("payout.failed", "retrieve_bank_payout"),
        ("transfer.reversed", "retrieve_transfer"),
    ],
)
def test_what_teachers_accounts_tell_of_keeps_no_buyer_waiting(
    intents: list[str], standin: StandIn, monkeypatch: pytest.MonkeyPatch, kind: str, asked: str
) -> None:
    PayoutAccount.objects.create(instructor=UserFactory.create(), stripe_account_id="acct_1")
    body = json.loads(event(kind, "acct_1", "evt_slow")) | {"account": "acct_1"}
    raw = json.dumps(body).encode()
    assert deliver(raw, sign(raw, standin.webhook_secret)).status_code == 200
    StripeEvent.objects.filter(id="evt_slow").update(
        next_attempt_at=timezone.now() - dt.timedelta(minutes=1)
    )
    all_paid, waited = threading.Event(), []

    def hang(**_: str) -> None:
        waited.append(all_paid.wait(timeout=20))
        raise StripeNotFound

    def watch() -> None:
        while completed() < 3:
            assert not all_paid.wait(timeout=0.02)
        all_paid.set()

    monkeypatch.setattr(stripe_connect, asked, hang)
    assert at_once(services.handle_due_events, watch) == [4, None]
    assert waited == [True]
    assert StripeEvent.objects.get(id="evt_slow").status in {"handled", "ignored"}


def test_one_that_is_not_answered_does_not_end_a_sweep_that_settles_others(
    intents: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox, "TOGETHER", 2)

    def fail(real: Retrieve, intent_id: str) -> IntentFacts:
        if intent_id == intents[1]:
            raise PaymentsUnavailable
        return real(intent_id=intent_id)

    with monkeypatch.context() as ill:
        instead(ill, fail)
        assert services.handle_due_events() == 3
    assert completed() == 2


def test_who_was_kept_waiting_is_no_sign_that_stripe_is_away_when_others_were_answered() -> None:
    sweep = inbox._Sweep(10)
    sweep._note({inbox.Outcome.AWAY}, asked_at=time.monotonic())
    assert sweep.is_away()
    sweep._note({inbox.Outcome.AWAY, inbox.Outcome.ANSWERED}, asked_at=0.0)
    assert not sweep.is_away()
    sweep._note({inbox.Outcome.AWAY}, asked_at=time.monotonic() - 5)
    assert not sweep.is_away()
    sweep._note({inbox.Outcome.AWAY}, asked_at=time.monotonic())
    assert sweep.is_away()


def test_while_one_is_kept_waiting_no_more_are_claimed_than_may_be(
    intents: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who is asked about later than it can be answered would only be claimed in vain."""
    monkeypatch.setattr(inbox, "TOGETHER", 1)
    monkeypatch.setattr(ahead, "GATHER_SECONDS", 0.01)
    rounds: list[int] = []
    real = ahead.Asking._gather

    def count(asking: ahead.Asking[Any]) -> Any:
        rounds.append(asking.count_rows())
        if len(rounds) == 5:
            goes_on.set()
        return real(asking)

    monkeypatch.setattr(ahead.Asking, "_gather", count)
    with keeping_waiting(monkeypatch, intents[0]) as goes_on:
        assert services.handle_due_events() == 3
    assert set(rounds) <= {0, 1}
    assert completed() == 3
