"""How fast payments are settled: many people pay at Stripe at once, and get their courses.

The whole product runs as `make run` starts it, web process, workers and beat, beside the stand-in
for Stripe, each of whose answers takes a while.
"""

import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from statistics import quantiles
from typing import Any
from urllib.parse import urlencode

import psycopg
import urllib3

from benchmarks.options import Options
from benchmarks.processors import parent_of, read_processors
from benchmarks.servers import Application, ServerError, compose_environment, run_program
from benchmarks.stack import Stack, make_database
from benchmarks.statements import StatementBook
from benchmarks.whole import Product, whole_product
from devtools.stripe_standin.client import StandIn

DATABASE = "learnflow_bench_purchases"
# What each call to Stripe takes, beside the stand-in's own time.
STRIPE_SECONDS = 0.1
AT_LEAST_A_SECOND = 100.0
P95_SECONDS = 3.0
# People who press the button at the same moment.
_PAYING_AT_ONCE = 32
_PATIENCE = 600.0
_SLOWED = ("payment_intents.retrieve", "charges.retrieve", "refunds.list", "events.list")
# Of the events that the endpoint is registered for, as docs/go-live.md says, those of a purchase.
_HEARD = ("payment_intent.succeeded", "payment_intent.payment_failed", "charge.updated")
_APPLICATION = Application(
    name="purchases",
    wsgi="learnflow.wsgi:application",
    environment={"DJANGO_SETTINGS_MODULE": "learnflow.settings.development"},
)
_SETTLED = """
    SELECT payment.stripe_payment_id, extract(epoch FROM enrollment.created_at)::float8
    FROM payments_payment payment
    JOIN orders_orderitem item ON item.order_id = payment.order_id
    JOIN enrollments_enrollment enrollment ON enrollment.id = item.enrollment_id
"""
_LONGEST = """
    SELECT calls, total_exec_time, query FROM pg_stat_statements
    WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND query NOT LIKE '%pg_stat_statements%' ORDER BY total_exec_time DESC
"""


@dataclass(frozen=True, kw_only=True)
class Share:
    """What one kind of statement has of a purchase: how often, and PostgreSQL's time in ms."""

    times: float
    milliseconds: float
    query: str


@dataclass(frozen=True, kw_only=True)
class PurchaseResult:
    """What a burst of purchases came to. Times are from payment to access, in seconds; the shares
    are those of one purchase. `number_wait` is how long it waited for its invoice's number, and
    `processors` what each part of the product worked for it until all had access, in ms; `load` is
    how many processes wanted the machine's processors in the last minute.
    """

    purchases: int
    a_second: float
    p50: float
    p95: float
    p99: float
    calls: dict[str, float]
    statements: float
    database_ms: float
    number_wait: float
    load: float
    processors: dict[str, float] = field(default_factory=dict)
    longest: list[Share] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        """Whether both targets are met."""
        return self.a_second >= AT_LEAST_A_SECOND and self.p95 < P95_SECONDS


def measure_purchases(
    options: Options, stack: Stack, *, say: Callable[[str], None]
) -> PurchaseResult:
    """Let `options.purchases` people pay at once and return how it went."""
    with StandIn.start(retry_delay=1.0, webhook_timeout=60.0, async_delay=1.0) as standin:
        environment = _compose(options, stack, standin)
        make_database(stack, DATABASE)
        run_program(environment, "manage.py", "migrate", "--verbosity", "0")
        say(f"{options.purchases} people order")
        standin.webhooks(hold=True)
        said = run_program(environment, "-m", "benchmarks.buyers", str(options.purchases))
        intents = [json.loads(line) for line in said.splitlines()]
        with (
            whole_product(
                _APPLICATION, environment=environment, logs=options.state / "log"
            ) as product,
            ExitStack() as closing,
        ):
            book = StatementBook(environment["DATABASE_URL"])
            closing.callback(book.close)
            hook = f"{product.address}/api/v1/payments/webhook/stripe/"
            roots = _name_processes(environment["DATABASE_URL"], standin, product)
            standin.send_webhooks_to(hook, standin.webhook_secret, types=_HEARD)
            for operation in _SLOWED:
                standin.fault("hang", operation, times=10**9, seconds=STRIPE_SECONDS)
            before = standin.counts()
            book.clear()
            standin.webhooks()
            say("all of them pay")
            worked = read_processors(roots)
            paid = _pay(standin, intents)
            settled = _await_access(environment["DATABASE_URL"], paid)
            after = read_processors(roots)
            processors = {name: after[name] - worked[name] for name in after}
            calls = {name: count - before.get(name, 0) for name, count in standin.counts().items()}
            shares = _read_shares(environment["DATABASE_URL"], len(paid)) if book.is_open else []
            return _sum_up(paid, settled, calls, shares, processors)


def _compose(options: Options, stack: Stack, standin: StandIn) -> dict[str, str]:
    return {
        **compose_environment(
            database_url=stack.url_of(DATABASE), redis_url=stack.redis_url, state=options.state
        ),
        **_APPLICATION.environment,
        "STRIPE_API_BASE": standin.url,
        "STRIPE_SECRET_KEY": standin.secret_key,
        "STRIPE_PUBLIC_KEY": standin.publishable_key,
        "STRIPE_WEBHOOK_SECRET": standin.webhook_secret,
    }


def _name_processes(database_url: str, standin: StandIn, product: Product) -> dict[str, int]:
    roots = {**product.processes, "stand-in for Stripe": standin.process.pid}
    with psycopg.connect(database_url) as connection:
        server = parent_of(connection.info.backend_pid)
    return roots if server is None else {**roots, "PostgreSQL": server}


def _pay(standin: StandIn, intents: Sequence[Mapping[str, str]]) -> dict[str, float]:
    """Confirm all intents as browsers do; returns when each was paid."""
    headers = {
        **urllib3.make_headers(basic_auth=f"{standin.publishable_key}:"),
        "Content-Type": "application/x-www-form-urlencoded",
    }
    # On the processors that are measured, people's browsers should take little.
    with urllib3.PoolManager(maxsize=_PAYING_AT_ONCE, timeout=120, retries=False) as client:

        def pay(intent: Mapping[str, str]) -> tuple[str, float]:
            form = {"client_secret": intent["client_secret"], "payment_method": "pm_card_visa"}
            address = f"{standin.url}/v1/payment_intents/{intent['id']}/confirm"
            answer = client.request("POST", address, body=urlencode(form), headers=headers)
            if answer.status != 200:
                raise ServerError(f"{intent['id']} can't be paid: {answer.status} {answer.data!r}")
            return intent["id"], time.time()

        with ThreadPoolExecutor(_PAYING_AT_ONCE) as people:
            return dict(people.map(pay, intents))


def _await_access(database_url: str, paid: Mapping[str, float]) -> dict[str, float]:
    """Return when each payment opened its course."""
    deadline = time.monotonic() + _PATIENCE
    with psycopg.connect(database_url, autocommit=True) as connection:
        while time.monotonic() < deadline:
            settled: dict[str, float] = dict(connection.execute(_SETTLED).fetchall())
            if settled.keys() >= paid.keys():
                return settled
            time.sleep(0.25)
    raise ServerError(f"only {len(settled)} of {len(paid)} payments were settled")


def _read_shares(database_url: str, purchases: int) -> list[Share]:
    with psycopg.connect(database_url, autocommit=True) as connection:
        rows = connection.execute(_LONGEST).fetchall()
    return [
        Share(
            times=calls / purchases,
            milliseconds=total / purchases,
            query=" ".join(query.split()),
        )
        for calls, total, query in rows
        if "payments_payment payment JOIN orders_orderitem" not in " ".join(query.split())
    ]


def _sum_up(
    paid: Mapping[str, float],
    settled: Mapping[str, float],
    calls: Mapping[str, int],
    shares: Sequence[Share],
    processors: Mapping[str, float],
) -> PurchaseResult:
    waits = [max(0.0, settled[intent] - at) for intent, at in paid.items()]
    cuts: list[Any] = quantiles(waits, n=100, method="inclusive")
    took = max(settled[intent] for intent in paid) - min(paid.values())
    numbered = (one for one in shares if "orders_numberseries" in one.query)
    return PurchaseResult(
        purchases=len(paid),
        a_second=len(paid) / took,
        p50=cuts[49],
        p95=cuts[94],
        p99=cuts[98],
        calls={
            name: count / len(paid)
            for name, count in sorted(calls.items())
            if count and name != "payment_intents.confirm"
        },
        statements=sum(one.times for one in shares),
        database_ms=sum(one.milliseconds for one in shares),
        number_wait=sum(one.milliseconds for one in numbered),
        load=os.getloadavg()[0],
        processors={name: 1000 * took / len(paid) for name, took in processors.items()},
        longest=list(shares[:10]),
    )
