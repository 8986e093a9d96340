"""Typing errors: words that the catalogue doesn't have, and those that may have been meant."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from string import ascii_lowercase

from django.db import connection

from courses.search.postgres import sql

# More words than this aren't spelled out: a sentence costs no more than a phrase.
MAX_WORDS = 8
# The nearest terms by trigrams that are looked at for each word.
NEAREST = 30
# Words up to this long are looked up with every letter changed; for longer ones trigrams suffice.
FULLY_GUESSED = 7
# What is shorter is a word by chance.
SHORTEST_PART = 3
_LONGEST = 40


@dataclass(frozen=True, slots=True)
class Spelling:
    """A word as typed: in how many titles it is (None when the catalogue doesn't know it), and the
    likeliest other word, with its titles."""

    courses: int | None
    nearest: str | None
    nearest_courses: int


def allowed_errors(word: str) -> int:
    """Return how many errors are forgiven: none in short words, two in long ones."""
    if len(word) < 4:
        return 0
    return 1 if len(word) < 8 else 2


def check(words: Sequence[str]) -> dict[str, Spelling]:
    """Return the spelling of each word (the first `MAX_WORDS`). One statement, of a cost that
    doesn't grow with the number of courses."""
    typed = [word for word in dict.fromkeys(words) if len(word) <= _LONGEST][:MAX_WORDS]
    if not typed:
        return {}
    guesses = [(word, guess) for word in typed for guess in guess_words(word)]
    with connection.cursor() as cursor:
        cursor.execute(
            sql.NEAR,
            {
                "words": typed,
                "nearest": NEAREST,
                "guessed_words": [word for word, _ in guesses],
                "guesses": [guess for _, guess in guesses],
            },
        )
        rows: list[tuple[str, str, int]] = cursor.fetchall()
    return {word: _judge(word, {row[1]: row[2] for row in rows if row[0] == word})
            for word in typed}  # fmt: skip


def _judge(word: str, terms: Mapping[str, int]) -> Spelling:
    limit = allowed_errors(word)
    others = [
        (errors, term[0] != word[0], -courses, term)
        for term, courses in terms.items()
        if term != word and 0 < (errors := count_errors(word, term, limit=limit)) <= limit
    ]
    # Two words without the blank between them are likelier meant than one with two errors.
    others += [
        (2, False, -min(terms[head], terms[tail]), f"{head} {tail}")
        for head, tail in _split(word)
        if head in terms and tail in terms
    ]
    best = min(others, default=None)
    return Spelling(
        courses=terms.get(word),
        nearest=best[3] if best else None,
        nearest_courses=-best[2] if best else 0,
    )


def _split(word: str) -> list[tuple[str, str]]:
    ends = range(SHORTEST_PART, len(word) - SHORTEST_PART + 1)
    return [(word[:at], word[at:]) for at in ends]


def guess_words(word: str) -> Iterable[str]:
    """Yield what may have been meant if one error was made: neighbours swapped, a letter too many,
    in words of up to `FULLY_GUESSED` letters a wrong or a missing one; and the parts of what may
    be two words."""
    if not allowed_errors(word):
        return
    splits = [(word[:at], word[at:]) for at in range(len(word) + 1)]
    yield from {head + tail[1] + tail[0] + tail[2:] for head, tail in splits if len(tail) > 1}
    yield from {head + tail[1:] for head, tail in splits if tail}
    for parts in _split(word):
        yield from parts
    if len(word) <= FULLY_GUESSED:
        yield from {head + c + tail[1:] for head, tail in splits if tail for c in ascii_lowercase}
        yield from {head + c + tail for head, tail in splits for c in ascii_lowercase}


def count_errors(typed: str, meant: str, *, limit: int) -> int:
    """Return how many errors lie between two words: letters wrong, missing, too many, or two
    neighbours swapped (Damerau's distance without edits of edits). Above `limit` some larger
    number."""
    if abs(len(typed) - len(meant)) > limit:
        return limit + 1
    before: list[int] = []
    above = list(range(len(meant) + 1))
    for row, letter in enumerate(typed, start=1):
        current = [row]
        for column, other in enumerate(meant, start=1):
            cost = min(
                above[column] + 1,
                current[column - 1] + 1,
                above[column - 1] + (letter != other),
            )
            swapped = row > 1 and column > 1 and letter == meant[column - 2]
            if swapped and typed[row - 2] == other:
                cost = min(cost, before[column - 2] + 1)
            current.append(cost)
        before, above = above, current
    return above[-1]
