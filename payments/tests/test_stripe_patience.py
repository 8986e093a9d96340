"""How long a request waits for Stripe, and what it costs the others."""

import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from typing import Any

import pytest
from django.test import Client

from core import process
from core.logging import request_id
from core.waits import slow_waits
from devtools.stripe_standin.client import StandIn
from enrollments.errors import PaymentInProgress
from orders.models import Order
from orders.services import OrderHasOpenPayment, try_past_open_payments
from payments import stripe_gateway, stripe_patience
from payments.errors import PaymentsUnavailable
from payments.models import Payment
from payments.stripe_patience import _bulkhead, deadline, time_left, wait_for
from payments.tests.conftest import confirm, start_payment
from tests.factories import OrderFactory, StaffFactory
from tests.parallel import run_in_parallel

needs_db = pytest.mark.django_db(transaction=True)


# What hangs in these tests hangs so long; who is given up before gets away in half of it, however
# busy the machine.
HANGS = 60.0


@contextmanager
def giving_up_after(seconds: float) -> Iterator[None]:
    begun = time.monotonic()
    yield
    assert seconds <= time.monotonic() - begun < HANGS / 2


@pytest.fixture
def threads(settings: Any) -> int:
    """How many calls may be under way, of which there are none yet."""
    settings.STRIPE_CONCURRENCY = 3
    _bulkhead.cache_clear()
    return 3


class SlowCall:
    """A call that only ends with the test, and counts who is in it."""

    def __init__(self) -> None:
        self.end = threading.Event()
        self.under_way = threading.Semaphore(0)

    def __call__(self) -> str:
        self.under_way.release()
        self.end.wait(HANGS)
        return "late"


@pytest.fixture
def slow_call() -> Iterator[SlowCall]:
    call = SlowCall()
    yield call
    call.end.set()


def test_what_the_call_does_is_what_the_caller_gets() -> None:
    token = request_id.set("abc")
    assert wait_for(lambda: (request_id.get(), threading.current_thread().name[:6])) == (
        "abc",
        "stripe",
    )
    request_id.reset(token)
    with pytest.raises(ZeroDivisionError):
        wait_for(lambda: 1 / 0)


def test_a_call_is_given_up_at_the_deadline(slow_call: SlowCall) -> None:
    with giving_up_after(0.3), deadline(seconds=0.3), pytest.raises(PaymentsUnavailable):
        wait_for(slow_call)


def test_calls_share_the_deadline(slow_call: SlowCall) -> None:
    calls: list[str] = []
    with giving_up_after(0.3), deadline(seconds=0.3):
        with pytest.raises(PaymentsUnavailable):
            wait_for(slow_call)
        with pytest.raises(PaymentsUnavailable):
            wait_for(lambda: calls.append("made"))
    assert calls == []


def test_a_deadline_within_another_is_never_later(settings: Any) -> None:
    settings.STRIPE_TIMEOUT_SECONDS = 4.0
    with deadline(seconds=2000):
        with deadline(seconds=60_000):
            assert 1000 < time_left() <= 2000
        with deadline(seconds=1000):
            assert 0 < time_left() <= 1000
        assert 1000 < time_left() <= 2000
    assert time_left() == 4.0


def test_without_a_deadline_a_call_has_its_own_time_out(slow_call: SlowCall, settings: Any) -> None:
    settings.STRIPE_TIMEOUT_SECONDS = 0.3
    with giving_up_after(0.3), pytest.raises(PaymentsUnavailable):
        wait_for(slow_call)


def test_only_so_many_calls_are_under_way_and_the_rest_are_refused_at_once(
    threads: int, slow_call: SlowCall, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.STRIPE_TIMEOUT_SECONDS = HANGS
    monkeypatch.setattr(stripe_patience, "_SLOW_SECONDS", 0.0)
    with ThreadPoolExecutor(threads) as pool:
        holding = [pool.submit(_wait_for_at_most, HANGS, slow_call) for _ in range(threads - 1)]
        given_up = pool.submit(_wait_for_at_most, 1.0, slow_call)
        for _ in range(threads):
            assert slow_call.under_way.acquire(timeout=HANGS)
        with giving_up_after(0), pytest.raises(PaymentsUnavailable):
            wait_for(lambda: None)
        with pytest.raises(PaymentsUnavailable):
            given_up.result()
        # Stripe is known to be slow by now, and its calls still hold their threads: no wait at all.
        monkeypatch.setattr(stripe_patience, "_QUEUE_SECONDS", HANGS)
        with giving_up_after(0), pytest.raises(PaymentsUnavailable):
            wait_for(lambda: None)
        assert not any(future.done() for future in holding), "those with a thread have their time"
        slow_call.end.set()
        assert [future.result() for future in holding] == ["late"] * (threads - 1)


def test_who_waits_long_is_one_of_all_who_may(
    threads: int, slow_call: SlowCall, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Others wait for S3, say: Stripe's share and theirs together would be all threads."""
    settings.STRIPE_TIMEOUT_SECONDS, settings.SLOW_WAITS = HANGS, 2
    monkeypatch.setattr(stripe_patience, "_SLOW_SECONDS", 0.1)
    monkeypatch.setattr(process, "_role", "web")
    with slow_waits.entered(), ThreadPoolExecutor(threads) as pool:
        asked = {pool.submit(_wait_for_at_most, HANGS, slow_call) for _ in range(threads)}
        refused: set[Any] = set()
        while len(refused) < threads - 1:
            done, _ = wait(asked - refused, timeout=HANGS / 2, return_when=FIRST_COMPLETED)
            assert done, "more wait than may"
            refused |= done
        for future in refused:
            assert isinstance(future.exception(), PaymentsUnavailable)
        slow_call.end.set()
        (waited,) = asked - refused
        assert waited.result() == "late"
    assert slow_waits.count == 0


def _wait_for_at_most(seconds: float, call: Callable[[], str]) -> str:
    with deadline(seconds=seconds):
        return wait_for(call)


def test_a_burst_that_stripe_answers_is_served(
    threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stripe_patience, "_QUEUE_SECONDS", HANGS)
    monkeypatch.setattr(stripe_patience, "_SLOW_SECONDS", HANGS)
    calls = threads * 2
    answers = run_in_parallel(calls, lambda number: _wait_for_at_most(HANGS, lambda: str(number)))
    assert answers == [str(number) for number in range(calls)]


@needs_db
def test_two_calls_of_a_request_share_its_deadline(
    order: Order, standin: StandIn, settings: Any
) -> None:
    """The intent is looked up first, found canceled, and then another is made."""
    intent = start_payment(order)
    stripe_gateway.cancel_intent(intent_id=intent.payment_intent_id)
    settings.STRIPE_TIMEOUT_SECONDS, settings.STRIPE_DEADLINE_SECONDS = HANGS, 1.5
    standin.fault("hang", "payment_intents.retrieve", seconds=1)
    standin.fault("hang", "payment_intents.create", seconds=4)
    with giving_up_after(1.0), pytest.raises(PaymentsUnavailable):
        start_payment(order)


@needs_db
def test_a_checkout_that_ends_payments_again_and_again_has_one_deadline(
    order: Order, standin: StandIn, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its buyer begins another whenever one was ended."""
    settings.STRIPE_DEADLINE_SECONDS = HANGS
    cancel, left = stripe_gateway.cancel_intent, []

    def cancel_slowly(**given: Any) -> stripe_gateway.IntentFacts:
        left.append(time_left())
        time.sleep(0.3)
        return cancel(**given)

    def attempt(_: uuid.UUID | None) -> None:
        start_payment(order)
        raise OrderHasOpenPayment(order_id=order.id)

    monkeypatch.setattr(stripe_gateway, "cancel_intent", cancel_slowly)
    with pytest.raises(PaymentInProgress):
        try_past_open_payments(attempt=attempt)
    first, second = left
    assert second <= first - 0.3


@needs_db
def test_staff_who_close_many_orders_wait_for_all_payments_together(
    order: Order, standin: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orders.admin.orders.CLOSING_SECONDS", 0.5)
    paid, free = [order, *(OrderFactory.create() for _ in range(2))], OrderFactory.create()
    for one in paid:
        start_payment(one)
    left: list[float] = []

    def hang(**_: Any) -> None:
        left.append(time_left())
        time.sleep(0.3)
        raise PaymentsUnavailable

    monkeypatch.setattr(stripe_gateway, "cancel_intent", hang)
    staff = Client()
    staff.force_login(StaffFactory.create())
    chosen = [str(one.id) for one in (*paid, free)]
    page = staff.post(
        "/admin/orders/order/",
        {"action": "close_pending", "_selected_action": chosen},
        follow=True,
    ).content.decode()
    assert page.count("stays open: Payments are not available") == 3
    assert "1 orders closed" in page
    assert left[1] <= left[0] - 0.3
    assert left[2] == 0


@needs_db
def test_the_answer_to_a_confirmation_is_given_up_too(
    order: Order, standin: StandIn, settings: Any
) -> None:
    intent = start_payment(order)
    settings.STRIPE_TIMEOUT_SECONDS, settings.STRIPE_DEADLINE_SECONDS = HANGS, 0.5
    standin.fault("hang", "payment_intents.retrieve", seconds=3)
    with giving_up_after(0.4), pytest.raises(PaymentsUnavailable):
        confirm(order, intent)


@needs_db
def test_a_trickle_of_bytes_does_not_outlive_the_deadline(order: Order, settings: Any) -> None:
    settings.STRIPE_SECRET_KEY, settings.STRIPE_DEADLINE_SECONDS = "sk_test_x", 1.0
    with trickling_server() as url:
        settings.STRIPE_API_BASE = url
        with giving_up_after(0.9), pytest.raises(PaymentsUnavailable):
            start_payment(order)


@contextmanager
def trickling_server() -> Iterator[str]:
    """Answers with a header that never ends, a byte at a time."""
    stop = threading.Event()

    def serve(listener: socket.socket) -> None:
        with suppress(OSError):
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
            # Nobody may have come: whose time is up before the call doesn't even connect.
            listener.shutdown(socket.SHUT_RDWR)
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
