"""Finding categories by words: there are few, so they are looked through one by one."""

import re
from collections.abc import Sequence

from courses.search.words import clean, fold
from courses.selectors.listing import CategoryRow, list_categories


def find_categories(
    *, text: str, limit: int, offset: int = 0, names_only: bool = False
) -> tuple[int, Sequence[CategoryRow]]:
    """Return how many categories have words that begin like all those of the text, and one page:
    first those with them in the name, then (unless `names_only`) in the description too. One
    query."""
    typed = _words(clean(text))
    if not typed:
        return 0, []
    named: list[CategoryRow] = []
    described: list[CategoryRow] = []
    for row in list_categories():
        if _begin(typed, _words(row["name"])):
            named.append(row)
        elif not names_only and _begin(typed, _words(f"{row['name']} {row['description']}")):
            described.append(row)
    found = named + described
    return len(found), found[offset : offset + limit]


def _words(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", fold(text))


def _begin(typed: Sequence[str], words: Sequence[str]) -> bool:
    return all(any(word.startswith(beginning) for word in words) for beginning in typed)
