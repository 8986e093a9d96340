"""The certificate's ornament: a guilloche frame, a rosette behind the name, a seal. All vectors.

Every curve is drawn from its formula as cubic Béziers (Hermite form), so it stays smooth at
any size and a whole page of them weighs a few kilobytes. All lengths are PDF points.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from reportlab.lib.colors import Color, HexColor
from reportlab.pdfgen.canvas import Canvas

from core.typesetting.faces import Face, glyphs_of
from core.typesetting.layout import Line, draw_line, single_line

INK: Final = HexColor("#16243F")
MUTED: Final = HexColor("#5C6474")
GOLD: Final = HexColor("#A98340")
PALE_GOLD: Final = HexColor("#E9D9B4")
PAPER: Final = HexColor("#FFFDF8")
_WATERMARK: Final = HexColor("#F3EBDA")
_BAND_LINE: Final = HexColor("#8493AE")

_WAVE_FORM: Final = "guilloche-wave"

Point = tuple[float, float]
Curve = Callable[[float], Point]


@dataclass(frozen=True, slots=True)
class Rectangle:
    """An upright rectangle by its lower left corner."""

    x: float
    y: float
    width: float
    height: float

    @property
    def right(self) -> float:
        """The right edge."""
        return self.x + self.width

    @property
    def top(self) -> float:
        """The upper edge."""
        return self.y + self.height

    def inset(self, distance: float) -> "Rectangle":
        """The rectangle `distance` further in on every side."""
        return Rectangle(
            self.x + distance,
            self.y + distance,
            self.width - 2 * distance,
            self.height - 2 * distance,
        )


@contextmanager
def _kept_state(canvas: Canvas) -> Iterator[None]:
    canvas.saveState()
    yield
    canvas.restoreState()


def draw_frame(canvas: Canvas, outer: Rectangle, band: float) -> None:
    """Fill `outer` with paper and run a guilloche band of width `band` along its inside."""
    canvas.setFillColor(PAPER)
    canvas.rect(outer.x, outer.y, outer.width, outer.height, stroke=0, fill=1)
    centre_line = outer.inset(band / 2)
    _define_wave(canvas, amplitude=band / 2 - 3.2, period=1.6 * band)
    _draw_band(canvas, centre_line, 1.6 * band)
    for rectangle, colour, thickness in (
        (outer, INK, 1.5),
        (outer.inset(2.4), GOLD, 0.5),
        (outer.inset(band - 2.4), GOLD, 0.5),
        (outer.inset(band), INK, 0.9),
    ):
        canvas.setStrokeColor(colour)
        canvas.setLineWidth(thickness)
        canvas.rect(rectangle.x, rectangle.y, rectangle.width, rectangle.height)
    for x in (centre_line.x, centre_line.right):
        for y in (centre_line.y, centre_line.top):
            _draw_corner(canvas, x, y, band)


def draw_watermark(canvas: Canvas, x: float, y: float, radius: float) -> None:
    """A large rosette, barely darker than the paper, centred on (x, y)."""
    with _kept_state(canvas):
        canvas.translate(x, y)
        canvas.setStrokeColor(_WATERMARK)
        canvas.setLineWidth(0.45)
        for phase in range(6):
            turn = phase * math.tau / (6 * 18)
            _stroke(canvas, _rosette(radius * 0.80, radius * 0.20, 18, turn), pieces=108)
            _stroke(canvas, _rosette(radius * 0.42, radius * 0.18, 12, turn * 1.5), pieces=72)


def draw_seal(
    canvas: Canvas, x: float, y: float, radius: float, *, legend: Sequence[str], monogram: str
) -> None:
    """A gold seal centred on (x, y): scalloped rim, `legend` around, `monogram` in the middle."""
    with _kept_state(canvas):
        canvas.translate(x, y)
        canvas.setFillColor(GOLD)
        _fill(canvas, _rosette(radius * 0.97, radius * 0.03, 40, 0.0), pieces=160)
        canvas.setStrokeColor(PALE_GOLD)
        canvas.setLineWidth(0.5)
        canvas.circle(0, 0, radius * 0.89)
        canvas.circle(0, 0, radius * 0.64)
        canvas.setLineWidth(0.25)
        for phase in range(4):
            turn = phase * math.tau / (4 * 24)
            _stroke(canvas, _rosette(radius * 0.53, radius * 0.075, 24, turn), pieces=96)
        canvas.setFillColor(INK)
        canvas.circle(0, 0, radius * 0.44, stroke=0, fill=1)
        canvas.setLineWidth(0.6)
        canvas.circle(0, 0, radius * 0.405)
        _draw_legend(canvas, legend, radius * 0.765, radius * 0.155)
        _draw_monogram(canvas, monogram, radius * 0.40)


def draw_divider(canvas: Canvas, x: float, y: float, width: float) -> None:
    """A gold hairline of `width` centred on (x, y), fading at both ends, a lozenge between."""
    gap = 9.0
    half = width / 2
    canvas.setFillColor(GOLD)
    for side in (-1, 1):
        path = canvas.beginPath()
        path.moveTo(x + side * gap, y + 0.45)
        path.lineTo(x + side * half, y)
        path.lineTo(x + side * gap, y - 0.45)
        path.close()
        canvas.drawPath(path, stroke=0, fill=1)
        canvas.circle(x + side * gap, y, 0.9, stroke=0, fill=1)
    _draw_lozenge(canvas, x, y, 3.6, GOLD)


def _draw_lozenge(canvas: Canvas, x: float, y: float, reach: float, colour: Color) -> None:
    canvas.setFillColor(colour)
    path = canvas.beginPath()
    path.moveTo(x, y + reach)
    for dx, dy in ((reach, 0.0), (0.0, -reach), (-reach, 0.0)):
        path.lineTo(x + dx, y + dy)
    path.close()
    canvas.drawPath(path, stroke=0, fill=1)


def _define_wave(canvas: Canvas, *, amplitude: float, period: float) -> None:
    """One period of the band's interlaced sines as a reusable form, right from the origin."""
    strands = 6
    canvas.beginForm(_WAVE_FORM, -period, -period, 2 * period, period)
    for strand in range(strands):
        phase = strand * math.pi / strands
        reach = amplitude * (1.0 if strand % 2 == 0 else 0.5)
        canvas.setStrokeColor(_BAND_LINE if strand % 2 == 0 else GOLD)
        canvas.setLineWidth(0.4)
        for sign in (-1, 1):

            def sine(t: float, *, p: float = phase, r: float = sign * reach) -> Point:
                return period * t, r * math.sin(math.tau * t + p)

            _stroke(canvas, sine, pieces=6)
    canvas.endForm()


def _draw_band(canvas: Canvas, centre_line: Rectangle, period: float) -> None:
    """Repeat the wave along the four sides, stretched a little so that whole periods fill each."""
    for length, placements in (
        (
            centre_line.width,
            ((centre_line.x, centre_line.y, 0), (centre_line.right, centre_line.top, 180)),
        ),
        (
            centre_line.height,
            ((centre_line.right, centre_line.y, 90), (centre_line.x, centre_line.top, 270)),
        ),
    ):
        periods = round(length / period)
        for x, y, angle in placements:
            with _kept_state(canvas):
                canvas.translate(x, y)
                canvas.rotate(angle)
                canvas.scale(length / (periods * period), 1.0)
                for _ in range(periods):
                    canvas.doForm(_WAVE_FORM)
                    canvas.translate(period, 0)


def _draw_corner(canvas: Canvas, x: float, y: float, band: float) -> None:
    """A medallion over the corner where two bands meet."""
    radius = band * 0.66
    with _kept_state(canvas):
        canvas.translate(x, y)
        canvas.setFillColor(PAPER)
        canvas.setStrokeColor(INK)
        canvas.setLineWidth(0.9)
        canvas.circle(0, 0, radius, stroke=1, fill=1)
        canvas.setStrokeColor(GOLD)
        canvas.setLineWidth(0.35)
        canvas.circle(0, 0, radius * 0.9)
        for phase in range(4):
            turn = phase * math.tau / (4 * 12)
            _stroke(canvas, _rosette(radius * 0.58, radius * 0.26, 12, turn), pieces=60)
        _draw_lozenge(canvas, 0, 0, radius * 0.2, INK)


def _draw_legend(canvas: Canvas, words: Sequence[str], radius: float, size: float) -> None:
    """`words` with dots between, evenly spread clockwise on a circle, the first centred on top."""
    glyphs = glyphs_of(" · ".join((*words, "")), Face.UPRIGHT)
    circumference = math.tau * radius
    tracking = (circumference - size * sum(glyph.advance for glyph in glyphs)) / len(glyphs)
    centres, travelled = [], 0.0
    for glyph in glyphs:
        centres.append(travelled + glyph.advance * size / 2)
        travelled += glyph.advance * size + tracking
    top = (centres[0] + centres[len(words[0]) - 1]) / 2
    canvas.setFillColor(PAPER)
    for glyph, centre in zip(glyphs, centres, strict=True):
        with _kept_state(canvas):
            canvas.rotate(360.0 * (top - centre) / circumference)
            letter = Line((glyph,))
            draw_line(canvas, letter, size=size, centre=0.0, baseline=radius - size * 0.32)


def _draw_monogram(canvas: Canvas, text: str, size: float) -> None:
    canvas.setFillColor(PALE_GOLD)
    line = single_line(text, Face.SLANTED)
    # An italic leans over its advance: moved left a little, it looks centred.
    draw_line(canvas, line, size=size, centre=-size * 0.03, baseline=-size * 0.32)


def _rosette(radius: float, swing: float, lobes: int, turn: float) -> Curve:
    """A circle whose radius swings by `swing` in `lobes` waves, rotated by `turn` radians."""

    def point(t: float) -> Point:
        angle = math.tau * t
        distance = radius + swing * math.cos(lobes * angle)
        return distance * math.cos(angle + turn), distance * math.sin(angle + turn)

    return point


def _stroke(canvas: Canvas, curve: Curve, *, pieces: int) -> None:
    canvas.drawPath(_path(canvas, curve, pieces), stroke=1, fill=0)


def _fill(canvas: Canvas, curve: Curve, *, pieces: int) -> None:
    canvas.drawPath(_path(canvas, curve, pieces), stroke=0, fill=1)


def _path(canvas: Canvas, curve: Curve, pieces: int):  # type: ignore[no-untyped-def]
    """The curve over t in [0, 1] as `pieces` Béziers whose tangents are the curve's own."""
    step = 1.0 / pieces
    path = canvas.beginPath()
    path.moveTo(*_rounded(curve(0.0)))
    for index in range(pieces):
        start, end = index * step, (index + 1) * step
        (x0, y0), (x1, y1) = curve(start), curve(end)
        (dx0, dy0), (dx1, dy1) = _tangent(curve, start), _tangent(curve, end)
        third = step / 3
        path.curveTo(
            *_rounded((x0 + dx0 * third, y0 + dy0 * third)),
            *_rounded((x1 - dx1 * third, y1 - dy1 * third)),
            *_rounded((x1, y1)),
        )
    return path


def _tangent(curve: Curve, t: float) -> Point:
    """The derivative at `t` by a central difference, exact enough for a printed line."""
    h = 1e-6
    (x0, y0), (x1, y1) = curve(t - h), curve(t + h)
    return (x1 - x0) / (2 * h), (y1 - y0) / (2 * h)


def _rounded(point: Point) -> Point:
    """Hundredths of a point: finer than any printer, and a third of the bytes."""
    return round(point[0], 2), round(point[1], 2)
