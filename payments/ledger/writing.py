"""How movements get into the ledger: once each, whatever is there already."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from core.bulk import insert_all, insert_missing
from payments.ledger.allocation import Account, Part
from payments.models import LedgerEntry, LedgerTransaction


@dataclass(frozen=True, kw_only=True)
class Movement:
    """A transaction of the ledger and its sides, debits above zero. Nothing of it is stored yet."""

    row: LedgerTransaction
    parts: Sequence[Part]


def write_one(row: LedgerTransaction, parts: Sequence[Part]) -> bool:
    """Write a movement; False, with nothing written, when its reference is there."""
    return write([Movement(row=row, parts=parts)]) != []


def write(movements: Sequence[Movement]) -> list[Movement]:
    """Write the movements whose references aren't there yet and return these. Runs in the caller's
    transaction, whose commit the database refuses if one doesn't add up or isn't of its cause."""
    written = {row.id for row in insert_missing(movement.row for movement in movements)}
    new = [movement for movement in movements if movement.row.id in written]
    insert_all(_entry(movement.row, part) for movement in new for part in movement.parts)
    return new


def both(amount: Decimal, *, debit: Account, credit: Account) -> list[Part]:
    """Return the two sides of the simplest movement."""
    return [Part(account=debit, amount=amount), Part(account=credit, amount=-amount)]


def negated(parts: Iterable[Part]) -> list[Part]:
    """Return the parts on the other side: held as credits, taken back as debits."""
    return [replace(part, amount=-part.amount) for part in parts]


def _entry(row: LedgerTransaction, part: Part) -> LedgerEntry:
    return LedgerEntry(
        transaction=row,
        account=part.account,
        instructor_id=part.instructor_id,
        order_item_id=part.order_item_id,
        amount=part.amount,
        # What takes from earnings that are still held is held as long; else it counts at once.
        available_at=part.available_at and max(part.available_at, row.occurred_at),
    )
