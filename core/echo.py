"""What somebody sent, as an answer may repeat it: never whole, however much it was."""

from collections.abc import Mapping
from itertools import islice
from typing import Any, Final

LONGEST_NAME: Final = 100
LONGEST_TEXT: Final = 1_000
# More than any list that an error is made of, such as the lines of a cart.
MOST_PARTS: Final = 200


def cut(text: str, *, limit: int) -> str:
    """Return the text, or its first `limit` characters and an ellipsis."""
    return text if len(text) <= limit else f"{text[:limit]}…"


def in_short(value: Any) -> Any:
    """Return what an error tells, with long texts and names cut, and of a long list or object the
    first `MOST_PARTS`. Whatever else is in it stays as it is."""
    if isinstance(value, str):
        return cut(value, limit=LONGEST_TEXT)
    if isinstance(value, Mapping):
        return {
            cut(name, limit=LONGEST_NAME) if isinstance(name, str) else name: in_short(part)
            for name, part in islice(value.items(), MOST_PARTS)
        }
    if isinstance(value, list | tuple):
        return [in_short(part) for part in value[:MOST_PARTS]]
    return value
