"""Rules of the wire, the workers and the clock."""

import random
from collections.abc import Callable

from hypothesis.stateful import precondition
from hypothesis.strategies import booleans, integers, sampled_from

from devtools.stripe_standin.client import FaultKind
from tests.proof.buying import Buying
from tests.proof.market import PICK, Market, act
from tests.proof.world import SWEEPS, make_all_due, pass_time

# What goes wrong at Stripe, and where.
FAULTS: tuple[tuple[FaultKind, str], ...] = (
    ("refuse", "*"),
    ("fail", "payment_intents.create"),
    ("drop", "payment_intents.create"),
    ("drop", "payment_intents.cancel"),
    ("drop", "refunds.create"),
    ("fail", "refunds.create"),
)


class Working(Buying, Market):
    """What the machines do between the people's steps."""

    @precondition(lambda self: self.intents)
    @act(number=PICK, copies=integers(1, 3))
    def deliver(self, number: int, copies: int) -> None:
        """One event arrives, once or more often; the order is anybody's guess."""
        if self.collect():
            event = self.pick(self.wire, number)
            for _ in range(copies):
                assert self.world.deliver(event) == 200
            if copies < 3:
                self.wire.remove(event)
            self.count(f"delivered {event['type']}")

    @precondition(lambda self: self.intents)
    @act(seed=integers(0, 7))
    def deliver_all(self, seed: int) -> None:
        self.deliver_in_any_order(random.Random(seed))

    @precondition(lambda self: self.intents)
    @act(number=PICK)
    def lose_event(self, number: int) -> None:
        """It never arrives: the poll, or a look at what is open, has to find it."""
        if self.collect():
            self.wire.remove(self.pick(self.wire, number))

    @act(name=sampled_from(("all", "stripe", *SWEEPS)), late=booleans())
    def sweep(self, name: str, late: bool) -> None:
        """One worker's turn, or everybody's; `late`: after every back-off and pause. Or Stripe's:
        debits settle, refunds end, the disputes of test cards open."""
        if late:
            make_all_due()
        if name == "stripe":
            self.bank.standin.run_jobs()
            return
        for sweep in SWEEPS.values() if name == "all" else [SWEEPS[name]]:
            sweep()

    @precondition(lambda self: self.now.orders)
    @act(hours=sampled_from((1, 13, 25)))
    def pass_hours(self, hours: int) -> None:
        pass_time(hours)
        make_all_due()

    @act(fault=sampled_from(FAULTS))
    def let_stripe_fail(self, fault: tuple[FaultKind, str]) -> None:
        """The next step's first such call goes wrong: refused, a 500, or done and unanswered."""
        self.bank.begin_trouble(*fault)
        self.trouble_began = self.tally.steps

    @precondition(lambda self: self.intents)
    @act(
        name=sampled_from(("confirm", "events", "payments", "expiry", "refunds")),
        meanwhile=sampled_from(
            ("confirm", "events", "payments", "expiry", "refunds", "order", "pay", "refund")
        ),
        number=PICK,
    )
    def race(self, name: str, meanwhile: str, number: int) -> None:
        """Somebody else is faster between Stripe's answer and what is done about it."""
        make_all_due()
        with self.at_next_call(self._deed(meanwhile, number)):
            self._deed(name, number)()
        self.count(f"race {name} / {meanwhile}")

    def _deed(self, name: str, number: int) -> Callable[[], object]:
        if name in SWEEPS:
            return SWEEPS[name]
        intent = self.pick(self.intents, number)
        person = self.person(self.now.orders[intent.order_id]["user_id"])
        deeds: dict[str, Callable[[], object]] = {
            "confirm": lambda: self.ask_confirm(intent),
            "order": lambda: self.world.call(person, "POST", "orders/create-from-cart/", {}),
            "pay": lambda: self.bank.pay(intent.id, intent.client_secret, "pm_card_visa"),
            "refund": lambda: self.bank.refund(intent.id, None),
        }
        return deeds[name]
