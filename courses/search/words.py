"""Text as somebody typed it, made fit to be looked for."""

import unicodedata

# Nobody types more; whoever sends more must not cost more.
MAX_LENGTH = 200


def clean(text: str) -> str:
    """Return the text in one line without what can't be printed, composed, of bounded length."""
    printable = "".join(char if char.isprintable() else " " for char in text[: 4 * MAX_LENGTH])
    return " ".join(unicodedata.normalize("NFKC", printable).split())[:MAX_LENGTH]


def fold(text: str) -> str:
    """Return the text without accents and case."""
    letters = unicodedata.normalize("NFKD", text)
    return "".join(char for char in letters if not unicodedata.combining(char)).casefold()
