"""A mail's words, rendered to text and HTML from the same source, in which nothing but its own
addresses can be followed.

Names, titles and reasons are written by strangers, and mail programs make a link of whatever looks
like one: a course called "Refunds at evil.example" would put that link under our name. So every
word is made to look like none, whoever wrote it, and only `action` and `more` are addresses.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field

from django.template.loader import render_to_string

# Doesn't show, allows no line break, and can be part of no address.
_JOINER = "\N{WORD JOINER}"
# What is read as a point in an address, and what may be taken for one.
_POINTS = r".\u2024\u3002\ufe12\ufe52\uff0e\uff61"
# Where a word becomes an address: a point in it, an at, a scheme, two slashes, a bracket after one.
_JOINTS = re.compile(rf"(?<=.)[{_POINTS}](?=.)|[@\ufe6b\uff20](?=.)|:(?=//)|/(?=[/\[])")
# Read as an address by nobody, and copied: "3.14", "(1,107.10)".
_NUMBER = re.compile(r"[(+\-\u2212$€£¥]*[0-9][0-9,]*\.[0-9]+[%).,;:!?]*")
# Line breaks and other control characters, and overrides of the writing direction.
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]+")
# Some scripts and emoji are written with these, but no address has them beside its signs.
_SHAPERS = "\N{ZERO WIDTH NON-JOINER}\N{ZERO WIDTH JOINER}"
_LOST_SHAPERS = re.compile(
    rf"[{_SHAPERS}]+(?=[{_POINTS}@\ufe6b\uff20:/])|(?<=[{_POINTS}@\ufe6b\uff20:/])[{_SHAPERS}]+"
)
# Format characters that show: signs of numbers, years and verses.
_SHOWN = "\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd"


@dataclass(frozen=True, kw_only=True)
class Line:
    """A row of a table, e.g. of a receipt. `is_address`: the value is somebody's e-mail address,
    checked as one, which staff copy."""

    label: str
    value: str
    strong: bool = False
    is_address: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "label", _plain(self.label))
        if not self.is_address:
            object.__setattr__(self, "value", _plain(self.value))


@dataclass(frozen=True, kw_only=True)
class Letter:
    """A mail before it is written. `action` and `more` are labels of ours, with addresses of ours;
    in all other words nothing can be followed, and none breaks its line."""

    subject: str
    heading: str
    paragraphs: Sequence[str]
    lines: Sequence[Line] = field(default_factory=tuple)
    action: tuple[str, str] | None = None
    more: tuple[str, str] | None = None
    closing: str = ""

    def __post_init__(self) -> None:
        # No mail program looks for links in a subject.
        object.__setattr__(self, "subject", _one_line(self.subject))
        object.__setattr__(self, "heading", _plain(self.heading))
        object.__setattr__(self, "paragraphs", [_plain(words) for words in self.paragraphs])
        object.__setattr__(self, "closing", _plain(self.closing))

    def as_text(self) -> str:
        """Return the plain text a reader without HTML sees."""
        return render_to_string("mail/letter.txt", {"letter": self}).strip() + "\n"

    def as_html(self) -> str:
        """Return the HTML, styled inline and without remote content."""
        return render_to_string("mail/letter.html", {"letter": self})


def hello(first_name: str) -> str:
    """Return how a mail begins; `first_name` is "" where nobody may be called by name."""
    return f"Hello {first_name}," if first_name else "Hello,"


def _plain(words: str) -> str:
    """Return the words as they read, in which no mail program finds an address."""
    return " ".join(
        word if _NUMBER.fullmatch(word) else _JOINTS.sub(rf"{_JOINER}\g<0>{_JOINER}", word)
        for word in _one_line(words).split(" ")
    )


def _one_line(words: str) -> str:
    """Return the words composed (NFC), on one line, without characters that don't show: an address
    is found in spite of those, and past them."""
    shown = "".join(char for char in _UNPRINTABLE.sub(" ", words) if _shows(char))
    return " ".join(_LOST_SHAPERS.sub("", unicodedata.normalize("NFC", shown)).split())


def _shows(char: str) -> bool:
    return unicodedata.category(char) != "Cf" or char in _SHAPERS or char in _SHOWN
