"""The colours of each shelf: two moods a category, so that a shelf is related and never uniform."""

from dataclasses import dataclass
from random import Random

from api.demo.artwork.pen import Rgb, parse_hex


@dataclass(frozen=True, slots=True)
class Palette:
    """A background running from `start` to `end`, the colour of words, and three accents."""

    start: Rgb
    end: Rgb
    ink: Rgb
    accents: tuple[Rgb, Rgb, Rgb]


def _palette(start: str, end: str, ink: str, accents: str) -> Palette:
    one, two, three = (parse_hex(colour) for colour in accents.split())
    return Palette(parse_hex(start), parse_hex(end), parse_hex(ink), (one, two, three))


PALETTES: dict[str, tuple[Palette, Palette]] = {
    "development": (
        _palette("#0f172a", "#312e81", "#ffffff", "#38bdf8 #a78bfa #f472b6"),
        _palette("#042f2e", "#0e7490", "#ffffff", "#5eead4 #fde047 #f0abfc"),
    ),
    "business": (
        _palette("#1e293b", "#334155", "#ffffff", "#fbbf24 #f97316 #94a3b8"),
        _palette("#fef3c7", "#fdba74", "#431407", "#c2410c #7c2d12 #fff7ed"),
    ),
    "design": (
        _palette("#fdf2e9", "#f8dcc8", "#1c1917", "#e11d48 #2563eb #f59e0b"),
        _palette("#18181b", "#3f3f46", "#fafafa", "#f43f5e #fbbf24 #60a5fa"),
    ),
    "marketing": (
        _palette("#be123c", "#f97316", "#ffffff", "#fff1f2 #fde68a #4c0519"),
        _palette("#4a044e", "#be185d", "#ffffff", "#f9a8d4 #fde047 #ffffff"),
    ),
    "data-science": (
        _palette("#082f49", "#155e75", "#ffffff", "#67e8f9 #bef264 #fb7185"),
        _palette("#1e1b4b", "#4338ca", "#ffffff", "#a5b4fc #f0abfc #fcd34d"),
    ),
    "photography": (
        _palette("#0c0a09", "#44403c", "#fafaf9", "#fb923c #fde68a #a8a29e"),
        _palette("#134e4a", "#84a98c", "#ffffff", "#f1faee #ffb703 #023047"),
    ),
    "music": (
        _palette("#2e1065", "#9333ea", "#ffffff", "#f0abfc #fb7185 #fde68a"),
        _palette("#450a0a", "#b91c1c", "#fff7ed", "#fdba74 #fef08a #fecaca"),
    ),
    "health-fitness": (
        _palette("#ecfdf5", "#a7f3d0", "#064e3b", "#10b981 #0d9488 #f59e0b"),
        _palette("#064e3b", "#10b981", "#ffffff", "#a7f3d0 #fef9c3 #6ee7b7"),
    ),
    "personal-development": (
        _palette("#fef9c3", "#fda4af", "#4c1d24", "#f97316 #9d174d #7c3aed"),
        _palette("#312e81", "#db2777", "#ffffff", "#fde68a #f9a8d4 #1e1b4b"),
    ),
    "finance-accounting": (
        _palette("#052e16", "#166534", "#ffffff", "#86efac #fde047 #dcfce7"),
        _palette("#f0fdf4", "#bbf7d0", "#052e16", "#15803d #ca8a04 #166534"),
    ),
    "it-software": (
        _palette("#020617", "#1e3a8a", "#ffffff", "#60a5fa #22d3ee #e2e8f0"),
        _palette("#0f172a", "#0f766e", "#ffffff", "#2dd4bf #facc15 #cbd5e1"),
    ),
    "languages": (
        _palette("#1d4ed8", "#38bdf8", "#ffffff", "#ffffff #fde047 #1e3a8a"),
        _palette("#fff7ed", "#fed7aa", "#431407", "#ea580c #0e7490 #be123c"),
    ),
}  # fmt: skip


def pick_palette(category: str, rank: int, random: Random) -> Palette:
    """Return one of the category's moods, alternating by rank, its accents in a shuffled order."""
    palette = PALETTES[category][rank % 2]
    one, two, three = random.sample(palette.accents, 3)
    return Palette(palette.start, palette.end, palette.ink, (one, two, three))
