"""The last step of a run: the books against themselves, as far as they were written to.

What is broken is kept in sight of staff. An invariant that is known to be broken is asked of all
books until it holds, whatever was written to since.
"""

import logging
import time
from collections import defaultdict
from collections.abc import Iterable

from payments import books, ledger
from payments.models import ReconciliationDifference, ReconciliationRun
from payments.services.differences import list_open_ids, record_look
from payments.services.matching import Found

logger = logging.getLogger(__name__)

# The kind of object that a difference of the books names.
BOOKS = "books"
_BY_NAME = {invariant.name: invariant for invariant in books.INVARIANTS}


def verify_books(*, run: ReconciliationRun, ends_at: float) -> bool:
    """Go on with verifying what was written to until the run came here; returns whether it is over.

    First, what isn't in the ledger yet (facts of before it was kept) is booked. What was verified
    is forgotten in the transaction that keeps what is broken: a killed worker loses neither.
    """
    if "up_to" not in run.position:
        _begin(run)
        if time.monotonic() >= ends_at:
            return False
    while not run.position.get("all_touched"):
        turn = books.verify_touched(
            up_to=run.position["up_to"], on_found=lambda broken: _keep(run, broken)
        )
        run.position |= {"all_touched": turn.is_last}
        if time.monotonic() >= ends_at:
            return False
    return _look_at_broken_ones(run, ends_at)


def _begin(run: ReconciliationRun) -> None:
    if booked := ledger.post_missing():
        logger.warning("%s movements of money were not in the ledger", booked)
    run.position |= {
        "up_to": books.last_note(),
        # Those that this run finds are found in what was just looked at.
        "broken": sorted(list_open_ids(object_type=BOOKS, object_ids=_BY_NAME)),
    }
    _keep(run, books.verify(invariants=books.ALWAYS))
    books.verify_counts(on_found=lambda broken: _keep(run, broken))
    books.verify_balances(on_found=lambda broken: _keep(run, broken))


def _look_at_broken_ones(run: ReconciliationRun, ends_at: float) -> bool:
    """Ask all books for the invariants that were broken before; returns whether all were asked."""
    while names := run.position["broken"]:
        invariant = _BY_NAME[names[0]]
        found = books.verify(invariants=(invariant,))
        _keep(run, found)
        if not found:
            record_look(run=run, object_type=BOOKS, object_id=invariant.name, before=[], left=[])
        run.position |= {"broken": names[1:]}
        if time.monotonic() >= ends_at and names[1:]:
            return False
    return True


def _keep(run: ReconciliationRun, broken: Iterable[books.Violation]) -> None:
    """Keep each broken invariant as a difference, which the first row that breaks it names."""
    by_name: dict[str, list[books.Violation]] = defaultdict(list)
    for violation in broken:
        logger.error("the books are broken: %s", violation)
        by_name[violation.invariant].append(violation)
    for name, (first, *others) in by_name.items():
        kind = ReconciliationDifference.Kind.BOOKS
        names = (told for one in (first, *others) for told in (one.subject, *one.facts.values()))
        left = [Found(kind=kind, ours=str(first), theirs=first.sentence, concerns=tuple(names))]
        record_look(run=run, object_type=BOOKS, object_id=name, before=left, left=left)
