"""What must be true of orders, money, access and the ledger whenever a transaction has committed.

Each invariant is one SQL query that returns the rows breaking it. `verify` asks them all of one
snapshot: `manage.py verify_books`, the nightly reconciliation and the tests do.
"""

from payments.books.changes import (
    Turn,
    last_note,
    verify_balances,
    verify_changed,
    verify_counts,
    verify_touched,
)
from payments.books.deciding import is_decided
from payments.books.definitions import read_definitions
from payments.books.guards import list_definitions, list_guards
from payments.books.invariant import Invariant, Scope, Violation
from payments.books.verifying import ALWAYS, INVARIANTS, verify

__all__ = [
    "ALWAYS",
    "INVARIANTS",
    "Invariant",
    "Scope",
    "Turn",
    "Violation",
    "is_decided",
    "last_note",
    "list_definitions",
    "list_guards",
    "read_definitions",
    "verify",
    "verify_balances",
    "verify_changed",
    "verify_counts",
    "verify_touched",
]
