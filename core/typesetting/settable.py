"""What the fonts at hand can't show as its readers know it.

Fonts draw letters one by one here, and nothing shapes them together. So a text is only settable
when some font has each of its letters, in the form that its neighbours ask for, and no marks lie on
top of each other. The fonts for Chinese, Japanese and Korean are the reader's own: whoever writes
these has them.
"""

import unicodedata
from collections.abc import Iterator
from typing import Final

from core.typesetting.direction import joined
from core.typesetting.faces import clusters, is_shown
from core.typesetting.layout import clean

# Cleaning takes them away, and words fall together or apart: Persian and Urdu need them.
_JOINERS: Final = frozenset("\N{ZERO WIDTH NON-JOINER}\N{ZERO WIDTH JOINER}")
# What stands in for letters of a private agreement, of a later Unicode, or is half of one.
_UNKNOWN: Final = frozenset({"Co", "Cn", "Cs"})
# Still there after joining: Arabic letters whose joined forms nothing here knows.
_UNJOINED: Final = (range(0x0620, 0x0700), range(0x0750, 0x0780), range(0x0870, 0x0900))
# Vowels and tones that stand above their consonant, where there is room for one of them.
_THAI_ABOVE: Final = frozenset(map(chr, [0x0E31, *range(0x0E34, 0x0E38), *range(0x0E47, 0x0E4F)]))
_SARA_AM: Final = "\N{THAI CHARACTER SARA AM}"


def find_unsettable(text: str, *, symbols_may_go: bool = False) -> tuple[str, ...]:
    """Return the letters, with their marks, that can't be set; each once, in their order. With
    `symbols_may_go`, symbols that no font has (emoji) are no matter: they are left out."""
    # Most are, and every font has these.
    return () if text.isascii() else tuple(dict.fromkeys(_find(text, symbols_may_go)))


def _find(text: str, symbols_may_go: bool) -> Iterator[str]:
    has_arabic = joined(text) != text
    for character in text:
        if unicodedata.category(character) in _UNKNOWN or (has_arabic and character in _JOINERS):
            yield character
    previous = ""
    for cluster in clusters(joined(clean(text))):
        is_symbol = unicodedata.category(cluster[0]).startswith("S")
        if not is_shown(cluster):
            if not (is_symbol and symbols_may_go):
                yield cluster
        elif _collides(cluster, previous) or _is_unjoined(cluster[0]):
            yield cluster
        previous = cluster


def _is_unjoined(letter: str) -> bool:
    is_letter = unicodedata.category(letter) == "Lo"
    return is_letter and any(ord(letter) in block for block in _UNJOINED)


def _collides(cluster: str, previous: str) -> bool:
    """Whether marks would be drawn over each other. Hebrew's have places of their own."""
    marks = cluster[1:]
    if "THAI" in unicodedata.name(cluster[0], ""):
        above = len(_THAI_ABOVE & set(marks))
        return above > 1 or (cluster[0] == _SARA_AM and bool(_THAI_ABOVE & set(previous[1:])))
    return len(marks) > 1 and "HEBREW" not in unicodedata.name(cluster[0], "")
