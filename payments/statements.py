"""An instructor's statement of a month as CSV, line by line."""

import csv
import datetime as dt
import io
import uuid
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from payments.selectors import earnings
from payments.selectors.earnings import EntryRow

COLUMNS = (
    "date", "kind", "course", "order", "amount", "balance", "currency", "available_from"
)  # fmt: skip
# By which spreadsheets know UTF-8.
_MARK = "\ufeff"
# What a spreadsheet takes for a formula (OWASP, "CSV Injection").
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def write_statement(
    *, user_id: uuid.UUID, first: dt.datetime, after: dt.datetime, currency: str
) -> Iterator[str]:
    """Yield the statement from `first` on and before `after`: what was owed before, each movement
    with what was owed after it, and what is owed in the end; a byte order mark comes first. Titles
    that a spreadsheet would take for a formula begin with an apostrophe."""
    balance = earnings.get_balance_before(user_id=user_id, moment=first)
    yield _MARK + _line(COLUMNS)
    yield _line((first.date(), "opening_balance", "", "", "", balance, currency, ""))
    entries = earnings.list_entries_of_month(user_id=user_id, first=first, after=after)
    for entry in entries.iterator(chunk_size=500):
        row = earnings.to_entry_row(entry)
        balance += row["amount"]
        yield _line(_cells(row, balance))
    last = after.date() - dt.timedelta(days=1)
    yield _line((last, "closing_balance", "", "", "", balance, currency, ""))


def _cells(row: EntryRow, balance: Decimal) -> tuple[Any, ...]:
    return (
        row["occurred_at"].date(),
        row["kind"],
        _harmless(row["course"]["title"]) if row["course"] else "",
        row["order_number"] or "",
        row["amount"],
        balance,
        row["currency"],
        row["available_at"].date(),
    )


def _harmless(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text


def _line(cells: tuple[Any, ...]) -> str:
    out = io.StringIO()
    csv.writer(out).writerow(cells)
    return out.getvalue()
