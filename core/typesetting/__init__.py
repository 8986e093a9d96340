"""Setting people's words in type, whatever script they are in, for documents as PDF."""

from core.typesetting.faces import Face
from core.typesetting.layout import (
    Block,
    Box,
    Line,
    clean,
    date_text,
    draw_block,
    draw_line,
    fit,
    single_line,
)
from core.typesetting.settable import find_unsettable

__all__ = [
    "Block",
    "Box",
    "Face",
    "Line",
    "clean",
    "date_text",
    "draw_block",
    "draw_line",
    "find_unsettable",
    "fit",
    "single_line",
]
