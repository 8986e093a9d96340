"""How long a request waits for Stripe, and what it costs the others."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from core.logging import request_id
from devtools.stripe_standin.client import StandIn
from orders.models import Order
from payments import stripe_gateway
from payments.errors import PaymentsUnavailable
from payments.models import Payment
from payments.stripe_patience import _bulkhead, deadline, time_left, wait_for
from payments.tests.conftest import confirm, start_payment
from tests.parallel import run_in_parallel

needs_db = pytest.mark.django_db(transaction=True)


@contextmanager
def taking(at_least: float, at_most: float) -> Iterator[None]:
    begun = time.monotonic()
    yield
    assert at_least <= time.monotonic() - begun <= at_most


@pytest.fixture
def threads(settings: Any) -> int:
    """How many calls may be under way, of which there are none yet."""
    settings.STRIPE_CONCURRENCY = 3
    _bulkhead.cache_clear()
    return 3


@pytest.fixture
def slow_call() -> Iterator[Callable[[], str]]:
    """A call that only ends with the test."""
    end = threading.Event()

    def call() -> str:
        end.wait(30)
        return "late"

    yield call
    end.set()


def test_what_the_call_does_is_what_the_caller_gets() -> None:
    token = request_id.set("abc")
    assert wait_for(lambda: (request_id.get(), threading.current_thread().name[:6])) == (
        "abc",
        "stripe",
    )
    request_id.reset(token)
    with pytest.raises(ZeroDivisionError):
        wait_for(lambda: 1 / 0)


def test_a_call_is_given_up_at_the_deadline(slow_call: Callable[[], str]) -> None:
    with taking(0.3, 1.0), deadline(seconds=0.3), pytest.raises(PaymentsUnavailable):
        wait_for(slow_call)


def test_calls_share_the_deadline(slow_call: Callable[[], str]) -> None:
    calls: list[str] = []
    with taking(0.3, 1.0), deadline(seconds=0.3):
        wait_for(lambda: time.sleep(0.1))
        with pytest.raises(PaymentsUnavailable):
            wait_for(slow_call)
        with pytest.raises(PaymentsUnavailable):
            wait_for(lambda: calls.append("made"))
    assert calls == []


def test_a_deadline_within_another_is_never_later(settings: Any) -> None:
    settings.STRIPE_TIMEOUT_SECONDS = 4.0
    with deadline(seconds=2):
        with deadline(seconds=60):
            assert 1 < time_left() <= 2
        with deadline(seconds=1):
            assert 0 < time_left() <= 1
        assert 1 < time_left() <= 2
    assert time_left() == 4.0


def test_without_a_deadline_a_call_has_its_own_time_out(
    slow_call: Callable[[], str], settings: Any
) -> None:
    settings.STRIPE_TIMEOUT_SECONDS = 0.3
    with taking(0.3, 1.0), pytest.raises(PaymentsUnavailable):
        wait_for(slow_call)


def test_only_so_many_calls_are_under_way_and_the_rest_are_refused_at_once(
    threads: int, slow_call: Callable[[], str], settings: Any
) -> None:
    settings.STRIPE_TIMEOUT_SECONDS = 2.0
    begun = time.monotonic()

    def call(_: int) -> float:
        with pytest.raises(PaymentsUnavailable):
            wait_for(slow_call)
        return time.monotonic() - begun

    seconds = sorted(run_in_parallel(threads + 5, call))
    assert seconds[4] < 1.0, "those without a thread wait a moment at most"
    assert seconds[5] >= 1.9, "those with one have their time"
    # Stripe is known to be slow by now, and its calls still hold their threads: no wait at all.
    with taking(0, 0.1), pytest.raises(PaymentsUnavailable):
        wait_for(lambda: None)


def test_a_burst_that_stripe_answers_is_served(threads: int) -> None:
    answers = run_in_parallel(threads * 2, lambda number: wait_for(lambda: _nap(number)))
    assert answers == list(range(threads * 2))


def _nap(number: int) -> int:
    time.sleep(0.05)
    return number


@needs_db
def test_two_calls_of_a_request_share_its_deadline(
    order: Order, standin: StandIn, settings: Any
) -> None:
    """The intent is looked up first, found canceled, and then another is made."""
    settings.STRIPE_TIMEOUT_SECONDS, settings.STRIPE_DEADLINE_SECONDS = 5.0, 1.5
    intent = start_payment(order)
    stripe_gateway.cancel_intent(intent_id=intent.payment_intent_id)
    standin.fault("hang", "payment_intents.retrieve", seconds=1)
    standin.fault("hang", "payment_intents.create", seconds=3)
    with taking(1.4, 2.5), pytest.raises(PaymentsUnavailable):
        start_payment(order)


@needs_db
def test_the_answer_to_a_confirmation_is_given_up_too(
    order: Order, standin: StandIn, settings: Any
) -> None:
    settings.STRIPE_DEADLINE_SECONDS = 0.5
    intent = start_payment(order)
    standin.fault("hang", "payment_intents.retrieve", seconds=3)
    with taking(0.4, 1.5), pytest.raises(PaymentsUnavailable):
        confirm(order, intent)


@needs_db
def test_a_trickle_of_bytes_does_not_outlive_the_deadline(order: Order, settings: Any) -> None:
    settings.STRIPE_SECRET_KEY, settings.STRIPE_DEADLINE_SECONDS = "sk_test_x", 1.0
    with trickling_server() as url:
        settings.STRIPE_API_BASE = url
        with taking(0.9, 2.0), pytest.raises(PaymentsUnavailable):
            start_payment(order)


@contextmanager
def trickling_server() -> Iterator[str]:
    """Answers with a header that never ends, a byte at a time."""
    stop = threading.Event()

    def serve(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection:
            connection.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
            while not stop.wait(0.1):
                connection.sendall(b".")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            stop.set()
            thread.join()


@needs_db
@pytest.mark.parametrize("failures", [1, 3])
def test_a_failure_that_stripe_keeps_does_not_keep_the_buyer_from_paying(
    order: Order, standin: StandIn, failures: int
) -> None:
    """A 500 is stored under the idempotency key, and given again for a day."""
    standin.fault("fail", "payment_intents.create", times=failures)
    for _ in range(failures):
        with pytest.raises(PaymentsUnavailable):
            start_payment(order)
    intents = run_in_parallel(5, lambda _: start_payment(order))
    assert len({intent.payment_intent_id for intent in intents}) == 1
    assert start_payment(order) == intents[0] or not start_payment(order).created
    assert Payment.objects.count() == 1


@needs_db
def test_a_failure_that_stripe_keeps_does_not_give_money_back_twice(
    order: Order, standin: StandIn, pay: Callable[..., Any]
) -> None:
    intent = start_payment(order)
    pay(intent)

    def give_back(refund_id: str) -> stripe_gateway.RefundFacts:
        return stripe_gateway.create_refund(
            intent_id=intent.payment_intent_id,
            amount=1000,
            refund_id=refund_id,
            idempotency_key=f"refund-{refund_id}",
        )

    standin.fault("fail", "refunds.create")
    with pytest.raises(PaymentsUnavailable):
        give_back("a")
    first = give_back("a")
    assert give_back("a").id == first.id
    assert give_back("b").id != first.id


@needs_db
def test_what_a_failure_left_behind_is_found_before_another_key_is_tried(standin: StandIn) -> None:
    tried: list[str] = []
    looks = iter([None, "left behind"])

    def fail(key: str, _: Any) -> None:
        tried.append(key)
        raise stripe_gateway.StripeFailedBefore

    assert stripe_gateway._create(fail, key="refund-a", find=lambda: next(looks)) == "left behind"
    assert tried == ["refund-a"]
