"""Setting one text into one box with the bundled fonts, for the certificate.

Pure layout: measures and breaks, draws only what `draw_block` is told to. Lengths are PDF points.

Which face a character gets: a text is set wholly in the first face that covers all of it, so that
no word mixes two designs without need. Only when none does, each character (with its combining
marks) takes the first face that has it. Chinese, Japanese and Korean use the reader's own fonts,
which PDF names without embedding: a bundled one would weigh several megabytes. A letter that nobody
covers is shown as U+FFFD; a symbol nobody covers (an emoji) is left out.
"""

import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Final

from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

FONT_DIRECTORY: Final = Path(__file__).resolve().parent.parent / "fonts"

ROMAN: Final = "EBGaramond12-Regular"
ITALIC: Final = "EBGaramond12-Italic"
_FALLBACKS: Final = (
    "NotoSerif-Regular",
    "NotoSerifArmenian-Regular",
    "NotoSerifGeorgian-Regular",
    "NotoSerifHebrew-Regular",
    "NotoSerifThai-Regular",
    "DejaVuSans",
)
_CHINESE: Final = "STSong-Light"
_JAPANESE: Final = "HeiseiMin-W3"
_KOREAN: Final = "HYSMyeongJo-Medium"
_REPLACEMENT: Final = "\N{REPLACEMENT CHARACTER}"
_ELLIPSIS: Final = "\N{HORIZONTAL ELLIPSIS}"

_BREAK_AFTER: Final = ("-", "/")
_LARGEST_BMP: Final = 0xFFFF
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
    """A voice of the certificate's typography: the fonts to try, best first."""

    UPRIGHT = (ROMAN, *_FALLBACKS)
    SLANTED = (ITALIC, ROMAN, *_FALLBACKS)
    # For what is read character by character: wide, and 0 O 1 l I are told apart at a glance.
    SMALL_PRINT = (*_FALLBACKS[:1], ROMAN, *_FALLBACKS[1:])


@dataclass(frozen=True, slots=True)
class Glyph:
    """One character with its combining marks and the font that shows it.

    `advance` is the width at size 1; `kern`, also at size 1, is what to add before the next glyph.
    """

    text: str
    font: str
    advance: float
    kern: float

    @property
    def is_space(self) -> bool:
        """Whether a line may break here and the glyph then vanishes."""
        return self.text == " "

    @property
    def is_breakable(self) -> bool:
        """Whether a line may break right after this glyph although no space follows."""
        return self.text in _BREAK_AFTER or _is_east_asian(self.text[0])


@dataclass(frozen=True, slots=True)
class Line:
    """A set line: its glyphs, without spaces at either end."""

    glyphs: tuple[Glyph, ...]

    @property
    def advance(self) -> float:
        """Width at size 1."""
        return sum(glyph.advance for glyph in self.glyphs)

    @property
    def text(self) -> str:
        """The characters of the line."""
        return "".join(glyph.text for glyph in self.glyphs)


@dataclass(frozen=True, slots=True)
class Block:
    """A text set at one size in one or more lines; `leading` is the distance of baselines."""

    lines: tuple[Line, ...]
    size: float
    leading: float

    @property
    def width(self) -> float:
        """Width of the widest line."""
        return max((line.advance for line in self.lines), default=0.0) * self.size

    @property
    def height(self) -> float:
        """From the top of the first line's box to the bottom of the last one's."""
        return len(self.lines) * self.leading


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """Room for a text: set as large as possible, at most `largest`, within `width` x `height`.

    One line is preferred while its size stays at or above `wrap_below`; after that the text wraps.
    """

    width: float
    height: float
    largest: float
    wrap_below: float
    smallest: float = 4.0
    leading: float = 1.16


def clean(text: str) -> str:
    """Compose `text` (NFC), without control, format, private or unassigned characters, on one line.

    Any white space, line breaks included, becomes one space; none is left at the ends.
    """
    spaced = " ".join(unicodedata.normalize("NFC", text).split())
    return "".join(c for c in spaced if not unicodedata.category(c).startswith("C")).strip()


def fit(text: str, face: Face, box: Box) -> Block:
    """Set `text` (cleaned) into `box`, shrinking first and wrapping second.

    The block never exceeds the box: what is too long at the smallest size ends in an ellipsis.
    """
    glyphs = tuple(_glyphs(clean(text), face))
    single = Line(glyphs)
    for size in _sizes(box.largest, box.wrap_below):
        if single.advance * size <= box.width:
            return Block((single,), size, size * box.leading)
    for size in _sizes(min(box.largest, box.height / box.leading), box.smallest):
        lines = _broken(glyphs, box.width / size)
        if len(lines) * size * box.leading <= box.height:
            return Block(_balanced(glyphs, lines, box.width / size), size, size * box.leading)
    return _truncated(glyphs, face, box)


def draw_block(canvas: Canvas, block: Block, *, centre: float, top: float) -> float:
    """Draw `block` centred on x = `centre` with its upper edge at `top`; return its lower edge."""
    for index, line in enumerate(block.lines):
        # Three quarters of the line box above the baseline: where the bundled serifs sit optically.
        baseline = top - index * block.leading - block.leading / 2 - block.size * 0.25
        draw_line(canvas, line, size=block.size, centre=centre, baseline=baseline)
    return top - block.height


def draw_line(
    canvas: Canvas,
    line: Line,
    *,
    size: float,
    centre: float,
    baseline: float,
    tracking: float = 0.0,
) -> None:
    """Draw one line centred on x = `centre`; `tracking` is extra space after each character."""
    characters = len(line.text)
    x = centre - (line.advance * size + tracking * max(characters - 1, 0)) / 2
    for font, text, advance in _runs(line.glyphs):
        canvas.setFont(font, size)
        canvas.drawString(x, baseline, text, charSpace=tracking)
        x += advance * size + tracking * len(text)


def single_line(text: str, face: Face) -> Line:
    """`text` (cleaned) as one line, for labels whose length is known to fit."""
    return Line(tuple(_glyphs(clean(text), face)))


def _sizes(largest: float, smallest: float) -> Iterator[float]:
    """Sizes to try, falling by half points, both ends included."""
    size = largest
    while size > smallest:
        yield size
        size -= 0.5
    yield smallest


def _glyphs(text: str, face: Face) -> Iterator[Glyph]:
    whole = next((font for font in face.value if _covers(font, text)), None)
    east_asian = _east_asian_font(text)
    for cluster in _clusters(text):
        font = whole or _font_for(cluster, face, east_asian)
        if font is None:
            if not unicodedata.category(cluster[0]).startswith("S"):
                yield _glyph(_REPLACEMENT, "DejaVuSans")
        else:
            yield _glyph(cluster, font)


def _glyph(cluster: str, font: str) -> Glyph:
    return Glyph(cluster, font, pdfmetrics.stringWidth(cluster, font, 1.0))


def _clusters(text: str) -> Iterator[str]:
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
    coverage = _embedded(font)
    return all(ord(character) in coverage for character in text)


@cache
def _embedded(font: str) -> frozenset[int]:
    """Register a bundled font with reportlab, once per process; return the characters it has."""
    registered = TTFont(font, str(FONT_DIRECTORY / f"{font}.ttf"))
    pdfmetrics.registerFont(registered)
    return frozenset(registered.face.charToGlyph)


@cache
def _register_east_asian(font: str) -> None:
    pdfmetrics.registerFont(UnicodeCIDFont(font))


def _broken(glyphs: tuple[Glyph, ...], width: float) -> tuple[Line, ...]:
    """Break greedily: at the last space or breakable glyph that fits, else inside a word."""
    lines: list[Line] = []
    start = 0
    while start < len(glyphs):
        end = _line_end(glyphs, start, width)
        lines.append(_trimmed(glyphs[start:end]))
        start = end
        while start < len(glyphs) and glyphs[start].is_space:
            start += 1
    return tuple(lines)


def _line_end(glyphs: tuple[Glyph, ...], start: int, width: float) -> int:
    used = 0.0
    opportunity = start
    for index in range(start, len(glyphs)):
        glyph = glyphs[index]
        if glyph.is_space:
            opportunity = index
        used += glyph.advance
        if used > width and not glyph.is_space:
            return opportunity if opportunity > start else max(index, start + 1)
        if glyph.is_breakable:
            opportunity = index + 1
    return len(glyphs)


def _trimmed(glyphs: tuple[Glyph, ...]) -> Line:
    end = len(glyphs)
    while end and glyphs[end - 1].is_space:
        end -= 1
    return Line(glyphs[:end])


def _balanced(glyphs: tuple[Glyph, ...], lines: tuple[Line, ...], width: float) -> tuple[Line, ...]:
    """The same number of lines in the narrowest measure that allows it, so that none is a stub."""
    narrow, wide = width / 2, width
    for _ in range(12):
        middle = (narrow + wide) / 2
        attempt = _broken(glyphs, middle)
        if len(attempt) <= len(lines) and all(line.advance <= middle for line in attempt):
            wide, lines = middle, attempt
        else:
            narrow = middle
    return lines


def _truncated(glyphs: tuple[Glyph, ...], face: Face, box: Box) -> Block:
    size = box.smallest
    leading = size * box.leading
    room = max(int(box.height // leading), 1)
    kept = list(_broken(glyphs, box.width / size)[:room])
    ellipsis = tuple(_glyphs(_ELLIPSIS, face))
    last = kept[-1].glyphs
    while last and Line(last + ellipsis).advance * size > box.width:
        last = last[:-1]
    kept[-1] = Line(last + ellipsis)
    return Block(tuple(kept), size, leading)


def _runs(glyphs: Iterable[Glyph]) -> Iterator[tuple[str, str, float]]:
    """Neighbouring glyphs of one font as (font, text, advance at size 1)."""
    font, text, advance = "", "", 0.0
    for glyph in glyphs:
        if text and glyph.font != font:
            yield font, text, advance
            text, advance = "", 0.0
        font, text, advance = glyph.font, text + glyph.text, advance + glyph.advance
    if text:
        yield font, text, advance
