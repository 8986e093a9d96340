"""Verifying what was written to since it was last verified, at a cost that follows from how much
that was and not from how much there is.

Triggers note each row of the books that is written to, in the transaction that does so
(`BookTouch`). From the notes follows what belongs together (`closing`), and of that small world the
invariants' own texts are asked (`worlds`). What is counted over many rows isn't counted again: the
notes say what each side changed by, and where these agree, so do the counts that agreed before.
"""

import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal

from django.db import connection, transaction

from payments.books import worlds
from payments.books.closing import close
from payments.books.earners import verify_earners
from payments.books.invariant import Invariant, Scope, Violation
from payments.books.running import verify_running
from payments.books.series import find_series, mark_series
from payments.books.verifying import INVARIANTS, ask

# How many notes are taken at once: some hundred purchases.
NOTES_AT_ONCE = 5_000
# Of so many courses, coupons or series whose counts are in doubt all rows are copied; more are
# looked at where they are.
DOUBTS_AT_ONCE = 50
# Takes what was found, inside the transaction that forgets the notes.
OnFound = Callable[[list[Violation]], object]
_BY_SCOPE = {scope: [one for one in INVARIANTS if one.scope is scope] for scope in Scope}


@dataclass(frozen=True, kw_only=True)
class Turn:
    """What verifying one part came to: up to which note, whether more follow, what is broken."""

    last: int
    is_last: bool
    violations: list[Violation]


def last_note() -> int:
    """Return the newest note's number, so that what is noted meanwhile is left for another time."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(max(id), 0) FROM payments_booktouch")
        return int(cursor.fetchone()[0])


def verify_counts(*, on_found: OnFound | None = None) -> list[Violation]:
    """Verify the counts of students, ratings, uses of coupons and numbers given out, as far as they
    changed or what they count did; returns what is broken. With `on_found`, which is given that,
    the notes are forgotten in the same transaction."""
    with _snapshot(keeps=on_found is None) as mark, connection.cursor() as cursor:
        cursor.execute(
            "SELECT kind, key, sum(amount) FROM payments_booktouch WHERE amount IS NOT NULL"
            " GROUP BY kind, key HAVING sum(amount) <> 0"
        )
        changed: dict[str, dict[str, Decimal]] = defaultdict(dict)
        for kind, key, amount in cursor.fetchall():
            changed[kind][key] = amount
        doubts = {
            "courses": sorted({*changed["students"], *changed["ratings"], *changed["stars"]}),
            "coupons": sorted(changed["coupon_uses"]),
            "series": sorted(find_series(changed["series_rows"], changed["series_sum"])),
        }
        broken = _ask_counts(doubts, mark)
        if on_found is not None:
            cursor.execute("DELETE FROM payments_booktouch WHERE amount IS NOT NULL")
            mark_series()
            on_found(broken)
    return broken


def verify_balances(*, on_found: OnFound | None = None) -> list[Violation]:
    """Verify all running balances from where they were before; returns what is broken. With
    `on_found`, which is given that, it is noted in the same transaction how far they were."""
    with _snapshot(keeps=on_found is None):
        broken = verify_running(
            ask=lambda: _ask_all(_BY_SCOPE[Scope.RUNNING], ""), marks=on_found is not None
        )
        if on_found is not None:
            on_found(broken)
    return broken


def verify_touched(*, after: int = 0, up_to: int, on_found: OnFound | None = None) -> Turn:
    """Verify what the next notes lead to, some thousand of them, after this number and up to that.
    With `on_found`, which is given what is broken, the notes are forgotten in the same
    transaction; a process that is killed leaves both undone."""
    with _snapshot(keeps=on_found is None) as mark, connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, kind, key FROM payments_booktouch"
            " WHERE amount IS NULL AND id > %s AND id <= %s ORDER BY id LIMIT %s",
            [after, up_to, NOTES_AT_ONCE],
        )
        rows = cursor.fetchall()
        broken = _ask_about({(kind, key) for _, kind, key in rows}, mark, on_found is not None)
        if on_found is not None:
            cursor.execute(
                "DELETE FROM payments_booktouch WHERE id = ANY(%s)", [[row[0] for row in rows]]
            )
            on_found(broken)
    return Turn(
        last=rows[-1][0] if rows else up_to,
        is_last=len(rows) < NOTES_AT_ONCE,
        violations=broken,
    )


def verify_changed() -> Iterator[Turn]:
    """Verify all that was written to and hasn't been verified, in turns; forgets nothing."""
    up_to = last_note()
    yield Turn(last=0, is_last=False, violations=verify_counts() + verify_balances())
    after, is_last = 0, False
    while not is_last:
        turn = verify_touched(after=after, up_to=up_to)
        after, is_last = turn.last, turn.is_last
        yield turn


def _ask_about(notes: Iterable[tuple[str, str]], mark: str, forgets: bool) -> list[Violation]:
    if not notes:
        return []
    with worlds.by_index():
        closed = close(notes)
    with worlds.groups(closed):
        broken = _ask_all(_BY_SCOPE[Scope.GROUP], mark)
        with worlds.people(closed):
            broken += _ask_all(_BY_SCOPE[Scope.PEOPLE], mark)
        with worlds.neighbours():
            broken += _ask_all(_BY_SCOPE[Scope.NEIGHBOURS], mark)
    return broken + verify_earners(
        closed.noted, ask=lambda: _ask_all(_BY_SCOPE[Scope.EARNER], mark), marks=forgets
    )


def _ask_counts(doubts: dict[str, list[str]], mark: str) -> list[Violation]:
    if not any(doubts.values()):
        return []
    if max(map(len, doubts.values())) > DOUBTS_AT_ONCE:
        return _ask_all(_BY_SCOPE[Scope.COUNT], "")
    with worlds.counts(**doubts):
        return _ask_all(_BY_SCOPE[Scope.COUNT], mark)


def _ask_all(invariants: Iterable[Invariant], mark: str) -> list[Violation]:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_nestloop = off")
        found = [violation for one in invariants for violation in ask(one, mark=mark)]
        cursor.execute("SET LOCAL enable_nestloop TO DEFAULT")
    return found


@contextmanager
def _snapshot(*, keeps: bool) -> Iterator[str]:
    """One snapshot for all, and a mark for the statements that are asked in it. Whoever is to
    forget notes does so alone, and sees what the one before left."""
    is_outermost = not connection.in_atomic_block
    with transaction.atomic(), connection.cursor() as cursor:
        if is_outermost:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        if not keeps:
            cursor.execute("LOCK TABLE payments_booktouch IN SHARE UPDATE EXCLUSIVE MODE")
        yield f"/* {uuid.uuid4().hex} */"
