"""A mail's words, rendered to text and HTML from the same source, in which nothing but its own
addresses can be followed.

Names, titles and reasons are written by strangers, and mail programs make a link of whatever looks
like one: a course called "Refunds at evil.example" would put that link under our name. So every
word is made to look like none, whoever wrote it, and only `action` and `more` are addresses.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from django.template.loader import render_to_string

# Doesn't show, allows no line break, and can be part of no address.
_JOINER = "\N{WORD JOINER}"
# Where text becomes an address: after a point inside a word (not in a number), an at, a scheme.
_JOINTS = re.compile(
    r"(?<=\w)(?:(?<!\d)[.\u3002\uff0e\uff61]|[.\u3002\uff0e\uff61](?!\d))(?=\w)"
    r"|[@\uff20](?=\S)|(?<=\w):(?=//)"
)
# Line breaks and other control characters, and overrides of the writing direction.
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]+")


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


def _plain(words: str) -> str:
    """Return the words as they read, in which no mail program finds an address."""
    return _JOINTS.sub(lambda joint: joint.group() + _JOINER, _one_line(words))


def _one_line(words: str) -> str:
    return " ".join(_UNPRINTABLE.sub(" ", words).split())
