"""Drawing a receipt or a credit note on as many A4 pages as it takes.

`render_document` reads no clock, database, setting or network: equal facts give equal bytes.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from io import BytesIO
from typing import Final

from reportlab.lib.colors import Color
from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas

from core.typesetting import Box, Face, clean, date_text, draw_line, fit, single_line
from orders.documents.facts import DocumentFacts, DocumentLine, Party, Sum

_INK: Final = Color(0.11, 0.13, 0.18)
_MUTED: Final = Color(0.42, 0.45, 0.50)
_RULE: Final = Color(0.80, 0.82, 0.85)
_ALARM: Final = Color(0.70, 0.11, 0.11)

_WIDTH, _HEIGHT = A4
_LEFT: Final = 56.0
_RIGHT: Final = _WIDTH - 56.0
_TOP: Final = _HEIGHT - 64.0
_BOTTOM: Final = 84.0
_MIDDLE: Final = _LEFT + 270.0

_TEXT: Final = 9.5
_SMALL: Final = 8.0
_LEADING: Final = 14.0
# What one text may take, however long it is.
_TALLEST: Final = 6 * _LEADING
# The right edges of the table's columns of money.
_PRICE, _DISCOUNT, _AMOUNT = _RIGHT - 150.0, _RIGHT - 75.0, _RIGHT
_TITLE_WIDTH: Final = _PRICE - _LEFT - 70.0
# Below the table there must be room for the sums, or they go to a page of their own.
_ROW_GAP: Final = 7.0


def render_document(facts: DocumentFacts) -> bytes:
    """Return the document as a PDF. Any text is accepted: long ones wrap, characters without a
    glyph are replaced."""
    buffer = BytesIO()
    canvas = Canvas(buffer, pagesize=A4, pageCompression=1, invariant=1, lang="en")
    _describe(canvas, facts)
    page = _Page(canvas, facts)
    page.begin()
    _draw_head(page, facts)
    _draw_table(page, facts)
    _draw_sums(page, facts)
    _draw_notes(page, facts)
    page.end()
    canvas.save()
    return buffer.getvalue()


@dataclass
class _Page:
    """Where on which page the next thing goes: `y` is the upper edge of what is free."""

    canvas: Canvas
    facts: DocumentFacts
    number: int = 0
    y: float = _TOP

    def begin(self) -> None:
        self.number += 1
        self.y = _TOP

    def end(self) -> None:
        """Draw what stands at the foot of each page and finish it."""
        facts = self.facts
        self.canvas.setStrokeColor(_RULE)
        self.canvas.setLineWidth(0.5)
        self.canvas.line(_LEFT, _BOTTOM - 24.0, _RIGHT, _BOTTOM - 24.0)
        foot = _BOTTOM - 38.0
        self.write(f"{facts.kind} {facts.number}", x=_LEFT, y=foot, size=_SMALL, colour=_MUTED)
        self.write(f"Page {self.number}", x=_RIGHT, y=foot, size=_SMALL, colour=_MUTED, right=True)
        self.canvas.showPage()

    def reserve(self, height: float) -> bool:
        """Make sure that this much is free; True when that took a new page."""
        if self.y - height >= _BOTTOM:
            return False
        self.end()
        self.begin()
        return True

    def write(
        self,
        text: str,
        *,
        x: float,
        y: float,
        size: float = _TEXT,
        colour: Color = _INK,
        right: bool = False,
        face: Face = Face.SMALL_PRINT,
    ) -> None:
        """Draw one line whose baseline is `y`, beginning or, with `right`, ending at `x`."""
        line = single_line(text, face)
        half = line.advance * size / 2
        self.canvas.setFillColor(colour)
        centre = x - half if right else x + half
        draw_line(self.canvas, line, size=size, centre=centre, baseline=y)

    def write_block(
        self, text: str, *, x: float, width: float, size: float = _TEXT, colour: Color = _INK
    ) -> float:
        """Draw a text that may wrap, its first baseline one line below `y`; return its height,
        `_TALLEST` at most. Lines of a text that is set smaller stand closer together."""
        box = Box(
            width=width,
            height=_TALLEST - _LEADING,
            largest=size,
            wrap_below=size,
            smallest=6.0,
            leading=_LEADING / _TEXT,
        )
        block = fit(text, Face.SMALL_PRINT, box)
        self.canvas.setFillColor(colour)
        for index, line in enumerate(block.lines):
            draw_line(
                self.canvas,
                line,
                size=block.size,
                centre=x + line.advance * block.size / 2,
                baseline=self.y - _LEADING - block.leading * index + 3.0,
            )
        return _LEADING + block.leading * (len(block.lines) - 1)

    def rule(self) -> None:
        """Draw a line across the page at `y`."""
        self.canvas.setStrokeColor(_RULE)
        self.canvas.setLineWidth(0.5)
        self.canvas.line(_LEFT, self.y, _RIGHT, self.y)


def _describe(canvas: Canvas, facts: DocumentFacts) -> None:
    canvas.setTitle(f"{facts.kind} {facts.number}")
    canvas.setAuthor(clean(facts.seller.name))
    canvas.setSubject(f"{facts.total.label} {_money(facts.total.amount, facts.currency)}")
    canvas.setCreator("LearnFlow")
    canvas.setDateFormatter(lambda *_: f"D:{facts.issued_on:%Y%m%d}000000Z")
    canvas.setViewerPreference("DisplayDocTitle", "true")


def _draw_head(page: _Page, facts: DocumentFacts) -> None:
    page.write(facts.kind, x=_LEFT, y=page.y - 20.0, size=24.0, face=Face.UPRIGHT)
    page.write(facts.number, x=_RIGHT, y=page.y - 20.0, size=13.0, right=True)
    page.y -= 42.0
    if facts.void:
        page.write(f"Void: {facts.void}", x=_LEFT, y=page.y - 10.0, colour=_ALARM)
        page.y -= 22.0
    page.rule()
    page.y -= 16.0
    top = page.y
    bottoms = [_draw_party(page, "From", facts.seller, x=_LEFT)]
    page.y = top
    bottoms.append(_draw_party(page, "To", facts.buyer, x=_MIDDLE))
    page.y = min(bottoms) - 12.0
    for label, value in (("Date", date_text(facts.issued_on)), *facts.references):
        page.write(label, x=_LEFT, y=page.y - 10.0, colour=_MUTED)
        page.write(value, x=_LEFT + 90.0, y=page.y - 10.0)
        page.y -= _LEADING
    page.y -= 20.0


def _draw_party(page: _Page, label: str, party: Party, *, x: float) -> float:
    page.write(label, x=x, y=page.y - 8.0, size=_SMALL, colour=_MUTED)
    page.y -= 12.0
    width = _RIGHT - _MIDDLE
    for text in _party_lines(party):
        page.y -= page.write_block(text, x=x, width=width)
    return page.y


def _party_lines(party: Party) -> Iterator[str]:
    for text in (party.name, *party.address):
        if clean(text):
            yield text
    if party.tax_id:
        yield f"Tax ID: {party.tax_id}"


def _draw_table(page: _Page, facts: DocumentFacts) -> None:
    has_prices = any(line.price is not None for line in facts.lines)
    _draw_table_head(page, has_prices)
    for line in facts.lines:
        if page.reserve(_TALLEST):
            _draw_table_head(page, has_prices)
        _draw_row(page, line)


def _draw_table_head(page: _Page, has_prices: bool) -> None:
    columns = [("Course", _LEFT, False), ("Amount", _AMOUNT, True)]
    if has_prices:
        columns += [("Price", _PRICE, True), ("Discount", _DISCOUNT, True)]
    for label, x, right in columns:
        page.write(label, x=x, y=page.y - 8.0, size=_SMALL, colour=_MUTED, right=right)
    page.y -= 14.0
    page.rule()
    page.y -= 4.0


def _draw_row(page: _Page, line: DocumentLine) -> None:
    baseline = page.y - _LEADING + 3.0
    for amount, x in ((line.price, _PRICE), (line.discount, _DISCOUNT), (line.amount, _AMOUNT)):
        if amount is not None:
            page.write(_figure(amount), x=x, y=baseline, right=True)
    page.y -= page.write_block(line.title, x=_LEFT, width=_TITLE_WIDTH) + _ROW_GAP


def _draw_sums(page: _Page, facts: DocumentFacts) -> None:
    page.reserve(_LEADING * (len(facts.sums) + 2) + 20.0)
    page.rule()
    page.y -= 6.0
    for entry in facts.sums:
        _draw_sum(page, entry, facts.currency)
    page.y -= 4.0
    page.canvas.setStrokeColor(_INK)
    page.canvas.setLineWidth(0.8)
    page.canvas.line(_MIDDLE, page.y, _RIGHT, page.y)
    page.y -= 4.0
    _draw_sum(page, facts.total, facts.currency, size=12.0)
    page.y -= 12.0


def _draw_sum(page: _Page, entry: Sum, currency: str, *, size: float = _TEXT) -> None:
    page.write(entry.label, x=_MIDDLE, y=page.y - size - 1.0, size=size)
    text = _money(entry.amount, currency)
    page.write(text, x=_RIGHT, y=page.y - size - 1.0, size=size, right=True)
    page.y -= size + 5.0


def _draw_notes(page: _Page, facts: DocumentFacts) -> None:
    for note in facts.notes:
        page.reserve(_TALLEST)
        page.y -= page.write_block(note, x=_LEFT, width=_RIGHT - _LEFT, size=9.0, colour=_MUTED)


def _money(amount: Decimal, currency: str) -> str:
    return f"{currency.upper()} {_figure(amount)}"


def _figure(amount: Decimal) -> str:
    return f"{amount:,.2f}"
