"""What to look for when nothing matches what was typed."""

from collections.abc import Iterator, Mapping, Sequence

from courses.search.postgres import spelling
from courses.search.postgres.reading import NOTHING, Reading, interpret
from courses.search.postgres.spelling import Spelling

# The shortest beginning of a word that is looked up.
SHORTEST_PREFIX = 3
# A spelling is proposed beside results when it is this much more usual, and finds as much more.
FAR_MORE = 5
# Words that say that somebody wants a course, not what about: in the languages of `sql`.
FILLERS = frozenset({
    "learn", "learning", "study", "speak", "course", "courses", "class", "classes", "lesson",
    "lessons", "tutorial", "training",
    "curso", "cursos", "clase", "clases", "aprender", "aula", "cours", "lecon", "apprendre",
    "kurs", "kurse", "lernen", "corso", "imparare", "cursus", "leren", "курс", "курсы", "учить",
})  # fmt: skip

Spellings = Mapping[str, Spelling]


def find_attempts(reading: Reading, spelled: Spellings) -> Iterator[tuple[Reading, str | None]]:
    """Yield other readings, the nearest first, each with the spelling to name beside it (None when
    no letter is another): the last word as a beginning; words spelled as the catalogue does; only
    the words that it knows; without words like "learn"; all words but any one.

    What was excluded stays excluded. A reading may look for nothing.
    """
    words = reading.tokens
    corrected = correct(words, spelled)
    named = " ".join(corrected) if corrected != words else None
    known = [
        word
        for word, typed in zip(corrected, words, strict=True)
        if (facts := spelled.get(typed)) and (facts.courses is not None or facts.nearest)
    ]
    yield begin(words).without(reading.excluded), None
    if named:
        yield _read(corrected, reading), named
    # A word that means nothing here may be left out, as long as most of the query stays.
    if known != corrected and 2 * len(known) > len(words):
        yield _read(known, reading), " ".join(known)
    wanted = [word for word in corrected if word not in FILLERS]
    if wanted != corrected:
        yield _read(wanted, reading), " ".join(wanted) if named else None
    yield interpret(all_but_one(corrected)).without(reading.excluded), named


def propose(words: Sequence[str], spelled: Spellings) -> str | None:
    """Return the words with those replaced that resemble a far more usual one; None when none
    does."""
    others = [
        facts.nearest
        if (facts := spelled.get(word))
        and facts.nearest
        and facts.nearest_courses >= FAR_MORE * max(facts.courses or 0, 1)
        else word
        for word in words
    ]
    return " ".join(others) if others != list(words) else None


def correct(words: Sequence[str], spelled: Spellings) -> list[str]:
    """Return the words, those that the catalogue doesn't know replaced by the likeliest."""
    return [
        facts.nearest
        if (facts := spelled.get(word)) and facts.courses is None and facts.nearest
        else word
        for word in words
    ]


def begin(words: Sequence[str]) -> Reading:
    """Return the words with the last one as a beginning: somebody didn't type to its end."""
    if not words or len(words[-1]) < SHORTEST_PREFIX:
        return NOTHING
    *whole, last = words
    search = " & ".join([*(f"'{word}'" for word in whole), f"'{last}':*"])
    return Reading(search=search, words=" ".join(words))


def all_but_one(words: Sequence[str]) -> str:
    """Return a query for all but any one of the words, "" with too few or too many of them."""
    if not 3 <= len(words) <= spelling.MAX_WORDS:
        return ""
    return " or ".join(" ".join([*words[:at], *words[at + 1 :]]) for at in range(len(words)))


def _read(words: Sequence[str], typed: Reading) -> Reading:
    return interpret(" ".join(words)).without(typed.excluded)
