"""Asking the database which invariants are broken."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.db import connection, transaction
from psycopg.types.string import TextLoader

from payments.books.access import ACCESS
from payments.books.agreed import AGREED
from payments.books.balance_movements import BALANCE_MOVEMENTS
from payments.books.balances import BALANCES
from payments.books.dispute_notes import DISPUTE_NOTES
from payments.books.document_facts import DOCUMENT_FACTS
from payments.books.documents import DOCUMENTS
from payments.books.guards import GUARDS
from payments.books.invariant import Invariant, Scope, Violation
from payments.books.ledger import LEDGER
from payments.books.movements import MOVEMENTS
from payments.books.orders import ORDERS
from payments.books.payments import PAYMENTS
from payments.books.payouts import PAYOUTS
from payments.books.shares import SHARES
from payments.books.terms import TERMS

INVARIANTS: tuple[Invariant, ...] = (
    *ORDERS, *AGREED, *PAYMENTS, *ACCESS, *DOCUMENTS, *DOCUMENT_FACTS, *DISPUTE_NOTES, *LEDGER,
    *MOVEMENTS, *SHARES, *TERMS, *PAYOUTS, *BALANCES, *BALANCE_MOVEMENTS, *GUARDS,
)  # fmt: skip
# Those that each run asks of the database as it is, whatever was written to: they cost little.
ALWAYS = tuple(one for one in INVARIANTS if one.scope is Scope.WHOLE)

# A rule broken by everything needs no longer list than this to be seen.
ROWS_PER_INVARIANT = 20


def verify(
    *,
    invariants: tuple[Invariant, ...] = INVARIANTS,
    on_checked: Callable[[Invariant, int], None] | None = None,
) -> list[Violation]:
    """Return the rows that break an invariant, up to 20 for each; nothing is changed.

    All queries see one snapshot (REPEATABLE READ), so that work going on meanwhile can't look like
    a contradiction. Inside a transaction of the caller's it is that transaction's. `on_checked`
    hears of each invariant and how many rows break it.
    """
    violations: list[Violation] = []
    with _snapshot():
        for invariant in invariants:
            broken = ask(invariant)
            violations += broken
            if on_checked is not None:
                on_checked(invariant, len(broken))
    return violations


@contextmanager
def _snapshot() -> Iterator[None]:
    """One snapshot for all, and plans fit for reading whole tables: without statistics, as after a
    bulk load, the planner takes tables for tiny and goes through one for each row of another."""
    is_outermost = not connection.in_atomic_block
    with transaction.atomic(), connection.cursor() as cursor:
        if is_outermost:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        cursor.execute("SET LOCAL enable_nestloop = off")
        yield
        cursor.execute("SET LOCAL enable_nestloop TO DEFAULT")


def ask(invariant: Invariant, *, mark: str = "") -> list[Violation]:
    """Return the rows that break this invariant, up to 20. With a `mark` the statement's text is
    another, so that no plan is used that was made for other tables of the same names."""
    with connection.cursor() as cursor:
        # A moment may have been made infinite, which Python has no date for.
        cursor.cursor.adapters.register_loader("timestamptz", TextLoader)
        # The queries are this package's own texts; nothing of anybody else's is in them.
        cursor.execute(
            f"{mark} {invariant.given} SELECT * FROM ({invariant.query}) AS broken "  # noqa: S608
            f"LIMIT {ROWS_PER_INVARIANT}"
        )
        names = [column[0] for column in cursor.description or ()]
        rows = cursor.fetchall()
    return [
        Violation(
            invariant=invariant.name,
            sentence=invariant.sentence,
            subject=str(row[0]),
            facts=dict(zip(names[1:], map(str, row[1:]), strict=True)),
        )
        for row in rows
    ]
