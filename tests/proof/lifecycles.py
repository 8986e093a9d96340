"""Lives of a purchase as Stripe's events tell them, with the events kept back."""

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import permutations
from typing import Any
from unittest.mock import patch

import stripe
from django.db import connection, transaction
from django.test import Client

from payments import books, services, stripe_gateway
from tests.proof.bank import JsonObject, signed
from tests.proof.rules_of_books import find_breaches
from tests.proof.snapshot import take_snapshot
from tests.proof.world import World, make_all_due

DOOR = "/api/v1/payments/webhook/stripe/"
# An event that isn't ours to handle tells nothing; so many that are may come in any order.
MOST_EVENTS = 5
# A parked event is tried again after its pause; these pauses are enough for all of them.
TURNS = 3

Live = Callable[[World, str, str], None]
State = dict[str, Any]


@dataclass(frozen=True)
class Lifecycle:
    """All events of one life, oldest first, and those that may come in any order."""

    history: list[JsonObject]
    loose: list[JsonObject]

    def orders(self) -> Iterator[list[JsonObject]]:
        """Every order of the loose events, plain, and with each one twice, anywhere."""
        for order in permutations(self.loose):
            yield list(order)
        for doubled in self.loose:
            # Stripe may tell of one thing by two events; by one event twice is known by its id.
            twin = {**doubled, "id": doubled["id"] + "twin"}
            seen = set()
            for order in permutations([*self.loose, twin]):
                names = tuple(event["id"].removesuffix("twin") for event in order)
                if names not in seen:
                    seen.add(names)
                    yield list(order)


# --- The lives ------------------------------------------------------------------------------------


def declined_then_part_refunded(world: World, intent: str, secret: str) -> None:
    world.bank.pay(intent, secret, "pm_card_visa_chargeDeclined")
    world.bank.pay(intent, secret, "pm_card_pendingRefund")
    world.bank.refund(intent, 1000)
    world.bank.standin.run_jobs()


def debited_then_disputed_and_won(world: World, intent: str, secret: str) -> None:
    world.bank.pay(intent, secret, "pm_usBankAccount_success")
    world.bank.standin.run_jobs()
    dispute = world.bank.standin.open_dispute(payment_intent=intent)
    world.bank.update_dispute(dispute["id"])
    world.bank.standin.close_dispute(dispute["id"], "won")


def refunded_in_vain(world: World, intent: str, secret: str) -> None:
    world.bank.pay(intent, secret, "pm_card_refundFail")
    world.bank.refund(intent, None)
    world.bank.standin.run_jobs()


def part_refunded_then_disputed_and_lost(world: World, intent: str, secret: str) -> None:
    world.bank.pay(intent, secret, "pm_card_visa")
    world.bank.refund(intent, 1000)
    dispute = world.bank.standin.open_dispute(payment_intent=intent, amount=2000)
    world.bank.standin.close_dispute(dispute["id"], "lost")


LIVES: list[tuple[Live, tuple[str, ...]]] = [
    (
        declined_then_part_refunded,
        (
            "payment_intent.payment_failed",
            "payment_intent.succeeded",
            "refund.created",
            "charge.refunded",
            "refund.updated",
        ),
    ),
    (
        debited_then_disputed_and_won,
        (
            "payment_intent.processing",
            "payment_intent.succeeded",
            "charge.dispute.created",
            "charge.dispute.updated",
            "charge.dispute.closed",
        ),
    ),
    (
        refunded_in_vain,
        (
            "payment_intent.succeeded",
            "refund.created",
            "charge.refunded",
            "refund.failed",
            "refund.updated",
        ),
    ),
    (
        part_refunded_then_disputed_and_lost,
        (
            "payment_intent.succeeded",
            "charge.refunded",
            "charge.dispute.created",
            "charge.dispute.funds_withdrawn",
            "charge.dispute.closed",
        ),
    ),
]


def begin_purchase(world: World) -> tuple[str, str]:
    """Order two courses and start to pay; the intent and its client secret."""
    buyer = world.buyers[0]
    for course in world.courses[2:4]:
        world.call(buyer, "POST", "cart/items/", {"course_id": str(course.id)})
    order = world.call(buyer, "POST", "orders/create-from-cart/", {}).body
    path = "payments/create-payment-intent/"
    intent = world.call(buyer, "POST", path, {"order_id": order["id"]}).body
    return intent["payment_intent_id"], intent["client_secret"]


def record_life(world: World, live: Live, kinds: tuple[str, ...]) -> Lifecycle:
    """Live it at Stripe with every event kept back; afterwards our rows know only of the intent."""
    intent, secret = begin_purchase(world)
    live(world, intent, secret)
    history = world.bank.new_events()
    loose = [event for event in history if event["type"] in kinds]
    assert [event["type"] for event in loose] == list(kinds)
    assert len(loose) == MOST_EVENTS
    return Lifecycle(history, loose)


# --- Telling it -----------------------------------------------------------------------------------


@contextmanager
def undone() -> Iterator[None]:
    """A transaction that is rolled back, with its deferred constraints checked before."""
    atomic = transaction.atomic()
    # As the test framework marks its own: the gateway refuses any other.
    atomic._from_testcase = True  # type: ignore[attr-defined]
    with atomic:
        yield
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        transaction.set_rollback(True)


def tell(life: Lifecycle, order: list[JsonObject], secret: str, *, stale: bool) -> State:
    """Deliver the events in this order through the door, handle each, and say what became of it.

    With `stale`, Stripe's answers while an event is handled are of the moment of that event: as
    when a slow worker asked then and acts only now. Our rows are as before afterwards.
    """
    door = Client()
    with undone():
        for event in order:
            body, signature = signed(event, secret)
            answer = door.post(
                DOOR, body, content_type="application/json", headers={"Stripe-Signature": signature}
            )
            assert answer.status_code == 200, answer.content
            with _as_of(life, event) if stale else _now():
                services.handle_due_events()
        for _ in range(TURNS):
            make_all_due()
            services.handle_due_events()
        violations = books.verify()
        assert not violations, "\n".join(map(str, violations))
        return _state()


@contextmanager
def _now() -> Iterator[None]:
    yield


@contextmanager
def _as_of(life: Lifecycle, event: JsonObject) -> Iterator[None]:
    """Let Stripe answer as it would have when the event happened."""
    known: dict[str, JsonObject] = {}
    for past in life.history:
        known[past["data"]["object"]["id"]] = past["data"]["object"]
        if past["id"] == event["id"].removesuffix("twin"):
            break
    ask = stripe_gateway._call

    def answer(work: Any) -> Any:
        found = ask(work)
        if isinstance(found, list):
            return [_back_then(item, known) for item in found if item["id"] in known]
        return _back_then(found, known)

    with patch.object(stripe_gateway, "_call", answer):
        yield


def _back_then(found: Any, known: dict[str, JsonObject]) -> Any:
    then = known.get(found["id"])
    if then is None:
        return found
    now = found.to_dict()
    # What we asked Stripe to expand stays expanded.
    old = {k: v for k, v in then.items() if not (isinstance(now.get(k), dict) and v)}
    kinds: dict[str, Any] = {"payment_intent": stripe.PaymentIntent, "refund": stripe.Refund}
    kinds |= {"dispute": stripe.Dispute, "charge": stripe.Charge}
    return kinds[now["object"]].construct_from({**now, **old}, None)


def _state() -> State:
    """What must not depend on the order of events: no ids of ours, no moments."""
    now = take_snapshot()
    wrong = find_breaches(now)
    assert not wrong, "\n".join(wrong)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT account, coalesce(instructor_id::text, ''), sum(amount)"
            " FROM payments_ledgerentry GROUP BY 1, 2 HAVING sum(amount) <> 0 ORDER BY 1, 2"
        )
        ledger = cursor.fetchall()
    (order,) = now.orders.values()
    return {
        "order": (order["status"], order["refunded"], order["payment_id"]),
        "lines": [(line["state"], line["refunded"]) for line in now.lines.values()],
        "payments": [
            (p["intent_id"], p["status"], p["refunding"], bool(p["attention"]))
            for p in now.payments.values()
        ],
        "refunds": sorted(
            (r["stripe_refund_id"], r["status"], r["amount"], r["is_applied"])
            for r in now.refunds.values()
        ),
        "disputes": sorted((d["stripe_dispute_id"], d["status"]) for d in now.disputes.values()),
        "enrollments": [(e["course_id"], e["status"]) for e in now.enrollments.values()],
        "students": now.students,
        "ledger": ledger,
        "unhandled": [(event["type"], event["last_error"]) for event in now.events],
    }


def choose(life: Lifecycle, count: int | None, chance: random.Random) -> list[list[JsonObject]]:
    """All orders, or `count` of them by chance, the reverse one always among them."""
    orders = list(life.orders())
    if count is None or count >= len(orders):
        return orders
    return [list(reversed(life.loose)), *chance.sample(orders, count)]
