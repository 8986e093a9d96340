"""The certificate of completion: one landscape A4 page, drawn from frozen facts.

`render_certificate` is pure: it reads no clock, database, setting or network, and the same facts
give the same bytes, so a certificate may be made again at any time, and compared.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from io import BytesIO
from typing import Final

import segno
from reportlab.lib.colors import Color
from reportlab.lib.pagesizes import A4, landscape
from reportlab.pdfgen.canvas import Canvas

from core.typesetting import (
    Block,
    Box,
    Face,
    clean,
    date_text,
    draw_block,
    draw_line,
    fit,
    single_line,
)
from enrollments.certificates.ornament import (
    GOLD,
    INK,
    MUTED,
    Rectangle,
    draw_divider,
    draw_frame,
    draw_seal,
    draw_watermark,
)

ISSUER: Final = "LearnFlow"

PAGE: Final = Rectangle(0.0, 0.0, *landscape(A4))
FRAME: Final = PAGE.inset(24.0)
BAND: Final = 20.0
# Nothing that is set in type may leave this: the inside of the frame less a margin.
LIVE_AREA: Final = FRAME.inset(BAND + 14.0)
CENTRE: Final = PAGE.width / 2

_NAME_BOX: Final = Box(width=620.0, height=88.0, largest=54.0, wrap_below=36.0)
_TITLE_BOX: Final = Box(width=560.0, height=62.0, largest=27.0, wrap_below=21.0)

_BODY_TOP: Final = 450.0
_FOOTER_TOP: Final = 182.0
_BODY_MIDDLE: Final = (_BODY_TOP + _FOOTER_TOP) / 2
_SIDE_WIDTH: Final = 216.0
_LEFT: Final = LIVE_AREA.x + _SIDE_WIDTH / 2 + 6.0
_RIGHT: Final = PAGE.width - _LEFT
_FIELD_BOX: Final = Box(width=180.0, height=24.0, largest=17.0, wrap_below=10.0)
_SERIAL_BOX: Final = Box(width=_SIDE_WIDTH, height=11.0, largest=9.0, wrap_below=4.0)
_URL_BOX: Final = Box(width=_SIDE_WIDTH, height=20.0, largest=8.0, wrap_below=6.0)
_QR_SIDE: Final = 68.0
_QR_BOTTOM: Final = 98.0
_INSTRUCTOR_RULE: Final = 134.0
_DATE_RULE: Final = 84.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateFacts:
    """What a certificate states, frozen at issue.

    `hours` is the course's length in hours; zero leaves the line out. `verify_url` is the absolute
    address where anyone can check the certificate; it goes into the QR code as it is.
    """

    student_name: str
    course_title: str
    instructor_name: str
    hours: Decimal
    issued_on: date
    serial: str
    verify_url: str


@dataclass(frozen=True, slots=True)
class Placed:
    """A text and where it stands: centred on x = `centre`, its upper edge at `top`."""

    block: Block
    centre: float
    top: float

    @property
    def bounds(self) -> Rectangle:
        """The rectangle the text occupies."""
        return Rectangle(
            self.centre - self.block.width / 2,
            self.top - self.block.height,
            self.block.width,
            self.block.height,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Where each variable text stands on the page."""

    lead_in: Placed
    name: Placed
    divider_y: float
    statement: Placed
    title: Placed
    hours: Placed
    issued_on: Placed
    instructor: Placed
    serial: Placed
    verify_url: Placed

    @property
    def texts(self) -> tuple[Placed, ...]:
        """Every text whose extent depends on the facts or stands between such texts."""
        return (
            self.lead_in,
            self.name,
            self.statement,
            self.title,
            self.hours,
            self.issued_on,
            self.instructor,
            self.serial,
            self.verify_url,
        )


def render_certificate(facts: CertificateFacts) -> bytes:
    """The certificate as a one-page PDF, a pure function of `facts`: equal facts, equal bytes.

    Any text is accepted: control characters vanish, long texts shrink and then wrap inside the
    frame, characters without a glyph are replaced. Raises `segno.DataOverflowError` when
    `verify_url` is longer than a QR code can hold (over 2,300 characters).
    """
    buffer = BytesIO()
    canvas = Canvas(
        buffer, pagesize=(PAGE.width, PAGE.height), pageCompression=1, invariant=1, lang="en"
    )
    _describe(canvas, facts)
    layout = lay_out(facts)
    draw_frame(canvas, FRAME, BAND)
    draw_watermark(canvas, CENTRE, _BODY_MIDDLE, 138.0)
    _draw_heading(canvas)
    _draw_texts(canvas, layout)
    _draw_verification(canvas, facts.verify_url)
    legend = (ISSUER.upper(), "CERTIFICATE OF COMPLETION")
    draw_seal(canvas, CENTRE, 116.0, 50.0, legend=legend, monogram="LF")
    canvas.showPage()
    canvas.save()
    return buffer.getvalue()


def lay_out(facts: CertificateFacts) -> Layout:
    """Decide the size and place of every text; every one lies inside `LIVE_AREA`."""
    lead_in = _caption("This is to certify that")
    name = fit(facts.student_name, Face.SLANTED, _NAME_BOX)
    statement = _caption("has successfully completed the course")
    title = fit(facts.course_title, Face.UPRIGHT, _TITLE_BOX)
    hours = _caption(_hours_text(facts.hours))
    gaps = (6.0, 26.0, 7.0, 7.0)
    stack = (lead_in, name, statement, title, hours)
    slack = _BODY_TOP - _FOOTER_TOP - sum(block.height for block in stack) - sum(gaps)
    # The room that short texts leave goes half around the body, half between its parts.
    top = _BODY_TOP - slack / 4
    tops: list[float] = []
    for block, gap in zip(stack, (*gaps, 0.0), strict=True):
        tops.append(top)
        top -= block.height + gap + slack / 8
    placed = [Placed(block, CENTRE, y) for block, y in zip(stack, tops, strict=True)]
    issued_on = fit(date_text(facts.issued_on), Face.SLANTED, _FIELD_BOX)
    instructor = fit(facts.instructor_name, Face.SLANTED, _FIELD_BOX)
    serial = fit(f"No. {facts.serial}", Face.SMALL_PRINT, _SERIAL_BOX)
    verify_url = fit(facts.verify_url, Face.SMALL_PRINT, _URL_BOX)
    return Layout(
        lead_in=placed[0],
        name=placed[1],
        divider_y=(placed[1].bounds.y + placed[2].top) / 2,
        statement=placed[2],
        title=placed[3],
        hours=placed[4],
        instructor=Placed(instructor, _LEFT, _INSTRUCTOR_RULE + 3.0 + instructor.height),
        issued_on=Placed(issued_on, _LEFT, _DATE_RULE + 3.0 + issued_on.height),
        serial=Placed(serial, _RIGHT, _QR_BOTTOM - 5.0),
        verify_url=Placed(verify_url, _RIGHT, _QR_BOTTOM - 17.0),
    )


def qr_modules(url: str) -> tuple[tuple[bool, ...], ...]:
    """The QR code of `url`, dark modules true, without quiet zone; error correction M or better."""
    return tuple(tuple(bool(cell) for cell in row) for row in segno.make_qr(url, error="m").matrix)


def _caption(text: str) -> Block:
    return fit(text, Face.SLANTED, Box(width=500.0, height=18.0, largest=15.0, wrap_below=6.0))


def _hours_text(hours: Decimal) -> str:
    if hours <= 0:
        return ""
    amount = f"{hours:f}"
    if "." in amount:
        amount = amount.rstrip("0").rstrip(".")
    return f"a course of {amount} {'hour' if hours == 1 else 'hours'}"


def _describe(canvas: Canvas, facts: CertificateFacts) -> None:
    """Document properties, for readers, search and screen readers."""
    canvas.setTitle(f"Certificate of Completion: {clean(facts.course_title)}")
    canvas.setAuthor(ISSUER)
    canvas.setSubject(f"Awarded to {clean(facts.student_name)}, serial {clean(facts.serial)}")
    canvas.setCreator(ISSUER)
    canvas.setDateFormatter(lambda *_: f"D:{facts.issued_on:%Y%m%d}000000Z")
    canvas.setViewerPreference("DisplayDocTitle", "true")


def _draw_heading(canvas: Canvas) -> None:
    canvas.setFillColor(GOLD)
    _draw_tracked(canvas, ISSUER.upper(), size=11.0, baseline=508.0, tracking=5.0, centre=CENTRE)
    canvas.setFillColor(INK)
    _draw_tracked(
        canvas, "CERTIFICATE OF COMPLETION", size=25.0, baseline=470.0, tracking=5.5, centre=CENTRE
    )


def _draw_texts(canvas: Canvas, layout: Layout) -> None:
    """Draw every text in reading order: that is how copying and screen readers find them."""
    for placed, colour in (
        (layout.lead_in, MUTED),
        (layout.name, INK),
        (layout.statement, MUTED),
        (layout.title, INK),
        (layout.hours, MUTED),
    ):
        _draw_placed(canvas, placed, colour)
    draw_divider(canvas, CENTRE, layout.divider_y, 300.0)
    _draw_field(canvas, layout.instructor, rule=_INSTRUCTOR_RULE, label="INSTRUCTOR")
    _draw_field(canvas, layout.issued_on, rule=_DATE_RULE, label="DATE OF ISSUE")
    _draw_placed(canvas, layout.serial, INK)
    _draw_placed(canvas, layout.verify_url, MUTED)


def _draw_placed(canvas: Canvas, placed: Placed, colour: Color) -> None:
    canvas.setFillColor(colour)
    draw_block(canvas, placed.block, centre=placed.centre, top=placed.top)


def _draw_field(canvas: Canvas, placed: Placed, *, rule: float, label: str) -> None:
    """A value on a gold rule, its label below."""
    _draw_placed(canvas, placed, INK)
    canvas.setStrokeColor(GOLD)
    canvas.setLineWidth(0.5)
    canvas.line(placed.centre - 90.0, rule, placed.centre + 90.0, rule)
    canvas.setFillColor(MUTED)
    _draw_tracked(canvas, label, size=7.5, baseline=rule - 10.0, tracking=1.6, centre=_LEFT)


def _draw_tracked(
    canvas: Canvas, text: str, *, size: float, baseline: float, tracking: float, centre: float
) -> None:
    line = single_line(text, Face.UPRIGHT)
    draw_line(canvas, line, size=size, centre=centre, baseline=baseline, tracking=tracking)


def _draw_verification(canvas: Canvas, url: str) -> None:
    """The QR code as one filled path, a run of dark modules per rectangle, and a link over it."""
    modules = qr_modules(url)
    side = _QR_SIDE / len(modules)
    left = _RIGHT - _QR_SIDE / 2
    path = canvas.beginPath()
    for row, cells in enumerate(modules):
        y = _QR_BOTTOM + _QR_SIDE - (row + 1) * side
        for start, length in _dark_runs(cells):
            path.rect(left + start * side, y, length * side, side)
    canvas.setFillColor(INK)
    canvas.drawPath(path, stroke=0, fill=1)
    if url.startswith(("https://", "http://")):
        canvas.linkURL(url, (left, _QR_BOTTOM - 38.0, left + _QR_SIDE, _QR_BOTTOM + _QR_SIDE))


def _dark_runs(cells: tuple[bool, ...]) -> list[tuple[int, int]]:
    """(first column, length) of each unbroken run of dark modules in a row."""
    runs: list[tuple[int, int]] = []
    for column, dark in enumerate(cells):
        if dark and runs and sum(runs[-1]) == column:
            runs[-1] = (runs[-1][0], runs[-1][1] + 1)
        elif dark:
            runs.append((column, 1))
    return runs
