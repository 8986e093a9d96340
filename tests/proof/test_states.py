"""Random histories of the marketplace, each step checked; see docs/proof.md."""

import os
from contextlib import nullcontext
from itertools import count
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.errors import FlakyStrategyDefinition
from hypothesis.stateful import run_state_machine_as_test

from tests.proof.deciding import Deciding
from tests.proof.earning import Earning
from tests.proof.market import Tally
from tests.proof.returning import Returning
from tests.proof.working import Working
from tests.proof.world import World

# A whole run is `make state-test`; without it, a sample of the same histories every time.
STEPS = int(os.environ.get("PROOF_STEPS", "600"))
SHRINK = os.environ.get("PROOF_SHRINK", "on") != "off"
SHARD_STEPS = 5000
LONGEST_HISTORY = 125


class Marketplace(Working, Returning, Deciding, Earning):
    """Everybody at once."""


@pytest.mark.slow
@pytest.mark.timeout(0)
@pytest.mark.parametrize("shard", range(-(-STEPS // SHARD_STEPS)))
def test_money_stays_right(world: World, shard: int, record_property: Any) -> None:
    tally = Tally()
    wanted = min(STEPS, SHARD_STEPS)
    # One of a few steps may take none at all.
    length = max(10, min(LONGEST_HISTORY, wanted // 4))
    # Some histories end before they are that long.
    for turn in count():
        left = wanted - tally.steps
        if left <= 0:
            break
        make_history(world, tally, seed(1000 * shard + turn), length, -(-left // length))
    record_property("tally", tally.as_json())


@pytest.mark.slow
def test_what_staff_took_away_is_to_be_had_for_money_alone(world: World) -> None:
    """A history that few random ones come to: staff decide seldom, and most courses cost
    something."""
    tally = Tally()
    history = Marketplace(world, tally)
    teacher = history.wares[-1].teacher
    who = next(number for number, one in enumerate(world.buyers) if str(one.id) != teacher)
    history.change_course(course=0, price="0.00")
    history.get_course(who=who, course=0, is_gift=False)
    history.decide_about_access(number=0, what="revoke")
    history.want_it_back(number=0, by_cart=False, is_given_away=False)
    history.want_it_back(number=0, by_cart=True, is_given_away=False)
    history.change_course(course=0, price="20.00")
    history.want_it_back(number=0, by_cart=True, is_given_away=False)
    history.want_it_back(number=0, by_cart=False, is_given_away=True)
    history.order(who=who, coupon=None, key="none")
    assert tally.outcomes["withdrawn from enrolling"] == 2
    assert tally.outcomes["withdrawn from the cart"] == 1
    assert tally.outcomes["order 409 CART_LINES_UNAVAILABLE"] == 1
    history.change_course(course=0, price="20.00")
    history.shop(who=who, courses=[0], coupon=None, card="pm_card_visa")
    history.confirm(number=0)
    assert history.now.enrollments[next(iter(history.now.enrollments))]["status"] == "active"
    history.teardown()


@pytest.mark.slow
def test_a_key_gives_an_intent_as_long_as_its_order_waits_for_it(world: World) -> None:
    """Few random histories repeat just the request whose intent has died."""
    tally = Tally()
    history = Marketplace(world, tally)
    teacher = history.wares[-1].teacher
    who = next(number for number, one in enumerate(world.buyers) if str(one.id) != teacher)

    def repeat() -> None:
        history.start_payment(number=0, key="again")

    history.shop(who=who, courses=[0], coupon=None, card=None)
    history.start_payment(number=0, key="new")
    repeat()
    world.bank.cancel(history.intents[-1].id)
    repeat()
    repeat()
    history.pay(number=0, card="pm_usBankAccount_processing")
    repeat()
    history.end_debit(number=0, succeeds=False)
    repeat()
    history.deliver(number=0, what="all")
    history.sweep(name="events", late=True)
    history.shop(who=who, courses=[1], coupon=None, card=None)
    repeat()
    assert tally.outcomes["orders failed"] == 1
    assert tally.outcomes["the same intent under a key: requires_payment_method"] == 3
    assert tally.outcomes["the same intent under a key: processing"] == 1
    assert tally.outcomes["another answer under a key: 201"] == 1
    assert tally.outcomes["another answer under a key: 409"] == 1
    history.teardown()


@pytest.mark.slow
def test_nobody_is_asked_for_money_that_would_go_back(world: World) -> None:
    """Staff seldom give what somebody is just about to pay for."""
    tally = Tally()
    history = Marketplace(world, tally)
    teacher = history.wares[-1].teacher
    who = next(number for number, one in enumerate(world.buyers) if str(one.id) != teacher)
    history.shop(who=who, courses=[0, 1], coupon=None, card=None)
    history.start_payment(number=0, key="new")
    history.get_course(who=who, course=0, is_gift=True)
    history.start_payment(number=0, key="again")
    assert tally.outcomes["the same intent under a key: requires_payment_method"] == 1
    # What was given leaves the cart; staff give the next thing in it.
    history.sweep(name="outbox", late=True)
    history.get_course(who=who, course=0, is_gift=True)
    history.start_payment(number=0, key="again")
    history.start_payment(number=0, key="none")
    assert tally.outcomes["given"] == 2
    assert tally.outcomes["not asked for what would go back"] == 2
    # By the secret that they had before.
    history.pay(number=0, card="pm_card_visa")
    history.start_payment(number=0, key="none")
    history.teardown()


@pytest.mark.parametrize("failures", [[], [AssertionError("broken"), AssertionError("again")]])
def test_a_beginning_that_led_elsewhere_hides_no_step_that_failed(
    monkeypatch: pytest.MonkeyPatch, failures: list[AssertionError]
) -> None:
    tally = Tally(failures=[AssertionError("of before")])

    def give_up(*_: Any, **__: Any) -> None:
        tally.failures.extend(failures)
        raise FlakyStrategyDefinition("the same steps led elsewhere")

    monkeypatch.setitem(globals(), "run_state_machine_as_test", give_up)
    with pytest.raises(AssertionError, match=r"^broken$") if failures else nullcontext():
        make_history(cast(World, None), tally, seed(1), length=1, times=1)
    assert tally.outcomes == ({} if failures else {"went otherwise the second time": 1})


def make_history(world: World, tally: Tally, seeded: Any, length: int, times: int) -> None:
    """Make so many histories of up to that many steps, or fewer. Raises what the shortest failing
    one does, and prints that one as a script.

    Hypothesis begins histories as others began, and gives up when the same beginning leads
    elsewhere. Here it may, as threads and clocks are real; each of them was checked at each of its
    steps, and of one that failed the first step that did is raised.
    """
    failed_before = len(tally.failures)
    try:
        run_state_machine_as_test(
            seeded(lambda: Marketplace(world, tally)),
            settings=settings(
                max_examples=times,
                stateful_step_count=length,
                database=None,
                deadline=None,
                suppress_health_check=list(HealthCheck),
                phases=(Phase.generate, Phase.shrink) if SHRINK else (Phase.generate,),
                report_multiple_bugs=False,
            ),
        )
    except FlakyStrategyDefinition as gave_up:
        if failed := tally.failures[failed_before:]:
            raise failed[0] from gave_up
        tally.outcomes["went otherwise the second time"] += 1
