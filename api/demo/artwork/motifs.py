"""One motif a category: what it draws hints at the subject, how it falls depends on the course.

Motifs own the right part of a 1280 x 720 picture (from about x = 560) and may fade into the left,
where the words stand.
"""

from collections.abc import Callable
from math import cos, hypot, pi, radians, sin
from random import Random

from api.demo.artwork.palettes import Palette
from api.demo.artwork.pen import Pen, Point, mix

WIDTH, HEIGHT = 1280, 720
WHITE = (255, 255, 255)
BLACK = (0, 0, 0)

Motif = Callable[[Pen, Palette, Random], None]


def draw_editor(pen: Pen, palette: Palette, random: Random) -> None:
    """Development: two editor windows full of coloured words, before a large pair of braces."""
    braces = random.choice(["{ }", "< >", "[ ]", "( )", "/ *", "=>"])
    pen.glyph((900, 330), braces, mix(palette.end, palette.ink, 0.12), size=560)
    _draw_window(pen, palette, random, (820, 70), (520, 330))
    _draw_window(pen, palette, random, (680, 250), (520, 400))


def _draw_window(
    pen: Pen, palette: Palette, random: Random, corner: Point, size: tuple[float, float]
) -> None:
    x, y = corner
    width, height = size
    pen.box((x + 14, y + 20), size, BLACK, alpha=0.22, radius=22)
    rim = mix(palette.end, palette.ink, 0.25)
    pen.box((x - 2, y - 2), (width + 4, height + 4), rim, radius=24)
    pen.box(corner, size, mix(palette.start, BLACK, 0.35), radius=22)
    for index, accent in enumerate(palette.accents):
        pen.disc(x + 36 + index * 28, y + 34, 8, accent)
    indent, row = 0, y + 84
    while row < y + height - 36:
        left = x + 36 + indent * 40
        for _ in range(random.randint(1, 3)):
            word = random.choice([46, 72, 104, 140])
            if left + word > x + width - 30:
                break
            colour = random.choice([*palette.accents, mix(palette.ink, palette.start, 0.45)])
            pen.box((left, row), (word, 16), colour, alpha=0.92, radius=8)
            left += word + 14
        indent = max(0, min(4, indent + random.choice([-1, 0, 1, 1])))
        row += 36


def draw_blocks(pen: Pen, palette: Palette, random: Random) -> None:
    """Business: towers of blocks that rise to the right, seen from above."""
    half, rise = 66, 34
    tint = random.choice(palette.accents)
    pen.polygon([(970, 316), (1318, 496), (970, 676), (622, 496)],
                mix(palette.end, palette.ink, 0.10))  # fmt: skip
    for depth in range(5):
        for across in range(5):
            x = 970 + (across - depth) * half
            y = 360 + (across + depth) * rise
            height = 30 + (across + 4 - depth) ** 1.6 * 9 + random.randint(0, 70)
            colour = mix(random.choice(palette.accents), tint, 0.35)
            _draw_tower(pen, (x, y), (half * 0.72, rise * 0.72), height, colour)


def _draw_tower(
    pen: Pen, foot: Point, half: tuple[float, float], height: float, colour: tuple[int, int, int]
) -> None:
    (x, y), (dx, dy) = foot, half
    top = y - height
    pen.polygon([(x - dx, top), (x, top + dy), (x, y + dy), (x - dx, y)],
                mix(colour, BLACK, 0.45))  # fmt: skip
    pen.polygon([(x + dx, top), (x, top + dy), (x, y + dy), (x + dx, y)],
                mix(colour, BLACK, 0.22))  # fmt: skip
    pen.polygon([(x, top - dy), (x + dx, top), (x, top + dy), (x - dx, top)], colour)


def draw_tiles(pen: Pen, palette: Palette, random: Random) -> None:
    """Design: a wall of tiles with quarter circles, arcs and dots."""
    size = 144
    for column in range(5):
        for row in range(5):
            if random.random() < 0.32 - column * 0.07:
                continue
            x, y = 704 + (column - 1) * size + 16, row * size
            first, second = random.sample([*palette.accents, palette.ink], 2)
            _draw_tile(pen, random, (x, y), size, (first, second))


def _draw_tile(
    pen: Pen, random: Random, corner: Point, size: float,
    colours: tuple[tuple[int, int, int], tuple[int, int, int]],
) -> None:  # fmt: skip
    x, y = corner
    first, second = colours
    kind = random.randrange(6)
    turn = random.randrange(4)
    corners = [(x, y), (x + size, y), (x + size, y + size), (x, y + size)]
    if kind in {0, 1}:
        cx, cy = corners[turn]
        pen.pie(cx, cy, size, first, angles=(turn * 90, turn * 90 + 90))
        if kind == 1:
            pen.pie(cx, cy, size / 2, second, angles=(turn * 90, turn * 90 + 90))
    elif kind == 2:
        pen.box(corner, (size, size), first)
        pen.disc(x + size / 2, y + size / 2, size * 0.34, second)
    elif kind == 3:
        half_turn = (turn * 90, turn * 90 + 180)
        pen.pie(x + size / 2, y + size / 2, size / 2, first, angles=half_turn)
    elif kind == 4:
        pen.polygon([corners[turn], corners[turn - 1], corners[turn - 2]], first)
    else:
        for radius in (0.5, 0.34, 0.18):
            colour = second if radius == 0.34 else first
            pen.disc(x + size / 2, y + size / 2, size * radius, colour)


def draw_broadcast(pen: Pen, palette: Palette, random: Random) -> None:
    """Marketing: waves going out from one voice, and the people they reach."""
    x, y = random.choice([(1180, 640), (1210, 120), (1240, 400)])
    for index in range(9, 0, -1):
        accent = palette.accents[index % 3]
        start = random.uniform(80, 150)
        angles = (start, start + random.uniform(110, 190))
        pen.arc(x, y, 70 + index * 72, accent, angles=angles,
                width=random.choice([10, 22, 34]), alpha=0.88 - index * 0.06)  # fmt: skip
    pen.disc(x, y, 86, palette.accents[0])
    pen.disc(x, y, 46, mix(palette.start, BLACK, 0.2))
    for _ in range(16):
        angle, reach = radians(random.uniform(100, 260)), random.uniform(190, 620)
        radius = random.choice([7, 10, 16])
        pen.disc(
            x + cos(angle) * reach, y + sin(angle) * reach, radius, palette.accents[1], alpha=0.9
        )


def draw_network(pen: Pen, palette: Palette, random: Random) -> None:
    """Data science: points, the links between near ones, and a curve that explains them."""
    points = [(random.uniform(650, 1270), random.uniform(40, 690)) for _ in range(70)]
    for index, (x, y) in enumerate(points):
        for other_x, other_y in points[index + 1 :]:
            distance = hypot(x - other_x, y - other_y)
            if distance < 120:
                link = [(x, y), (other_x, other_y)]
                pen.line(link, palette.ink, width=2, alpha=0.42 * (1 - distance / 120))
    for x, y in points:
        radius = random.choice([4, 5, 7, 11, 18])
        accent = palette.accents[0] if radius < 10 else random.choice(palette.accents)
        pen.disc(x, y, radius * 2.1, accent, alpha=0.16)
        pen.disc(x, y, radius, accent, alpha=0.95)
    bend, base = random.uniform(90, 200), random.uniform(420, 560)
    curve = [
        (x, base - 300 / (1 + 2.718 ** (-(x - 960) / bend)) + sin(x / 90) * 12)
        for x in range(640, 1300, 10)
    ]
    pen.line(curve, palette.accents[2], width=9, alpha=0.95)


def draw_aperture(pen: Pen, palette: Palette, random: Random) -> None:
    """Photography: the blades of an aperture, and flares crossing the picture."""
    x, y, outer = 985, 360, 296
    blades = random.choice([6, 7, 8])
    opening = random.uniform(90, 150)
    twist = random.uniform(0, 60)
    pen.disc(x, y, outer + 34, mix(palette.start, BLACK, 0.45))
    pen.ring(x, y, outer + 34, palette.accents[2], width=6, alpha=0.9)
    bright = sorted(palette.accents, key=sum)
    pen.disc(x, y, outer, mix(bright[2], bright[1], 0.3))
    for index in range(blades):
        angle = radians(twist + index * 360 / blades)
        step = radians(360 / blades)
        points = [
            (x + cos(angle) * opening, y + sin(angle) * opening),
            (x + cos(angle + step) * opening, y + sin(angle + step) * opening),
        ]
        points += [
            (x + cos(angle + step * (1.9 - part * 0.19)) * outer,
             y + sin(angle + step * (1.9 - part * 0.19)) * outer)
            for part in range(6)
        ]  # fmt: skip
        shade = mix(palette.start, palette.end, 0.2 + 0.75 * (index % 4) / 3)
        pen.polygon(points, mix(shade, BLACK, 0.25))
        pen.line(points[:3], palette.ink, width=4, alpha=0.22)
    for _ in range(7):
        reach = random.uniform(-430, 420)
        radius = random.uniform(14, 84)
        pen.disc(x + reach, y - reach * 0.62, radius, random.choice(palette.accents), alpha=0.17)


def draw_waveform(pen: Pen, palette: Palette, random: Random) -> None:
    """Music: the waveform of a few seconds, before the grooves of a record."""
    x, y = 1080, random.choice([250, 360, 470])
    pen.disc(x, y, 430, mix(palette.start, BLACK, 0.35), alpha=0.55)
    for radius in range(130, 430, 20):
        pen.ring(x, y, radius, palette.ink, width=2, alpha=0.14)
    pen.disc(x, y, 112, palette.accents[0], alpha=0.9)
    pen.disc(x, y, 20, palette.start)
    phases = [random.uniform(0, 2 * pi) for _ in range(3)]
    for index in range(26):
        left = 668 + index * 25
        level = (
            sin(index * 0.45 + phases[0]) + sin(index * 0.21 + phases[1])
            + 0.7 * sin(index * 1.3 + phases[2])
        )  # fmt: skip
        height = 26 + abs(level) * 96 + random.uniform(0, 30)
        share = index / 25
        colour = mix(palette.accents[1], palette.accents[2], share)
        pen.box((left, 360 - height), (14, height * 2), colour, alpha=0.95, radius=7)


def draw_ribbons(pen: Pen, palette: Palette, random: Random) -> None:
    """Health: ribbons that breathe, and a sun."""
    pen.disc(
        random.uniform(940, 1130), random.uniform(150, 240), 105, palette.accents[2], alpha=0.9
    )
    for index in range(7):
        base = 250 + index * 62 + random.uniform(-20, 20)
        height, length = random.uniform(46, 110), random.uniform(230, 400)
        phase, thickness = random.uniform(0, 2 * pi), random.uniform(64, 140)
        top = [
            (x, base + sin(x / length + phase) * height - (x - 560) * 0.13)
            for x in range(430, 1300, 15)
        ]
        bottom = [
            (x, y + thickness * min(1.0, (x - 430) / 300) * (0.75 + 0.25 * sin(x / 140 + phase)))
            for x, y in reversed(top)
        ]
        colour = mix(palette.accents[index % 3], palette.accents[(index + 1) % 3], 0.3)
        pen.polygon(top + bottom, colour, alpha=0.42)


def draw_hills(pen: Pen, palette: Palette, random: Random) -> None:
    """Personal development: hills behind hills, and a sun to walk towards."""
    sun = (random.uniform(880, 1120), random.uniform(170, 280))
    for radius, alpha in ((250, 0.10), (190, 0.16), (130, 1.0)):
        pen.disc(*sun, radius, palette.accents[0], alpha=alpha)
    for index in range(5):
        base = 330 + index * 78
        phases = [random.uniform(0, 2 * pi) for _ in range(3)]
        ridge = [
            (
                x,
                base + 58 * sin(x / 210 + phases[0]) + 26 * sin(x / 83 + phases[1])
                + 8 * sin(x / 31 + phases[2]) + 240 * max(0.0, (640 - x) / 640) ** 1.4,
            )
            for x in range(0, 1300, 10)
        ]  # fmt: skip
        colour = mix(palette.accents[1], palette.accents[2], index / 4)
        colour = mix(colour, palette.start, 0.58 - index * 0.13)
        pen.polygon([*ridge, (1300, 740), (0, 740)], colour, alpha=0.94)


def draw_chart(pen: Pen, palette: Palette, random: Random) -> None:
    """Finance: a market that wanders and, on the whole, climbs."""
    for index in range(7):
        height = 100 + index * 90
        pen.line([(600, height), (1280, height)], palette.ink, width=2, alpha=0.10)
    level, walk = 560.0, []
    for index in range(42):
        level = min(650, max(110, level + random.uniform(-56, 38)))
        walk.append((460 + index * 20, level))
    pen.polygon([*walk, (1280, 720), (460, 720)], palette.accents[0], alpha=0.24)
    for x, y in walk[10::2]:
        body, wick = random.uniform(24, 78), random.uniform(60, 116)
        colour = palette.accents[1] if random.random() < 0.62 else palette.accents[2]
        pen.line([(x, y - wick / 2), (x, y + wick / 2)], colour, width=3, alpha=0.55)
        pen.box((x - 8, y - body / 2), (16, body), colour, alpha=0.62, radius=4)
    pen.line(walk, palette.accents[0], width=9)
    x, y = walk[-3]
    pen.disc(x, y, 34, palette.accents[0], alpha=0.3)
    pen.disc(x, y, 17, palette.ink)


def draw_circuit(pen: Pen, palette: Palette, random: Random) -> None:
    """IT: the tracks of a circuit board, leaving a chip."""
    x, y = random.uniform(960, 1040), random.uniform(320, 400)
    for index in range(-6, 7):
        for side in (0, 1, 2, 3):
            colour = random.choice(palette.accents)
            near, far = random.uniform(170, 230), random.uniform(260, 520)
            bend = index * random.uniform(14, 34)
            track = [
                (0.0, index * 20.0),
                (near, index * 20.0),
                (near + abs(bend), index * 20.0 + bend),
                (far + 60, index * 20.0 + bend),
            ]
            turned = [_turn(x, y, along, across, side) for along, across in track]
            pen.line(turned, colour, width=4, alpha=0.62)
            pen.disc(*turned[-1], 9, colour)
            pen.disc(*turned[-1], 4, palette.start)
    pen.box((x - 140, y - 140), (280, 280), mix(palette.start, BLACK, 0.5), radius=28)
    lid = mix(palette.end, palette.accents[0], 0.25)
    pen.box((x - 104, y - 104), (208, 208), lid, radius=16)
    sign = random.choice([">_", "01", "#!", "::", "~/", "$_"])
    pen.glyph((x, y), sign, palette.ink, size=104)


def _turn(x: float, y: float, along: float, across: float, side: int) -> Point:
    match side:
        case 0:
            return x + along, y + across
        case 1:
            return x - along, y + across
        case 2:
            return x + across, y + along
        case _:
            return x + across, y - along


def draw_bubbles(pen: Pen, palette: Palette, random: Random) -> None:
    """Languages: speech bubbles, each with a letter of another alphabet."""
    places = [(1090, 190, 150), (800, 300, 118), (1130, 500, 168), (850, 560, 104), (905, 105, 76)]
    letters = random.sample(["ñ", "ç", "ß", "å", "é", "ø", "ž", "Ж", "Ω", "ë", "Я", "ł", "õ"], 5)
    for index, ((x, y, radius), letter) in enumerate(zip(places, letters, strict=True)):
        colour = palette.accents[index % 3]
        dark = sum(colour) < 420
        away = random.choice([-1, 1])
        cx, cy = x + random.uniform(-24, 24), y + random.uniform(-22, 22)
        tail = [
            (cx + away * radius * 0.95, cy + radius * 1.12),
            (cx + away * radius * 0.28, cy + radius * 0.85),
            (cx + away * radius * 0.86, cy + radius * 0.42),
        ]
        pen.disc(cx + 10, cy + 16, radius, BLACK, alpha=0.13)
        pen.polygon(tail, colour)
        pen.disc(cx, cy, radius, colour)
        word = WHITE if dark else mix(palette.accents[0], BLACK, 0.78)
        pen.glyph((cx, cy), letter, word, size=radius * 1.15)


MOTIFS: dict[str, Motif] = {
    "development": draw_editor,
    "business": draw_blocks,
    "design": draw_tiles,
    "marketing": draw_broadcast,
    "data-science": draw_network,
    "photography": draw_aperture,
    "music": draw_waveform,
    "health-fitness": draw_ribbons,
    "personal-development": draw_hills,
    "finance-accounting": draw_chart,
    "it-software": draw_circuit,
    "languages": draw_bubbles,
}
