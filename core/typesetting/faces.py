"""The documents' fonts: which one shows a character, how wide it is, how a pair is kerned.

Which face a character gets: a text is set wholly in the first font that covers all of it, so that
no word mixes two designs without need. Only when none does, each character (with its combining
marks) takes the first font that has it. Chinese, Japanese and Korean use the reader's own fonts,
which PDF names without embedding: a bundled one would weigh several megabytes. A letter that nobody
covers is shown as U+FFFD; a symbol nobody covers (an emoji) is left out.
"""

import itertools
import struct
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Final

from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfbase.ttfonts import TTFont

FONT_DIRECTORY: Final = Path(__file__).resolve().parent.parent / "fonts"

ROMAN: Final = "EBGaramond12-Regular"
ITALIC: Final = "EBGaramond12-Italic"
_STURDY: Final = "NotoSerif-Regular"
_WIDEST: Final = "DejaVuSans"
_OTHER_SCRIPTS: Final = (
    "NotoSerifArmenian-Regular",
    "NotoSerifGeorgian-Regular",
    "NotoSerifHebrew-Regular",
    "NotoSerifThai-Regular",
    _WIDEST,
)
_CHINESE: Final = "STSong-Light"
_JAPANESE: Final = "HeiseiMin-W3"
_KOREAN: Final = "HYSMyeongJo-Medium"
_REPLACEMENT: Final = "\N{REPLACEMENT CHARACTER}"

_BREAK_AFTER: Final = ("-", "/")
_EAST_ASIAN_BLOCKS: Final = (
    range(0x1100, 0x1200),  # Hangul jamo
    range(0x2E80, 0x3040),  # radicals, CJK punctuation
    range(0x3040, 0x3100),  # kana
    range(0x3100, 0xA000),  # bopomofo, compatibility, unified ideographs
    range(0xAC00, 0xD7B0),  # Hangul syllables
    range(0xF900, 0xFB00),  # compatibility ideographs
    range(0xFF00, 0xFFF0),  # full-width forms
)


class Face(Enum):
    """A voice of the typography: the fonts to try, best first."""

    UPRIGHT = (ROMAN, _STURDY, *_OTHER_SCRIPTS)
    SLANTED = (ITALIC, ROMAN, _STURDY, *_OTHER_SCRIPTS)
    # For what is copied character by character: 0 and O, 1, l and I differ even when tiny.
    SMALL_PRINT = (_STURDY, ROMAN, *_OTHER_SCRIPTS)


@dataclass(frozen=True, slots=True)
class Glyph:
    """One character with its combining marks, and the font that shows it.

    `advance` is its width at size 1; `kern`, at size 1 too, belongs between it and the next glyph.
    """

    text: str
    font: str
    advance: float
    kern: float = 0.0

    @property
    def is_space(self) -> bool:
        """Whether a line may break here and the glyph then vanishes."""
        return self.text == " "

    @property
    def is_breakable(self) -> bool:
        """Whether a line may break right after this glyph although no space follows."""
        return self.text in _BREAK_AFTER or _is_east_asian(self.text[0])


@dataclass(frozen=True, slots=True)
class _Font:
    """What a registered font can show: glyph numbers by character, kerning by pair of those."""

    glyph_ids: Mapping[int, int]
    kerning: Mapping[tuple[int, int], float]


def glyphs_of(text: str, face: Face) -> tuple[Glyph, ...]:
    """Choose a font for each character of `text`, which must be clean, and kern the neighbours."""
    return kerned(_chosen(text, face))


def is_shown(cluster: str) -> bool:
    """Return whether some font has this character and its marks: one that goes along with the
    document, or a reader's own. Every face falls back on the same ones."""
    return any(_covers(font, cluster) for font in Face.SMALL_PRINT.value) or all(
        _is_east_asian(character) for character in cluster
    )


def kerned(glyphs: Iterable[Glyph]) -> tuple[Glyph, ...]:
    """Return the glyphs, each with the kern that belongs between it and its neighbour here."""
    alone = [replace(glyph, kern=0.0) for glyph in glyphs]
    pairs = [
        replace(glyph, kern=_kern(glyph, following))
        for glyph, following in itertools.pairwise(alone)
    ]
    return (*pairs, *alone[-1:])


def _chosen(text: str, face: Face) -> Iterator[Glyph]:
    whole = next((font for font in face.value if _covers(font, text)), None)
    east_asian = _east_asian_font(text)
    after_space = False
    for cluster in clusters(text):
        font = whole or _font_for(cluster, face, east_asian)
        # A symbol that was left out must not leave its two spaces behind.
        if font and not (after_space and cluster == " "):
            yield _glyph(cluster, font)
        elif not font and not unicodedata.category(cluster[0]).startswith("S"):
            yield _glyph(_REPLACEMENT, _WIDEST)
        after_space = cluster == " " or (after_space and not font)


def _glyph(cluster: str, font: str) -> Glyph:
    return Glyph(cluster, font, pdfmetrics.stringWidth(cluster, font, 1.0))


def clusters(text: str) -> Iterator[str]:
    """Each base character together with the combining marks that follow it."""
    cluster = ""
    for character in text:
        if cluster and not unicodedata.category(character).startswith("M"):
            yield cluster
            cluster = ""
        cluster += character
    if cluster:
        yield cluster


def _font_for(cluster: str, face: Face, east_asian: str) -> str | None:
    fonts: tuple[str, ...] = face.value
    for font in fonts:
        if _covers(font, cluster):
            return font
    if all(_is_east_asian(character) for character in cluster):
        _register_east_asian(east_asian)
        return east_asian
    return None


def _is_east_asian(character: str) -> bool:
    return any(ord(character) in block for block in _EAST_ASIAN_BLOCKS)


def _east_asian_font(text: str) -> str:
    """Kana means Japanese, Hangul Korean; ideographs alone are set in the Chinese font."""
    names = {unicodedata.name(character, "").split(" ")[0] for character in text}
    if names & {"HIRAGANA", "KATAKANA"}:
        return _JAPANESE
    return _KOREAN if "HANGUL" in names else _CHINESE


def _covers(font: str, text: str) -> bool:
    glyph_ids = _embedded(font).glyph_ids
    return all(ord(character) in glyph_ids for character in text)


def _kern(left: Glyph, right: Glyph) -> float:
    if left.font != right.font or len(left.text) > 1 or left.font not in (ROMAN, ITALIC):
        return 0.0
    font = _embedded(left.font)
    pair = font.glyph_ids[ord(left.text)], font.glyph_ids[ord(right.text[0])]
    return font.kerning.get(pair, 0.0)


@cache
def _embedded(name: str) -> _Font:
    """Register a bundled font with reportlab, once per process, and return what it can show."""
    font = TTFont(name, str(FONT_DIRECTORY / f"{name}.ttf"))
    pdfmetrics.registerFont(font)
    face = font.face
    pairs = face.get_table("kern") if "kern" in face.table else b""
    return _Font(face.charToGlyph, _kerning(pairs, face.unitsPerEm))


def _kerning(table: bytes, units_per_em: int) -> dict[tuple[int, int], float]:
    """The pairs of a `kern` table with one subtable of format 0 (OpenType 1.9, kern)."""
    if not table:
        return {}
    # Past the table's header (4 bytes), the subtable's (6) and its search hints (8).
    (count,) = struct.unpack_from(">H", table, 10)
    records = struct.iter_unpack(">HHh", table[18 : 18 + 6 * count])
    return {(left, right): value / units_per_em for left, right, value in records}


@cache
def _register_east_asian(font: str) -> None:
    pdfmetrics.registerFont(UnicodeCIDFont(font))
