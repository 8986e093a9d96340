"""Setting one text into one box.

Pure layout: measures and breaks, draws only what `draw_block` is told to. Lengths are PDF points.
"""

import itertools
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

from reportlab.pdfgen.canvas import Canvas

from core.typesetting.direction import as_seen, base_level, joined
from core.typesetting.faces import Face, Glyph, glyphs_of

_ELLIPSIS: Final = "\N{HORIZONTAL ELLIPSIS}"
# Spelled out here because strftime("%B") speaks the language of the process.
_MONTHS: Final = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Line:
    """A set line: its glyphs from left to right, without spaces at either end."""

    glyphs: tuple[Glyph, ...]

    @property
    def advance(self) -> float:
        """Width at size 1."""
        kerns = sum(glyph.kern for glyph in self.glyphs[:-1])
        return kerns + sum(glyph.advance for glyph in self.glyphs)

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
    visible = "".join(
        character
        for character in unicodedata.normalize("NFC", text)
        if character.isspace() or not unicodedata.category(character).startswith("C")
    )
    return " ".join(visible.split())


def date_text(day: date) -> str:
    """Return the day as it is written in a document: 27 January 2026."""
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"


def fit(text: str, face: Face, box: Box) -> Block:
    """Set `text` (cleaned) into `box`, shrinking first and wrapping second.

    The block never exceeds the box: what is too long at the smallest size ends in an ellipsis.
    """
    block = _fit(glyphs_of(joined(clean(text)), face), face, box)
    # A line ends where it ends in reading order; only then is it known what is seen in it.
    return replace(block, lines=tuple(_turned(line, text) for line in block.lines))


def _fit(glyphs: tuple[Glyph, ...], face: Face, box: Box) -> Block:
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
    spread = tracking * max(len(line.text) - 1, 0)
    text = canvas.beginText(centre - (line.advance * size + spread) / 2, baseline)
    for font, kern, characters in _runs(line.glyphs):
        text.setFont(font, size)
        text.setCharSpace(tracking + kern * size)
        text.textOut(characters)
    text.setCharSpace(0)
    canvas.drawText(text)


def single_line(text: str, face: Face) -> Line:
    """`text` (cleaned) as one line, for labels whose length is known to fit."""
    return _turned(Line(glyphs_of(joined(clean(text)), face)), text)


def _turned(line: Line, text: str) -> Line:
    return Line(as_seen(line.glyphs, level=base_level(text)))


def _sizes(largest: float, smallest: float) -> Iterator[float]:
    """Sizes to try, falling by half points, both ends included."""
    size = largest
    while size > smallest:
        yield size
        size -= 0.5
    yield smallest


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
        used += glyph.kern
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
    ellipsis = glyphs_of(_ELLIPSIS, face)
    last = kept[-1].glyphs
    while last and Line(last + ellipsis).advance * size > box.width:
        last = last[:-1]
    kept[-1] = Line(last + ellipsis)
    return Block(tuple(kept), size, leading)


def _runs(glyphs: Iterable[Glyph]) -> Iterator[tuple[str, float, str]]:
    """Neighbouring glyphs with the same font and the same kern, as (font, kern, characters)."""
    for (font, kern), run in itertools.groupby(glyphs, key=lambda glyph: (glyph.font, glyph.kern)):
        yield font, kern, "".join(glyph.text for glyph in run)
