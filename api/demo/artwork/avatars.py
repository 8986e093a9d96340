"""The picture of a person who hasn't sent one: initials on a gradient of their own."""

from io import BytesIO
from random import Random

from PIL import ImageDraw

from api.demo.artwork.pen import OVERSAMPLING, Pen, load_font, paint_gradient, parse_hex

SIZE = 320
# Dark enough, both of each pair, for white initials to be read at 40 pixels.
GRADIENTS = (
    "#1d4ed8 #0ea5e9", "#6d28d9 #c026d3", "#be123c #f97316", "#0f766e #22a06b",
    "#7c2d12 #ea580c", "#312e81 #6366f1", "#9d174d #e11d48", "#164e63 #0891b2",
    "#3f6212 #65a30d", "#4a044e #a21caf", "#1e3a8a #7c3aed", "#92400e #d97706",
    "#134e4a #0d9488", "#831843 #8b5cf6", "#334155 #64748b",
)  # fmt: skip


def draw_avatar(first_name: str, last_name: str) -> bytes:
    """Return a 320 x 320 WebP with the person's initials; the name alone decides its colours."""
    random = Random(f"{first_name} {last_name}")  # noqa: S311 (a pattern, not a secret)
    start, end = (parse_hex(colour) for colour in random.choice(GRADIENTS).split())
    large = paint_gradient(SIZE * OVERSAMPLING, SIZE * OVERSAMPLING, start, end)
    pen = Pen(large)
    angle = random.uniform(0.1, 0.9)
    pen.disc(SIZE * angle, SIZE * 1.05, SIZE * 0.55, (255, 255, 255), alpha=0.10)
    pen.disc(SIZE * (1 - angle), SIZE * -0.05, SIZE * 0.42, (255, 255, 255), alpha=0.10)
    image = large.reduce(OVERSAMPLING)
    initials = (first_name[:1] + last_name[:1]).upper()
    centre = (SIZE / 2, SIZE / 2)
    ImageDraw.Draw(image).text(
        centre, initials, font=load_font(128), fill=(255, 255, 255), anchor="mm"
    )
    buffer = BytesIO()
    image.save(buffer, "WEBP", quality=86, method=2)
    return buffer.getvalue()
