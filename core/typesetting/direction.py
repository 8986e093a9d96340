"""Scripts that are written from right to left: Hebrew, Arabic and their like.

PDF shows characters in the order it is given, and each as it stands alone. So Arabic letters are
joined here, and each line is put into the order in which it is seen (Unicode Standard Annex 9).
"""

import unicodedata
from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from typing import Final

from arabic_reshaper import ArabicReshaper
from bidi import algorithm
from bidi.mirror import MIRRORED

from core.typesetting.faces import Glyph, kerned

# Classes of Annex 9: strong letters from right to left, Hebrew's and Arabic's.
_RIGHT_TO_LEFT: Final = frozenset({"R", "AL"})


def joined(text: str) -> str:
    """Return the text, in reading order, with Arabic letters in the forms that their neighbours
    ask for."""
    return _reshaper().reshape(text) if "AL" in _classes(text) else text


def base_level(text: str) -> int:
    """Return 1 for a text that begins, by its first strong letter, from right to left, else 0."""
    return int(algorithm.get_base_level(text))


def as_seen(glyphs: tuple[Glyph, ...], *, level: int) -> tuple[Glyph, ...]:
    """Return the glyphs of one line, given in reading order, from left to right as they are seen;
    `level` is its whole text's."""
    if not level and not _RIGHT_TO_LEFT & _classes(glyph.text[0] for glyph in glyphs):
        return glyphs
    line = algorithm.get_empty_storage()
    line["base_level"], line["base_dir"] = level, "LR"[level]
    # A letter leads its combining marks wherever it goes.
    algorithm.get_embedding_levels("".join(glyph.text[0] for glyph in glyphs), line)
    for glyph, place in zip(glyphs, line["chars"], strict=True):
        place["glyph"] = glyph
    algorithm.explicit_embed_and_overrides(line)
    algorithm.resolve_weak_types(line)
    algorithm.resolve_neutral_types(line, False)
    algorithm.resolve_implicit_levels(line, False)
    algorithm.reorder_resolved_levels(line, False)
    return kerned(_faced(place["glyph"], level=place["level"]) for place in line["chars"])


def _faced(glyph: Glyph, *, level: int) -> Glyph:
    """Turn round what is read from right to left: a bracket, and a letter with its marks, which
    its fonts draw over the letter that follows."""
    if level % 2 == 0:
        return glyph
    return replace(glyph, text=MIRRORED.get(glyph.text, glyph.text[::-1]))


def _classes(text: Iterable[str]) -> set[str]:
    return {unicodedata.bidirectional(character) for character in text}


@cache
def _reshaper() -> ArabicReshaper:
    # Vowel marks stay; of ligatures only the one that no text goes without, which is lam with alef.
    return ArabicReshaper({"delete_harakat": False, "ARABIC LIGATURE ALLAH": False})
