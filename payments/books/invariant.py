"""What an invariant is, and what a row that breaks it."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from payments import clocks

# As SQL: so far apart may be what processes write of the same moment.
CLOCKS = f"interval '{clocks.CLOCKS.total_seconds():.0f} seconds'"


def made_at(key: str) -> str:
    """Return, as SQL, when the row of this key was made, by the key itself: a UUIDv7, whose first
    48 bits are milliseconds."""
    return (
        f"to_timestamp(('x' || left(replace({key}::text, '-', ''), 12))::bit(48)::bigint / 1000.0)"
    )


def since(rule: str) -> str:
    """Return, as SQL, from when on a rule holds that rows of before it don't follow: a mark that
    its migration sets, and that nobody changes."""
    return (
        f"coalesce((SELECT until FROM payments_bookmark WHERE name = 'since:{rule}'), '-infinity')"  # noqa: S608
    )


class Scope(Enum):
    """Of which part of the books an invariant can be asked alone (`payments.books.changes`)."""

    # What belongs together of orders, enrolments and payouts, and the courses that these are in.
    GROUP = "group"
    # Coupons with all their uses by some people.
    PEOPLE = "people"
    # All that is counted of a course, a coupon or a number series.
    COUNT = "count"
    # All that an instructor earned and was paid.
    EARNER = "earner"
    # Documents with those numbered just before and after them.
    NEIGHBOURS = "neighbours"
    # Running balances, each from where it was before (`payments.books.running`).
    RUNNING = "running"
    # Of none: it is asked of all books alone.
    WHOLE = "whole"


@dataclass(frozen=True, kw_only=True)
class Invariant:
    """A rule that holds at every commit. `query` selects the rows that break it: first `subject`,
    which names the row for a person, then columns that say how. `given` is the WITH clause that it
    reads from, if any. No parameters, no semicolon, and no table that isn't in the world of its
    scope (`payments.books.worlds`)."""

    name: str
    sentence: str
    query: str
    given: str = ""
    scope: Scope = Scope.GROUP


@dataclass(frozen=True, kw_only=True)
class Violation:
    """A row that breaks an invariant. `facts` are the query's other columns as text."""

    invariant: str
    sentence: str
    subject: str
    facts: Mapping[str, str]

    def __str__(self) -> str:
        facts = ", ".join(f"{name}={value}" for name, value in self.facts.items())
        return f"{self.invariant}: {self.subject} ({facts})"
