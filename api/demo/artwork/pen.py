"""A pen that draws smooth, translucent shapes in the coordinates of the finished picture."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

Point = tuple[float, float]
Rgb = tuple[int, int, int]

# Shapes are drawn this many times larger and reduced: Pillow itself doesn't smooth their edges.
OVERSAMPLING = 2
FONT_FILE = Path(__file__).resolve().parent.parent / "fonts" / "Lato-Black.ttf"


@cache
def load_font(size: int) -> ImageFont.FreeTypeFont:
    """Return the display face in `size` pixels, laid out alike with and without libraqm."""
    return ImageFont.truetype(FONT_FILE, size, layout_engine=ImageFont.Layout.BASIC)


def parse_hex(colour: str) -> Rgb:
    """Return "#rrggbb" as three numbers from 0 to 255."""
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def mix(first: Rgb, second: Rgb, share: float) -> Rgb:
    """Return the colour that lies `share` (0 to 1) of the way from the first to the second."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(first, second, strict=True))
    return red, green, blue


def paint_gradient(width: int, height: int, start: Rgb, end: Rgb) -> Image.Image:
    """Return a diagonal gradient from the top left to the bottom right corner."""
    small = Image.new("RGB", (16, 9))
    for y in range(9):
        for x in range(16):
            small.putpixel((x, y), mix(start, end, (x + y) / 23))
    return small.resize((width, height), Image.Resampling.BICUBIC)


class Pen:
    """Draws on an oversampled picture; `alpha` is the opacity of a shape, from 0 to 1."""

    def __init__(self, image: Image.Image) -> None:
        self._draw = ImageDraw.Draw(image, "RGBA")

    @staticmethod
    def _scale(values: Sequence[float]) -> list[int]:
        return [round(value * OVERSAMPLING) for value in values]

    @staticmethod
    def _paint(colour: Rgb, alpha: float) -> tuple[int, int, int, int]:
        return (*colour, round(alpha * 255))

    def disc(self, x: float, y: float, radius: float, colour: Rgb, *, alpha: float = 1.0) -> None:
        """Fill a circle around a point."""
        box = self._scale([x - radius, y - radius, x + radius, y + radius])
        self._draw.ellipse(box, fill=self._paint(colour, alpha))

    def ring(
        self, x: float, y: float, radius: float, colour: Rgb, *, width: float, alpha: float = 1.0
    ) -> None:
        """Stroke a circle; the stroke lies inside the radius."""
        box = self._scale([x - radius, y - radius, x + radius, y + radius])
        stroke = round(width * OVERSAMPLING)
        self._draw.ellipse(box, outline=self._paint(colour, alpha), width=stroke)

    def arc(
        self, x: float, y: float, radius: float, colour: Rgb, *, angles: Point, width: float,
        alpha: float = 1.0,
    ) -> None:  # fmt: skip
        """Stroke part of a circle, between two angles in degrees, clockwise from three o'clock."""
        box = self._scale([x - radius, y - radius, x + radius, y + radius])
        stroke = round(width * OVERSAMPLING)
        self._draw.arc(box, *angles, fill=self._paint(colour, alpha), width=stroke)

    def pie(
        self, x: float, y: float, radius: float, colour: Rgb, *, angles: Point, alpha: float = 1.0
    ) -> None:
        """Fill a slice of a circle, between two angles in degrees."""
        box = self._scale([x - radius, y - radius, x + radius, y + radius])
        self._draw.pieslice(box, *angles, fill=self._paint(colour, alpha))

    def polygon(self, points: Sequence[Point], colour: Rgb, *, alpha: float = 1.0) -> None:
        """Fill the shape between the points."""
        flat = [(round(x * OVERSAMPLING), round(y * OVERSAMPLING)) for x, y in points]
        self._draw.polygon(flat, fill=self._paint(colour, alpha))

    def line(
        self, points: Sequence[Point], colour: Rgb, *, width: float, alpha: float = 1.0
    ) -> None:
        """Stroke a line through the points, with round joints."""
        flat = [(round(x * OVERSAMPLING), round(y * OVERSAMPLING)) for x, y in points]
        stroke = round(width * OVERSAMPLING)
        self._draw.line(flat, fill=self._paint(colour, alpha), width=stroke, joint="curve")

    def box(
        self, corner: Point, size: Point, colour: Rgb, *, alpha: float = 1.0, radius: float = 0.0
    ) -> None:  # fmt: skip
        """Fill a rectangle from its top left corner, with round corners if a radius is given."""
        (x, y), (width, height) = corner, size
        corners = self._scale([x, y, x + width, y + height])
        fill = self._paint(colour, alpha)
        self._draw.rounded_rectangle(corners, radius=radius * OVERSAMPLING, fill=fill)

    def glyph(self, centre: Point, text: str, colour: Rgb, *, size: float) -> None:
        """Write a text centred on a point. Opaque: Pillow ignores the alpha of words."""
        font = load_font(round(size * OVERSAMPLING))
        where = (centre[0] * OVERSAMPLING, centre[1] * OVERSAMPLING)
        self._draw.text(where, text, font=font, fill=colour, anchor="mm")
