"""What every rule of the state machine stands on: the world, what was seen last, and the checks."""

from __future__ import annotations

import functools
import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, ParamSpec, TypeAlias, TypeVar
from unittest.mock import patch

from django.db import connections
from hypothesis.stateful import RuleBasedStateMachine, rule
from hypothesis.strategies import integers, sampled_from

from payments import stripe_gateway
from tests.proof.bank import JsonObject
from tests.proof.model import Voucher, Ware
from tests.proof.rules_of_books import find_breaches, find_illegal_moves
from tests.proof.settling import converge, hold, verify_books
from tests.proof.snapshot import Snapshot, take_snapshot
from tests.proof.world import Answer, World

# The product's own SQL is asked after this many steps; ours after every one.
VERIFY_EVERY = 8
# How far the clocks of the machines that work in turn are from the right one, in seconds.
CLOCKS = (-60, 0, 60)

PICK = integers(0, 15)
WHO = integers(0, 3)

T = TypeVar("T")
P = ParamSpec("P")
M = TypeVar("M", bound="Market")


@dataclass
class Tally:
    """What was done in all examples of a run."""

    steps: int = 0
    histories: int = 0
    rules: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    # What its steps raised.
    failures: list[BaseException] = field(default_factory=list)

    def as_json(self) -> JsonObject:
        """For a report that crosses processes."""
        return {
            "steps": self.steps,
            "histories": self.histories,
            "rules": dict(self.rules),
            "outcomes": dict(self.outcomes),
        }


@dataclass(frozen=True)
class Intent:
    """A payment intent as the buyer's browser knows it."""

    order_id: str
    id: str
    client_secret: str


# What was asked under an Idempotency-Key, and the answer that is stored under it.
Keyed: TypeAlias = tuple[str, JsonObject, Answer]


def act(**strategies: Any) -> Callable[[Callable[..., None]], Any]:
    """A rule that is counted, and that spoils the rest of its history when it fails."""

    def decorate(function: Callable[..., None]) -> Any:
        @functools.wraps(function)
        def counted(self: Market, **drawn: Any) -> None:
            self.tally.rules[function.__name__] += 1
            self.tally.steps += 1
            self.steps += 1
            self.world.clock.seconds = CLOCKS[self.steps % len(CLOCKS)]
            with self.spoiling():
                function(self, **drawn)
                self.check()

        return rule(**strategies)(counted)

    return decorate


class Market(RuleBasedStateMachine):
    """One history of the marketplace. Rules are in the modules beside this one."""

    def __init__(self, world: World, tally: Tally) -> None:
        super().__init__()
        self.world, self.bank, self.tally = world, world.bank, tally
        world.reset()
        self.wares = [_ware(course) for course in world.courses]
        self.vouchers = [_voucher(coupon) for coupon in world.coupons]
        self.intents: list[Intent] = []
        self.changed_amounts: set[str] = set()
        # Intents that the product didn't make.
        self.by_hand: set[str] = set()
        # Teachers' accounts at Stripe that are closed for good.
        self.ended_accounts: set[str] = set()
        self.wire: list[JsonObject] = []
        # In such a history no webhook ever arrives.
        self.is_cut_off = False
        # By person and path.
        self.keyed: dict[tuple[str, str], Keyed] = {}
        # When a fault of Stripe's was set, which the step after that meets if it calls Stripe.
        self.trouble_began = 0
        self.is_spoiled = False
        self.checked_at = tally.steps
        self.steps = 0
        self.now = self.last = take_snapshot()
        tally.histories += 1

    # --- Looking --------------------------------------------------------------------------------

    def spoiling(self) -> Any:
        """A block after whose failure nothing more can be said of this history."""
        return _Spoiling(self)

    def pick(self, items: Sequence[T], number: int) -> T:
        """One of them, the newest first: small numbers are the interesting ones."""
        return items[-1 - number % len(items)]

    def look(self) -> Snapshot:
        """Read our rows anew."""
        self.now = take_snapshot()
        return self.now

    def collect(self) -> list[JsonObject]:
        """Put Stripe's new events on the wire; what is on it by then."""
        if not self.is_cut_off:
            self.wire += self.bank.new_events()
        return self.wire

    def count(self, outcome: str) -> None:
        self.tally.outcomes[outcome] += 1

    # --- Checking -------------------------------------------------------------------------------

    def check(self) -> None:
        """After every step: legal moves and our own sums; now and then the product's own SQL."""
        before, now = self.last, self.look()
        self.last = now
        hold(find_illegal_moves(before, now) + find_breaches(now))
        if self.tally.steps - self.checked_at >= VERIFY_EVERY:
            self.checked_at = self.tally.steps
            verify_books()
        if self.bank.is_in_trouble and self.tally.steps > self.trouble_began:
            self.bank.end_trouble()
        self._count_arrivals(before, now)

    def _count_arrivals(self, before: Snapshot, now: Snapshot) -> None:
        for kind in ("orders", "refunds", "disputes", "enrollments"):
            then = getattr(before, kind)
            for row_id, row in getattr(now, kind).items():
                if row_id not in then or then[row_id]["status"] != row["status"]:
                    self.count(f"{kind} {row['status']}")
                    if kind == "refunds" and row_id not in then:
                        self.count(f"refund because {row['reason']}")

    # --- The end --------------------------------------------------------------------------------

    def converge(self) -> None:
        """Let everything end, and compare our rows, the model and Stripe."""
        before = self.last
        self.now = self.last = converge(
            self.bank,
            lambda turn: self.deliver_in_any_order(random.Random(turn)),
            but=self.changed_amounts,
        )
        self._count_arrivals(before, self.now)
        hold(list(self._charged_for_nothing()))
        self.count("converged")

    def _charged_for_nothing(self) -> Iterator[str]:
        """Whoever paid by an intent of ours paid for an order that waited for it: none is closed
        while money for it is on its way, or may be."""
        for intent in self.intents:
            order = self.now.orders[intent.order_id]
            is_ours = intent.id not in self.by_hand | self.changed_amounts
            if is_ours and order["status"] == "failed":
                status = self.bank.intent(intent.id)["status"]
                if status in ("processing", "succeeded"):
                    yield f"{intent.id} is {status}, and its order was closed meanwhile"

    def deliver_in_any_order(self, chance: random.Random) -> None:
        """Send everything that is on the wire."""
        events = list(self.collect())
        chance.shuffle(events)
        for event in events:
            assert self.world.deliver(event) == 200
            self.count(f"delivered {event['type']}")
        self.wire = []

    def teardown(self) -> None:
        if not self.is_spoiled:
            with self.spoiling():
                self.converge()

    # --- Races, one after the other ---------------------------------------------------------------

    def at_next_call(self, meanwhile: Callable[[], object]) -> Any:
        """A block in which `meanwhile` happens right after Stripe has answered the first call, and
        before the product has done anything about it: what a second worker would do then."""
        ask = stripe_gateway._call
        left = [meanwhile]

        def answer_late(work: Any) -> Any:
            try:
                return ask(work)
            finally:
                if left:
                    left.pop()()
                    if threading.current_thread() is not threading.main_thread():
                        # Stripe is asked by threads that have no other business with the database.
                        connections.close_all()

        return patch.object(stripe_gateway, "_call", answer_late)


class _Spoiling:
    def __init__(self, market: Market) -> None:
        self.market = market

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, raised: BaseException | None, _: object) -> None:
        if raised is not None:
            self.market.is_spoiled = True
            self.market.tally.failures.append(raised)


def minor(amount: Any) -> int:
    """Minor units of a Decimal or of a JSON number."""
    return round(float(amount) * 100)


def _ware(course: Any) -> Ware:
    return Ware(
        id=str(course.id),
        teacher=str(course.instructor_id),
        category=str(course.category_id),
        price=minor(course.price),
        is_on_sale=True,
    )


def _voucher(coupon: Any) -> Voucher:
    return Voucher(
        id=str(coupon.id),
        code=coupon.code,
        percent=coupon.percent_off or 0,
        amount=minor(coupon.amount_off or 0),
        course=str(coupon.course_id or ""),
        category=str(coupon.category_id or ""),
        teacher=str(coupon.instructor_id or ""),
        minimum=minor(coupon.minimum_amount or 0),
        limit=coupon.max_redemptions,
        limit_per_person=coupon.max_redemptions_per_person,
        is_valid=coupon.valid_until is None,
    )


__all__ = ["PICK", "WHO", "Intent", "Keyed", "Market", "Tally", "act", "minor", "sampled_from"]
