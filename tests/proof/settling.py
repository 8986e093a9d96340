"""Letting everything that is under way end, and what must be true then."""

import datetime as dt
from collections.abc import Callable, Collection

from django.utils import timezone

from payments import books
from payments import services as payment_services
from payments.models import ReconciliationDifference
from tests.proof.bank import Bank
from tests.proof.model import Truth, find_wrong_ends
from tests.proof.rules_of_books import find_breaches
from tests.proof.snapshot import Snapshot, take_snapshot
from tests.proof.world import SWEEPS, make_all_due

# More turns than any chain of work needs: event → refund due → sent → event → mail.
MOST_TURNS = 12


def converge(
    bank: Bank,
    deliver: Callable[[int], object],
    *,
    but: Collection[str] = (),
    turns: int = MOST_TURNS,
) -> Snapshot:
    """Do what Stripe does later, deliver (given the turn) what it tells, and sweep, until nothing
    is left to do; then compare books, model and Stripe. Returns our rows as they ended.

    Raises AssertionError naming whatever doesn't agree. `but` are intents whose amounts somebody
    changed at Stripe: the comparison has to show those, and nothing else. A turn of a sweep works
    only so many rows: what left more behind needs more `turns`.
    """
    bank.end_trouble()
    bank.standin.limit_balance(None)
    for turn in range(turns):
        bank.standin.run_jobs()
        deliver(turn)
        make_all_due()
        # An open payment is looked up again and again: that alone is nothing done. What it leads
        # to is, by one of the others.
        SWEEPS["payments"]()
        done = sum(sweep() for name, sweep in SWEEPS.items() if name != "payments")
        now = take_snapshot()
        hold(find_breaches(now))
        if done == 0:
            break
    verify_books()
    hold(find_wrong_ends(now, Truth(bank.intents(), bank.refunds(), bank.disputes())))
    _compare_as_every_night(but)
    return now


def verify_books() -> None:
    """Ask `payments.books`, as `manage.py verify_books` does, of all and of what was written to.
    Raises AssertionError."""
    hold(list(map(str, books.verify())))
    hold([str(violation) for turn in books.verify_changed() for violation in turn.violations])


def hold(wrong: list[str]) -> None:
    """Raise AssertionError with all of it, if there is anything wrong."""
    assert not wrong, "\n".join(wrong)


def _compare_as_every_night(but: Collection[str]) -> None:
    since = timezone.now() - dt.timedelta(days=1)
    run = payment_services.compare_now(since=since, on_progress=lambda _: None)
    found = ReconciliationDifference.objects.filter(resolved_at=None).exclude(object_id__in=but)
    rows = found.values_list("object_id", "kind", "ours", "theirs")
    hold([" ".join(row) for row in rows])
    if not but:
        # Nothing is on its way any more: to the cent.
        known = run.balances["usd"]
        assert known["here"] == known["there"], known
