"""Many buyers at once: each checkout over real HTTP, with nobody waiting for anybody."""

import queue
import random
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import httpx
from django.db import connection

from courses.models import Course
from devtools.stripe_standin.client import StandInError
from orders.models import Coupon
from tests.emptying import empty_all_tables
from tests.factories import CategoryFactory, InstructorFactory, UserFactory, make_course
from tests.proof.bank import Bank, JsonObject
from tests.proof.world import SWEEPS, Person, sign_in_person

# Some are declined first, some need 3-D Secure, some take a while, some are disputed later.
CARDS = (
    *("pm_card_visa",) * 12,
    "pm_card_visa_chargeDeclined",
    "pm_card_authenticationRequired",
    "pm_usBankAccount_success",
    "pm_card_createDispute",
)
PRICES = ("9.99", "19.99", "29.50", "49.95", "0.99")
# One is there for each rush of so many errands, and good for two orders.
RUSH, RUSH_LIMIT = 15, 2
COUPONS = ("", "", "ONCEEACH", "TENTH", "rush", "rush", "rush")
# How often a request that was answered 503 is made again, and for how long one waits for an answer.
# Only so that a failure ends: a busy machine may take its time.
TRIES, PATIENCE = 100, 300.0


@dataclass
class Tally:
    """What came of the checkouts; `seconds` are those of the requests to the product."""

    outcomes: Counter[str] = field(default_factory=Counter)
    answers: Counter[str] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)

    def slowest(self, share: float) -> float:
        """The time, in milliseconds, that this share of the requests stayed within."""
        return 1000 * sorted(self.seconds)[int(share * (len(self.seconds) - 1))]


@dataclass(frozen=True)
class Errand:
    """One checkout that somebody goes on."""

    person: Person
    courses: list[str]
    coupon: str
    card: str
    confirms: bool
    twice_at_once: bool


@dataclass
class Crowd:
    """People, courses and coupons, and the doors they use."""

    url: str
    bank: Bank
    people: list[Person] = field(default_factory=list)
    courses: list[Course] = field(default_factory=list)
    author: Person | None = None
    tally: Tally = field(default_factory=Tally)

    def gather(self, *, people: int, courses: int, rushes: int) -> None:
        """A fresh marketplace; coupons whose limits are far below the demand."""
        self.bank.reset()
        empty_all_tables()
        author = InstructorFactory.create()
        self.author = sign_in_person(author, "author")
        category = CategoryFactory.create()
        self.courses = [
            make_course(sections=1, lessons=1, category=category, instructor=author,
                        price=Decimal(PRICES[number % len(PRICES)]), original_price=None)
            for number in range(courses)
        ]  # fmt: skip
        self.people = [sign_in_person(UserFactory.create(), f"p{n}") for n in range(people)]
        Coupon.objects.bulk_create(
            [
                Coupon(code="ONCEEACH", percent_off=50, max_redemptions_per_person=1),
                Coupon(code="TENTH", amount_off=Decimal("10.00"), max_redemptions=10,
                       minimum_amount=Decimal("15.00")),
                *(Coupon(code=f"RUSH{number}", percent_off=20, max_redemptions=RUSH_LIMIT)
                  for number in range(rushes)),
            ]
        )  # fmt: skip

    def errands(self, count: int, chance: random.Random) -> list[Errand]:
        """As many checkouts, of one to three courses each."""
        ids = [str(course.id) for course in self.courses]
        return [
            Errand(
                person=chance.choice(self.people),
                courses=chance.sample(ids, chance.randint(1, 3)),
                coupon=chance.choice(COUPONS).replace("rush", f"RUSH{number // RUSH}"),
                card=chance.choice(CARDS),
                confirms=chance.random() < 0.5,
                twice_at_once=chance.random() < 0.2,
            )
            for number in range(count)
        ]

    def run(self, errands: list[Errand], *, threads: int) -> None:
        """Go on all of them, `threads` at a time, and let orders expire after each, so that as many
        do on a busy machine. Raises what any of them raised."""
        todo: queue.SimpleQueue[Errand] = queue.SimpleQueue()
        for errand in errands:
            todo.put(errand)

        def work(_: int) -> Counter[str]:
            outcomes = Counter[str]()
            try:
                with httpx.Client(base_url=self.url, timeout=PATIENCE, trust_env=False) as http:
                    while True:
                        try:
                            errand = todo.get_nowait()
                        except queue.Empty:
                            return outcomes
                        outcomes[Checkout(self, http, errand).run()] += 1
                        let_orders_expire()
            finally:
                connection.close()

        with ThreadPoolExecutor(threads) as pool:
            for outcomes in pool.map(work, range(threads)):
                self.tally.outcomes += outcomes


@dataclass
class Checkout:
    """One errand, step by step."""

    crowd: Crowd
    http: httpx.Client
    errand: Errand

    def run(self) -> str:
        """Go through with it; how it ended."""
        for course in self.errand.courses:
            self.ask("POST", "cart/items/", {"course_id": course})
        order = self._order()
        if order is None:
            return "refused"
        if order["status"] != "pending":
            return f"at once {order['status']}"
        path = "payments/create-payment-intent/"
        answer = self.ask("POST", path, {"order_id": order["id"]}, key=uuid.uuid4().hex)
        if answer.status_code >= 400:
            return f"no intent: {answer.json()['error']['code']}"
        return self._pay(order["id"], answer.json())

    def _order(self) -> JsonObject | None:
        for coupon in dict.fromkeys((self.errand.coupon, "")):
            answer = self._create({"coupon_code": coupon} if coupon else {})
            if answer.status_code < 300:
                order: JsonObject = answer.json()
                return order
            if answer.json()["error"]["code"] != "COUPON_INVALID":
                break
        # A line that somebody's other window has bought meanwhile: begin anew another time.
        self.ask("DELETE", "cart/")
        return None

    def _create(self, body: JsonObject) -> httpx.Response:
        path = "orders/create-from-cart/"
        if not self.errand.twice_at_once:
            return self.ask("POST", path, body)
        with ThreadPoolExecutor(2) as pool:
            both = list(pool.map(lambda _: self.ask("POST", path, body), range(2)))
        return min(both, key=lambda answer: answer.status_code)

    def _pay(self, order_id: str, intent: JsonObject) -> str:
        bank, card = self.crowd.bank, self.errand.card
        intent_id, secret = intent["payment_intent_id"], intent["client_secret"]
        state = bank.pay(intent_id, secret, card)
        if state.get("status") == "requires_action":
            # The same person's other window may have been faster.
            with suppress(StandInError):
                bank.standin.authenticate(intent_id)
        elif "error" in state:
            bank.pay(intent_id, secret, "pm_card_visa")
        if not self.errand.confirms:
            return "left to the webhook"
        body = {"order_id": order_id, "payment_intent_id": intent_id}
        answer = self.ask("POST", "payments/confirm-payment/", body)
        if answer.status_code >= 400:
            return f"not confirmed: {answer.json()['error']['code']}"
        return f"confirmed: {answer.json()['status']}"

    def ask(
        self, method: str, path: str, body: Any = None, *, key: str | None = None
    ) -> httpx.Response:
        """Ask the product, again when it says 503. Raises AssertionError for any other 5xx."""
        headers = self.errand.person.headers | ({"Idempotency-Key": key} if key else {})
        for number in range(TRIES):
            begun = time.perf_counter()
            answer = self.http.request(method, f"/api/v1/{path}", json=body, headers=headers)
            self.crowd.tally.seconds.append(time.perf_counter() - begun)
            self.crowd.tally.answers[f"{path.split('/', maxsplit=1)[0]} {answer.status_code}"] += 1
            if answer.status_code != 503:
                break
            time.sleep(min(0.05 * (number + 1), 0.5))
        assert answer.status_code < 500, answer.text
        return answer


@contextmanager
def at_work(*jobs: Callable[[], object]) -> Iterator[list[Exception]]:
    """Do each job again and again in a thread of its own until the block ends; the list fills with
    what they raise."""
    over = threading.Event()
    failures: list[Exception] = []

    def go_on(job: Callable[[], object]) -> None:
        try:
            while not over.wait(0.05):
                job()
        except Exception as exc:
            failures.append(exc)
        finally:
            connection.close()

    with ExitStack() as stack:
        stack.callback(over.set)
        pool = stack.enter_context(ThreadPoolExecutor(len(jobs)))
        stack.callback(over.set)
        for job in jobs:
            pool.submit(go_on, job)
        yield failures


def workers() -> list[Callable[[], object]]:
    """The sweeps of two workers, as beat sends them."""
    names = ("events", "events", "refunds", "outbox", "payments", "poll", "expiry", "expiry")
    return [SWEEPS[name] for name in names]


# Two who do it at once might wait for each other.
_expiring = threading.Lock()


def let_orders_expire() -> None:
    """Let the time of any open order be over."""
    with _expiring, connection.cursor() as cursor:
        cursor.execute(
            "UPDATE orders_order SET expires_at = now()"
            " WHERE status = 'pending' AND random() < 0.08"
        )
