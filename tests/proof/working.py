"""Rules of the wire, the workers and the clock."""

import random
from collections.abc import Callable

from hypothesis.stateful import precondition
from hypothesis.strategies import booleans, sampled_from

from devtools.stripe_standin.client import FaultKind
from payments.errors import PaymentsUnavailable
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
    @act(number=PICK, what=sampled_from(("one", "twice", "copy", "all", "all", "lose", "lose all")))
    def deliver(self, number: int, what: str) -> None:
        """Events arrive, in whatever order: one, one twice, one that will come again, all of them;
        or never, and then the poll, or a look at what is open, has to find them."""
        if not self.collect():
            return
        event = self.pick(self.wire, number)
        if what == "lose all":
            self.wire = []
        elif what == "all":
            self.deliver_in_any_order(random.Random(number))
        elif what == "lose":
            self.wire.remove(event)
        else:
            for _ in range(2 if what == "twice" else 1):
                assert self.world.deliver(event) == 200
            if what != "copy":
                self.wire.remove(event)
        self.count(f"wire: {what}")

    @act(name=sampled_from(("all", "stripe", *SWEEPS)), late=booleans())
    def sweep(self, name: str, late: bool) -> None:
        """One worker's turn, or everybody's; `late`: after every back-off and pause. Or Stripe's:
        debits settle, refunds end, the disputes of test cards open."""
        if late:
            make_all_due()
        if name == "stripe":
            self.bank.standin.run_jobs()
            return
        for one in SWEEPS if name == "all" else [name]:
            self._take_turn(one)

    def _take_turn(self, name: str) -> None:
        """Who reads a list of Stripe's has no rows to put off: it raises when Stripe is away, and
        its task's next turn reads on from the same place."""
        is_in_trouble = self.bank.is_in_trouble
        try:
            SWEEPS[name]()
        except PaymentsUnavailable:
            assert name in ("poll", "balance")
            assert is_in_trouble

    @precondition(lambda self: self.now.orders)
    @act(hours=sampled_from((1, 13, 25)))
    def pass_hours(self, hours: int) -> None:
        pass_time(hours)
        make_all_due()
        if hours > 24:
            # Stripe forgets a key after a day (docs.stripe.com/api/idempotent_requests).
            self.bank.standin.expire_idempotency_keys()

    @act(what=sampled_from(("payout", "payout back", "fee", "topup")), number=PICK)
    def move_balance(self, what: str, number: int) -> None:
        """Money moves at Stripe of no purchase: to the platform's bank and back, for Radar."""
        standin, amount = self.bank.standin, 100 + number % 9900
        if what.startswith("payout"):
            payout = standin.pay_out(amount, fee=number % 3)
            if what == "payout back":
                standin.fail_payout(payout["id"])
        elif what == "fee":
            standin.move_balance("stripe_fee", -(number % 90 + 1), description="Radar")
        else:
            standin.move_balance("topup", amount)
        self.count(f"balance: {what}")

    @act(fault=sampled_from(FAULTS))
    def let_stripe_fail(self, fault: tuple[FaultKind, str]) -> None:
        """The next step's first such call goes wrong: refused, a 500, or done and unanswered."""
        self.bank.begin_trouble(*fault)
        self.trouble_began = self.tally.steps

    @precondition(lambda self: self.intents)
    @act(
        name=sampled_from(("confirm", "events", "payments", "expiry", "refunds", "order")),
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
