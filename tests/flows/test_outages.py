"""Stripe hanging, failing or losing its answers; Redis black-holed; PostgreSQL restarted: what a
client may rely on meanwhile, and that everything catches up afterwards. The bounds are promised, of
a machine that isn't busy with other things; on another they grow with how busy it is."""

import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from subprocess import Popen
from typing import Any

import httpx
import psutil
import psycopg
import pytest

from devtools.launcher.ports import choose_port
from devtools.launcher.postgres import Postgres
from devtools.launcher.redis import Redis
from devtools.stripe_standin.client import FaultKind, StandInControls
from learnflow import queues
from tests.flows.instance import Instance
from tests.flows.shopper import Answer, Shopper
from tests.flows.slowness import Slowness
from tests.flows.wire import Wire

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800), pytest.mark.xdist_group("instance")]

# Promised: how long one waits at most.
WITHOUT_REDIS = 2.0
WITHOUT_STRIPE = 6.0
# Promised as well: how soon everything has caught up.
CAUGHT_UP = 60.0

# High enough never to refuse a test, so that every request asks Redis for its count.
_SCOPES = ("ANON", "USER", "CATALOGUE", "LOGIN", "REGISTER", "REFRESH", "PAYMENT", "VERIFY", "MAIL")
_RATES = {f"THROTTLE_{scope}": "100000/min" for scope in _SCOPES}


@dataclass(frozen=True)
class Site:
    """A whole LearnFlow whose Redis is at the end of `wire`."""

    instance: Instance
    wire: Wire
    web: httpx.Client
    stripe: StandInControls
    environment: dict[str, str]
    slowness: Slowness

    def shopper(self) -> Shopper:
        return Shopper.register(self.web)

    def is_ready(self) -> bool:
        return self.answers("/health/ready/")

    def answers(self, path: str) -> bool:
        try:
            return self.web.get(path).status_code == 200
        except httpx.TransportError:
            return False

    def fact(self, query: str, *given: object) -> Any:
        """The one value the query answers, read past the product."""
        with psycopg.connect(self.environment["DATABASE_URL"]) as connection:
            row = connection.execute(query, given).fetchone()
        assert row is not None
        return row[0]


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with ExitStack() as stack:
        wire = stack.enter_context(_redis_on_a_wire())
        address = f"redis://:{_PASSWORD}@127.0.0.1:{wire.port}/0"
        # One process, so that no request finds a thread in another one.
        environment = {"LEARNFLOW_DEMO": "on", "WEB_CONCURRENCY": "1", "REDIS_URL": address}
        instance = stack.enter_context(Instance.start(**environment, **_RATES))
        instance.await_line("LearnFlow is ready at")
        url = f"http://127.0.0.1:{instance.environment['PORT']}"
        web = stack.enter_context(httpx.Client(base_url=url, trust_env=False, timeout=60))
        given = instance.child("gunicorn").environ()
        stripe = stack.enter_context(StandInControls(given["STRIPE_API_BASE"]))
        slowness = stack.enter_context(Slowness())
        yield Site(instance, wire, web, stripe, given, slowness)


_PASSWORD = "of-this-test-alone"


@contextmanager
def _redis_on_a_wire() -> Iterator[Wire]:
    with tempfile.TemporaryDirectory(prefix="learnflow-") as folder:
        server = Redis(Path(folder), choose_port(), _PASSWORD, durable=False)
        server.prepare()
        with Popen(server.command(), cwd="/") as process:
            try:
                while not server.answers():
                    time.sleep(0.1)
                with Wire.to(server.port) as wire:
                    yield wire
            finally:
                process.terminate()


@pytest.fixture(autouse=True)
def _well_again(site: Site) -> Iterator[None]:
    site.slowness.forget()
    yield
    site.wire.restore()
    site.stripe.clear_faults()
    site.stripe.webhooks()
    _await(site, site.is_ready, "it is ready")


@pytest.fixture
def course(site: Site) -> dict[str, Any]:
    """A course that costs something."""
    found = site.web.get("/api/v1/courses/", params={"min_price": 1}).json()
    course: dict[str, Any] = found["results"][0]
    return course


def _await(site: Site, holds: Callable[[], bool], what: str) -> None:
    begun = time.monotonic()
    while not holds():
        patience = site.slowness.stretch(CAUGHT_UP)
        assert time.monotonic() - begun < patience, f"not within {patience:.0f} s: {what}"
        time.sleep(0.25)


def _slowest(*shoppers: Shopper) -> Answer:
    return max((a for shopper in shoppers for a in shopper.answers), key=lambda a: a.seconds)


def test_a_black_holed_redis_slows_nobody_down_and_nothing_is_lost(
    site: Site, course: dict[str, Any]
) -> None:
    # Not timed: hashing a password takes a second of a busy processor, with or without Redis.
    shopper = site.shopper()
    shopper.answers.clear()
    site.wire.silence()
    silent_since = time.monotonic()
    shopper.place_order(course["id"])
    shopper.expect(shopper.ask_for_intent(), 201)
    shopper.pay(site.stripe.url)
    assert shopper.expect(shopper.confirm(), 200)["status"] == "succeeded"
    lessons = shopper.learn()
    # Long enough that Redis is tried again, several times.
    while time.monotonic() - silent_since < 15:
        shopper.expect(shopper.get("courses/?ordering=newest"), 200)
        shopper.expect(shopper.get("dashboard/stats/"), 200)
        shopper.expect(shopper.post("cart/merge/", {"course_ids": []}), 200)
        time.sleep(0.1)
    assert _slowest(shopper).seconds < site.slowness.stretch(WITHOUT_REDIS)
    ready = shopper.web.get("/health/ready/")
    assert ready.status_code == 503
    assert ready.elapsed.total_seconds() < site.slowness.stretch(WITHOUT_REDIS)

    site.wire.restore()
    _await(site, lambda: _has_caught_up(site, shopper), "mails and events are out")
    assert _enrolled(site, course) == _counted(site, course)
    assert len(lessons) == site.fact(
        "SELECT count(*) FROM enrollments_lessonprogress p JOIN enrollments_enrollment e"
        " ON e.id = p.enrollment_id JOIN users_user u ON u.id = e.user_id"
        " WHERE u.email = %s AND p.is_completed",
        shopper.email,
    )
    _await(site, site.is_ready, "it is ready")


def _has_caught_up(site: Site, shopper: Shopper) -> bool:
    expected = {"verification": 1, "receipt": 1, "enrollment": 1, "certificate": 1}
    waiting = "SELECT count(*) FROM core_outboxdelivery WHERE status <> 'delivered'"
    unheard = "SELECT count(*) FROM payments_stripeevent WHERE status NOT IN ('handled', 'ignored')"
    return (
        site.fact(waiting) == site.fact(unheard) == 0
        and site.instance.mails_to(shopper.email) == expected
    )


def _counted(site: Site, course: dict[str, Any]) -> int:
    query = "SELECT student_count FROM courses_coursestats WHERE course_id = %s"
    return int(site.fact(query, course["id"]))


def _enrolled(site: Site, course: dict[str, Any]) -> int:
    query = "SELECT count(*) FROM enrollments_enrollment WHERE course_id = %s AND status = 'active'"
    return int(site.fact(query, course["id"]))


def test_web_and_worker_start_while_redis_is_a_black_hole(
    site: Site, course: dict[str, Any]
) -> None:
    shopper = site.shopper()
    shopper.answers.clear()
    site.wire.silence()
    parts = ("gunicorn", *(f"--queues {name}" for name in queues.PROCESSES), "quiet beat")
    for process in [site.instance.child(part) for part in parts]:
        _kill(process)
    _await(site, lambda: site.answers("/health/live/"), "the web process is back")
    shopper.place_order(course["id"])
    shopper.expect(shopper.ask_for_intent(), 201)
    shopper.pay(site.stripe.url)
    shopper.expect(shopper.confirm(), 200)
    shopper.learn()
    assert _slowest(shopper).seconds < site.slowness.stretch(WITHOUT_REDIS)
    site.wire.restore()
    _await(site, lambda: _has_caught_up(site, shopper), "mails and events are out")


def _kill(main: psutil.Process) -> None:
    for process in [*main.children(recursive=True), main]:
        process.kill()


# More than a web process has threads.
BUYERS = 12


def test_a_hanging_stripe_keeps_nobody_else_waiting(site: Site, course: dict[str, Any]) -> None:
    learner = _buy(site, course)
    buyers = [site.shopper() for _ in range(BUYERS)]
    for buyer in buyers:
        buyer.place_order(course["id"])
    begun, hanging, early = len(learner.answers), [0], [0]
    hung_since = time.monotonic()
    site.stripe.fault("hang", "payment_intents.create", times=1000, seconds=8)
    with ThreadPoolExecutor(BUYERS) as pool:
        refusals = [pool.submit(buyer.ask_for_intent) for buyer in buyers]
        while not all(refusal.done() for refusal in refusals):
            hanging.append(site.stripe.hanging())
            # Later some were given up, which hang on at the stand-in beside those who came after.
            if time.monotonic() - hung_since < 4:
                early.append(hanging[-1])
            learner.expect(learner.get("courses/?ordering=newest&page_size=50"), 200)
            learner.expect(learner.get("enrollments/"), 200)
            learner.expect(learner.get("cart/"), 200)
    others = learner.answers[begun:]
    assert len(others) > 30 / site.slowness.stretch(1), "asked while Stripe was hanging"
    assert max(answer.seconds for answer in others) < site.slowness.stretch(WITHOUT_REDIS)
    for refusal in refusals:
        _assert_unavailable(site, refusal.result())
    assert max(hanging) > 0
    assert max(early) <= BUYERS - 6, "those beyond the share of payments don't wait for it"

    site.stripe.clear_faults()
    for buyer in buyers:
        _await(site, lambda: buyer.ask_for_intent().status < 400, "a retry succeeds")  # noqa: B023
        buyer.pay(site.stripe.url)
        buyer.expect(buyer.confirm(), 200)
    _assert_each_paid_once(site, buyers)


def _assert_unavailable(site: Site, answer: Answer) -> None:
    assert answer.status == 503, answer
    assert answer.body["error"]["code"] == "PAYMENTS_UNAVAILABLE"
    assert answer.seconds < site.slowness.stretch(WITHOUT_STRIPE)


def _buy(site: Site, course: dict[str, Any]) -> Shopper:
    shopper = site.shopper()
    shopper.place_order(course["id"])
    shopper.expect(shopper.ask_for_intent(), 201)
    shopper.pay(site.stripe.url)
    shopper.expect(shopper.confirm(), 200)
    return shopper


def _assert_each_paid_once(site: Site, buyers: list[Shopper]) -> None:
    """As Stripe has it: one succeeded intent for each order, of its amount, nothing refunded."""
    secret = site.environment["STRIPE_SECRET_KEY"]
    found: list[dict[str, Any]] = []
    query: dict[str, str | int] = {"limit": 100}
    while True:
        page = httpx.get(
            f"{site.stripe.url}/v1/payment_intents",
            params=query,
            auth=(secret, ""),
            trust_env=False,
            timeout=60,
        ).json()
        found += page["data"]
        if not page["has_more"]:
            break
        query["starting_after"] = found[-1]["id"]
    charged = Counter[str]()
    for intent in found:
        if intent["status"] == "succeeded":
            charged[intent["metadata"]["order_id"]] += intent["amount_received"]
    for buyer in buyers:
        assert charged[buyer.order["id"]] == round(buyer.order["total_amount"] * 100)
        order = buyer.expect(buyer.get(f"orders/{buyer.order['id']}/"), 200)
        assert order["status"] == "completed"
    refunds = (
        "SELECT count(*) FROM payments_refund r JOIN payments_payment p ON p.id = r.payment_id"
        " WHERE p.order_id = ANY(%s::uuid[])"
    )
    assert site.fact(refunds, [buyer.order["id"] for buyer in buyers]) == 0


@pytest.mark.parametrize(
    ("kind", "status"), [("drop", 0), ("fail", 500), ("refuse", 503), ("refuse", 429)]
)
def test_a_failing_stripe_is_told_at_once_and_a_retry_succeeds(
    site: Site, course: dict[str, Any], kind: FaultKind, status: int
) -> None:
    buyer = site.shopper()
    buyer.place_order(course["id"])
    site.stripe.fault(kind, "payment_intents.create", status=status or 500)
    _assert_unavailable(site, buyer.ask_for_intent())
    buyer.expect(buyer.ask_for_intent(), 200, 201)
    # No webhook: the worker would meet the fault in the buyer's place.
    site.stripe.webhooks(hold=True)
    buyer.pay(site.stripe.url)
    # For all who ask: a sweep that looks at an earlier payment would meet the only one.
    site.stripe.fault(kind, "payment_intents.retrieve", times=1000, status=status or 500)
    _assert_unavailable(site, buyer.confirm())
    site.stripe.clear_faults()
    assert buyer.expect(buyer.confirm(), 200)["status"] == "succeeded"
    _assert_each_paid_once(site, [buyer])


def test_a_confirmation_that_hangs_is_given_up_and_settles_later(
    site: Site, course: dict[str, Any]
) -> None:
    buyer = site.shopper()
    buyer.place_order(course["id"])
    buyer.expect(buyer.ask_for_intent(), 201)
    site.stripe.fault("hang", "payment_intents.retrieve", times=1000, seconds=7)
    buyer.pay(site.stripe.url)
    _assert_unavailable(site, buyer.confirm())
    site.stripe.clear_faults()
    buyer.expect(buyer.confirm(), 200)
    _assert_each_paid_once(site, [buyer])


def test_broken_database_connections_cost_no_request(site: Site, course: dict[str, Any]) -> None:
    shoppers = [site.shopper() for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        # Every thread has a connection by now.
        list(pool.map(lambda shopper: shopper.get("enrollments/"), shoppers))
        site.fact(
            "SELECT count(pg_terminate_backend(pid, 60000)) FROM pg_stat_activity"
            " WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )
        answers = list(pool.map(lambda shopper: shopper.get("enrollments/"), shoppers))
    assert [answer.status for answer in answers] == [200] * 8
    shopper = _buy(site, course)
    shopper.learn()
    _await(site, lambda: _has_caught_up(site, shopper), "the worker goes on")


def test_a_restarted_database_is_used_again_at_once(site: Site, course: dict[str, Any]) -> None:
    before = site.shopper()
    seen: list[Answer] = []
    stop = threading.Event()

    def read() -> None:
        while not stop.wait(0.05):
            seen.append(before.get("enrollments/"))

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    postgres = site.instance.child("postgres -D")
    postgres.send_signal(Postgres.stop_signal)
    postgres.wait(timeout=300)
    _await(site, lambda: _database_answers(site), "PostgreSQL is back")
    shopper = _buy(site, course)
    stop.set()
    reader.join()
    assert {answer.status for answer in seen} <= {200, 503}
    assert all("error" in answer.body for answer in seen if answer.status == 503)
    assert max(answer.seconds for answer in seen) < site.slowness.stretch(WITHOUT_STRIPE)
    shopper.learn()
    _await(site, lambda: _has_caught_up(site, shopper), "the worker goes on")


def _database_answers(site: Site) -> bool:
    try:
        return bool(site.fact("SELECT 1") == 1)
    except psycopg.OperationalError:
        return False
