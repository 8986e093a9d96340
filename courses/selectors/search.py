"""Search in PostgreSQL (contract: full-text with ranking and tolerance for typing errors).

Full-text first: `search_document` holds English stems of everything and the plain words of title,
category, instructor and summary, weighted title (A) over those (B) over the description (C). Only
when nothing published matches, spelling is forgiven: each word of the query has to be one typing
error away from a word of title, category, summary or instructor, or resemble one by trigrams.
"""

import re
import unicodedata
from functools import reduce
from operator import and_
from typing import Any

from django.contrib.postgres.search import (
    CombinedSearchQuery,
    SearchQuery,
    SearchRank,
    TrigramWordSimilarity,
)
from django.db.models import Exists, F, Func, Q, QuerySet, TextField, Value

from courses.models import Course

MAX_TOLERANT_WORDS = 8
# Shorter words are as near to other words as to a misspelling; for longer ones trigrams suffice.
TOLERANT_LENGTHS = range(4, 25)


def match_courses(courses: QuerySet[Course, Any], *, text: str) -> QuerySet[Course, Any]:
    """Return those of the courses that match, the best first, equals by popularity.

    Understands what web searches do: "quoted phrases", `or`, `-without`. Adds no query.
    """
    query = _to_query(text)
    exact = Q(search_document=query)
    anything_exact = Exists(Course.objects.filter(exact, status=Course.Status.PUBLISHED))
    return (
        courses.filter(exact | (~Q(anything_exact) & _nearly(text)))
        .alias(
            relevance=SearchRank(F("search_document"), query),
            likeness=TrigramWordSimilarity(fold(text), "search_text"),
        )
        .order_by("-relevance", "-likeness", "-stats__student_count", "-id")
    )


def fold(text: str) -> str:
    """Return the text without accents and case, as words are compared when spelling is forgiven."""
    decomposed = unicodedata.normalize("NFKD", text)
    return "".join(char for char in decomposed if not unicodedata.combining(char)).casefold()


def _to_query(text: str) -> SearchQuery | CombinedSearchQuery:
    """Return the query for both halves of `search_document`: stems, and words as they are."""
    # Dots and slashes join words ("Node.js", "CI/CD") that people also look for one by one.
    cleaned = Func(
        Value(re.sub(r"[./_]+", " ", text), TextField()),
        function="unaccent",
        output_field=TextField(),
    )
    stems = SearchQuery(cleaned, config="english", search_type="websearch")
    words = SearchQuery(cleaned, config="simple", search_type="websearch")
    return stems | words


def _nearly(text: str) -> Q:
    words = re.findall(r"\w+", fold(text))[:MAX_TOLERANT_WORDS]
    if not words:
        return Q(pk__in=[])
    return reduce(and_, [_nearly_word(word) for word in words])


def _nearly_word(word: str) -> Q:
    alike = Q(search_text__trigram_word_similar=word)
    if len(word) not in TOLERANT_LENGTHS:
        return alike
    return alike | Q(search_text__regex=one_error_pattern(word))


def one_error_pattern(word: str) -> str:
    """Return a PostgreSQL pattern for the whole words at most one typing error from `word`: two
    neighbours swapped, a letter wrong, missing or too many. (Trigrams miss these in short words:
    "pyhton" shares three of eleven with "python".)"""
    heads_tails = [(word[:i], word[i:]) for i in range(len(word) + 1)]
    swapped = [h + t[1] + t[0] + t[2:] for h, t in heads_tails if len(t) > 1]
    wrong = [rf"{h}\w{t[1:]}" for h, t in heads_tails if t]
    missing = [rf"{h}\w{t}" for h, t in heads_tails]
    extra = [h + t[1:] for h, t in heads_tails if t]
    return rf"\m(?:{'|'.join([*swapped, *wrong, *missing, *extra])})\M"
