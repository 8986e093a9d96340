"""The thumbnail of a course: its category's motif, its title, and who teaches it."""

from dataclasses import dataclass
from io import BytesIO
from random import Random

from PIL import Image, ImageDraw

from api.demo.artwork.motifs import HEIGHT, MOTIFS, WIDTH
from api.demo.artwork.palettes import Palette, pick_palette
from api.demo.artwork.pen import OVERSAMPLING, Pen, load_font, mix, paint_gradient

MARGIN = 72
TITLE_WIDTH = 560
TITLE_HEIGHT = 400
TITLE_SIZES = range(92, 43, -4)
LINE_HEIGHT = 1.12


@dataclass(frozen=True, slots=True)
class ThumbnailBrief:
    """What a thumbnail shows. `slug` decides how the motif falls, `rank` which mood it has."""

    slug: str
    title: str
    category: str
    category_name: str
    instructor: str
    rank: int


def draw_thumbnail(brief: ThumbnailBrief) -> bytes:
    """Return a 1280 x 720 WebP of about 20 to 60 KB.

    Raises KeyError for a category that has no motif.
    """
    random = Random(brief.slug)  # noqa: S311 (a pattern, not a secret)
    palette = pick_palette(brief.category, brief.rank, random)
    background = paint_gradient(WIDTH, HEIGHT, palette.start, palette.end)
    size = (WIDTH * OVERSAMPLING, HEIGHT * OVERSAMPLING)
    large = background.resize(size, Image.Resampling.NEAREST)
    MOTIFS[brief.category](Pen(large), palette, random)
    image = large.reduce(OVERSAMPLING)
    _fade_left(image, background)
    _write_words(image, brief, palette)
    buffer = BytesIO()
    image.save(buffer, "WEBP", quality=84, method=2)
    return buffer.getvalue()


def _fade_left(image: Image.Image, background: Image.Image) -> None:
    """Lay the background over the left part, so that words never fight with the motif."""
    ramp = Image.new("L", (256, 1))
    for x in range(256):
        share = min(1.0, max(0.0, (x / 256 - 0.46) / 0.18))
        ramp.putpixel((x, 0), round(255 * (1 - share) ** 1.3))
    image.paste(background, mask=ramp.resize(image.size, Image.Resampling.BILINEAR))


def _write_words(image: Image.Image, brief: ThumbnailBrief, palette: Palette) -> None:
    draw = ImageDraw.Draw(image, "RGBA")
    label = brief.category_name.upper()
    font = load_font(24)
    accent = max(palette.accents, key=lambda colour: _contrast(colour, palette.start))
    draw.rectangle([MARGIN, 86, MARGIN + 52, 94], fill=accent)
    x = float(MARGIN + 72)
    for letter in label:
        draw.text((x, 90), letter, font=font, fill=palette.ink, anchor="lm")
        x += font.getlength(letter) + 3
    lines, size = fit_title(brief.title)
    title_font = load_font(size)
    y = 376 - len(lines) * size * LINE_HEIGHT / 2
    for line in lines:
        draw.text((MARGIN - size * 0.05, y), line, font=title_font, fill=palette.ink)
        y += size * LINE_HEIGHT
    draw.text((MARGIN, 640), brief.instructor, font=load_font(30),
              fill=mix(palette.start, palette.ink, 0.8), anchor="ls")  # fmt: skip


def _contrast(first: tuple[int, int, int], second: tuple[int, int, int]) -> int:
    weights = (3, 6, 1)
    return abs(sum(weight * (a - b) for weight, a, b in zip(weights, first, second, strict=True)))


def fit_title(title: str) -> tuple[list[str], int]:
    """Return the title's lines and the largest size in pixels at which they fit their field."""
    size = TITLE_SIZES[-1]
    for size in TITLE_SIZES:
        lines = break_lines(title, size, TITLE_WIDTH)
        fits = max(load_font(size).getlength(line) for line in lines) <= TITLE_WIDTH
        if fits and len(lines) * size * LINE_HEIGHT <= TITLE_HEIGHT:
            break
    return balance_lines(title, size), size


def balance_lines(title: str, size: int) -> list[str]:
    """Return the title in as few lines as its field allows, and those as even as they can be."""
    lines = break_lines(title, size, TITLE_WIDTH)
    for width in range(TITLE_WIDTH - 20, 200, -20):
        narrower = break_lines(title, size, width)
        if len(narrower) > len(lines):
            break
        lines = narrower
    return lines


def break_lines(title: str, size: int, width: int) -> list[str]:
    """Return the title in lines no wider than `width` pixels, unless a single word already is."""
    font = load_font(size)
    lines: list[str] = []
    for word in title.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and font.getlength(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines
