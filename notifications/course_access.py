"""Which courses of an order are open as a mail is written, and how it says so."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Standing(StrEnum):
    """How a line of an order stands as a mail is written, in the mail's words."""

    OPEN = "open"
    CLOSED = "closed at present"
    REFUNDED = "refunded already"


@dataclass(frozen=True, kw_only=True)
class CourseAccess:
    """The titles of what an order bought and didn't give back, by whether it is open now: staff or
    a dispute may hold what was paid for. A title is None where none may be told."""

    open: Sequence[str | None] = ()
    closed: Sequence[str | None] = ()


def tell_access(access: CourseAccess, *, all_open: str, none_open: str) -> str:
    """Return the sentence for all of it, the one for none of it, or what is open and what isn't, by
    name; "" where the order opened nothing."""
    if not access.closed:
        return all_open if access.open else ""
    if not access.open:
        return none_open
    titles = [*access.open, *access.closed]
    if None in titles:
        return f"{len(access.open)} of the {len(titles)} courses of this order can be opened now."
    return f"Open: {_list(access.open)}. Closed: {_list(access.closed)}."


def tell_meanwhile(access: CourseAccess) -> str:
    """Return what is open until a refund that is promised has gone."""
    return tell_access(
        access,
        all_open="Until then your courses stay open.",
        none_open="Your courses are closed, for another reason than the refund.",
    )


def _list(titles: Sequence[str | None]) -> str:
    return ", ".join(f"“{title}”" for title in titles)
