"""A marketplace to make history in: LearnFlow over real HTTP, its database, and the stand-in."""

import datetime as dt
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from unittest.mock import patch

import httpx
from django.core.servers.basehttp import WSGIRequestHandler
from django.db import connection
from django.test import override_settings
from django.utils import timezone
from pytest_django.live_server_helper import LiveServer

from core import outbox
from courses.models import Course
from devtools.stripe_standin.client import StandIn
from orders.models import Coupon
from payments import services as payment_services
from tests.emptying import empty_all_tables
from tests.factories import CategoryFactory, StaffFactory, UserFactory, make_course
from tests.factories.people import InstructorFactory, open_test_session
from tests.proof.bank import NEVER, Bank, JsonObject, signed
from users.models import User
from users.tokens import issue_tokens

BUYERS = 4
PRICES = ("0.00", "10.00", "19.99", "33.33", "49.95", "0.99", "120.00")


@dataclass(frozen=True, kw_only=True)
class Person:
    """Somebody who is signed in."""

    id: uuid.UUID
    name: str
    headers: dict[str, str]


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What the API answered."""

    status: int
    body: JsonObject
    replayed: bool = False

    @property
    def code(self) -> str:
        """The error's code; empty without one."""
        code: str = self.body.get("error", {}).get("code", "") if self.status >= 400 else ""
        return code


@dataclass
class Clock:
    """The clock of the machine at work, off by so many seconds. PostgreSQL has the right one."""

    seconds: int = 0
    real: Callable[[], dt.datetime] = timezone.now

    def now(self) -> dt.datetime:
        return self.real() + dt.timedelta(seconds=self.seconds)


@dataclass
class World:
    """People, courses and coupons, each example's own; the server and the stand-in stay."""

    url: str
    bank: Bank
    http: httpx.Client
    clock: Clock
    buyers: list[Person] = field(default_factory=list)
    author: Person | None = None
    staff: Person | None = None
    courses: list[Course] = field(default_factory=list)
    coupons: list[Coupon] = field(default_factory=list)
    asked: Counter[str] = field(default_factory=Counter)

    def reset(self) -> None:
        """Everything anew: an empty account at Stripe, fresh people, courses and coupons."""
        self.clock.seconds = 0
        self.bank.reset()
        # As payouts of later than the sales need it.
        self.bank.standin.set_up_platform(interval="manual")
        empty_all_tables()
        author = InstructorFactory.create(email="author@example.test")
        self.author = sign_in_person(author, "author")
        self.staff = sign_in_person(StaffFactory.create(email="staff@example.test"), "staff")
        self.buyers = [
            sign_in_person(UserFactory.create(email=f"buyer{number}@example.test"), f"b{number}")
            for number in range(BUYERS - 1)
        ]
        # One of them teaches, too: their own course is not for them to buy.
        other = InstructorFactory.create(email="teacher@example.test")
        self.buyers.append(sign_in_person(other, "teacher"))
        self.courses = make_courses(author=author, other=other)
        self.coupons = make_coupons(self.courses)

    def call(
        self,
        person: Person,
        method: str,
        path: str,
        body: JsonObject | None = None,
        *,
        key: str | None = None,
    ) -> Answer:
        """Ask the API. Raises AssertionError for a 500: nothing here may be one."""
        headers = person.headers | ({"Idempotency-Key": key} if key else {})
        answer = self.http.request(method, f"/api/v1/{path}", json=body, headers=headers)
        self.asked[f"{method} {path.split('/', maxsplit=1)[0]} {answer.status_code}"] += 1
        assert answer.status_code != 500, answer.text
        return Answer(
            status=answer.status_code,
            body=answer.json() if answer.content else {},
            replayed=answer.headers.get("Idempotency-Replayed") == "true",
        )

    def deliver(self, event: JsonObject) -> int:
        """Send an event to the webhook's door as Stripe does; the status it was answered."""
        body, signature = signed(event, self.bank.standin.webhook_secret)
        answer = self.http.post(
            "/api/v1/payments/webhook/stripe/",
            content=body,
            headers={"Stripe-Signature": signature, "Content-Type": "application/json"},
        )
        return answer.status_code


def sign_in_person(user: User, name: str) -> Person:
    """The person with a fresh session's token."""
    token = issue_tokens(session=open_test_session(user)).access
    return Person(id=user.id, name=name, headers={"Authorization": f"Bearer {token}"})


def make_courses(*, author: User, other: User) -> list[Course]:
    """One course a price; the second is the other teacher's."""
    category = CategoryFactory.create()
    return [
        make_course(
            sections=1,
            lessons=1,
            category=category,
            instructor=other if number == 1 else author,
            price=Decimal(price),
            original_price=None,
        )
        for number, price in enumerate(PRICES)
    ]


def make_coupons(courses: list[Course]) -> list[Coupon]:
    """Of every kind, with limits that bite."""
    now = timezone.now()
    return Coupon.objects.bulk_create(
        [
            Coupon(code="QUARTER", percent_off=25),
            Coupon(code="TEN", amount_off=Decimal("10.00"), max_redemptions_per_person=1),
            Coupon(code="LASTTWO", percent_off=33, max_redemptions=2),
            Coupon(code="ONECOURSE", percent_off=100, course=courses[3]),
            Coupon(code="BIGCART", amount_off=Decimal("29.99"), minimum_amount=Decimal("60.00")),
            Coupon(code="ALMOSTALL", percent_off=99),
            Coupon(code="OVER", percent_off=50, valid_until=now - dt.timedelta(days=1)),
        ]
    )


# --- The workers' sweeps, each one turn, and time -------------------------------------------------

SWEEPS: dict[str, Callable[[], int]] = {
    "poll": payment_services.poll_events,
    "balance": payment_services.read_balance,
    "events": payment_services.handle_due_events,
    "refunds": payment_services.send_due_refunds,
    "payments": payment_services.reconcile_due_payments,
    "expiry": payment_services.expire_orders,
    "plan": payment_services.plan_payouts,
    "payouts": payment_services.send_due_payouts,
    "outbox": outbox.deliver_due,
    "balances": payment_services.fold_balances,
}

_DUE = {
    "payments_stripeevent": "next_attempt_at",
    "payments_refund": "next_attempt_at",
    "payments_payment": "next_check_at",
    "payments_payout": "next_attempt_at",
    "core_outboxdelivery": "next_attempt_at",
}


def make_all_due() -> None:
    """Let every back-off, claim and pause be over."""
    with connection.cursor() as cursor:
        for table, column in _DUE.items():
            cursor.execute(
                f"UPDATE {table} SET {column} = now() - interval '1 minute'"
                f" WHERE {column} > now() - interval '1 minute'"
            )


def let_payouts_rest() -> None:
    """Let the day be over for which a teacher isn't paid after a payout that was refused."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE payments_payout SET updated_at = updated_at - interval '2 days'"
            " WHERE status = 'failed'"
        )


def pass_time(hours: int) -> None:
    """Let open orders and coupons grow older by that much."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE orders_order SET expires_at = expires_at - make_interval(hours => %s)"
            " WHERE status = 'pending'",
            [hours],
        )


@contextmanager
def open_world(**settings: Any) -> Iterator[World]:
    """A server in a thread of this process and a stand-in beside it, until the block ends."""
    with ExitStack() as stack:
        standin = stack.enter_context(StandIn.start(async_delay=NEVER))
        stack.enter_context(
            override_settings(
                STRIPE_SECRET_KEY=standin.secret_key,
                STRIPE_PUBLIC_KEY=standin.publishable_key,
                STRIPE_WEBHOOK_SECRETS=[standin.webhook_secret],
                STRIPE_API_BASE=standin.url,
                STRIPE_TIMEOUT_SECONDS=20.0,
                STRIPE_DEADLINE_SECONDS=20.0,
                STRIPE_CONNECT=True,
                EARNINGS_HOLD=dt.timedelta(seconds=30),
                PAYOUT_MINIMUM=Decimal("5.00"),
                **settings,
            )
        )
        clock = Clock()
        stack.enter_context(patch.object(timezone, "now", clock.now))
        # Else head and body of an answer go out 40 ms apart (Nagle's algorithm).
        stack.enter_context(patch.object(WSGIRequestHandler, "disable_nagle_algorithm", True))
        server = LiveServer("127.0.0.1")
        stack.callback(server.stop)
        http = stack.enter_context(httpx.Client(base_url=server.url, timeout=30, trust_env=False))
        bank = stack.enter_context(Bank(standin))
        yield World(url=server.url, bank=bank, http=http, clock=clock)
