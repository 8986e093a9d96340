"""The requests of each row: the same stream for every server, the same at every run.

A stream that has to reach the database is longer than what a server answers within the second or
so that it may remember a page, and no address comes twice in it.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle, product
from urllib.parse import urlencode

COURSES = "/api/v1/courses/"
SEARCH = "/api/v1/search/"
ORDERINGS = ("popular", "newest", "rating", "price_low", "price_high")
LEVELS = ("beginner", "intermediate", "advanced")

_PAGES = 60
# Around the usual 20, so that a page of an ordering is many addresses.
_PAGE_SIZES = range(13, 28)
_FILTERED = 20_000
_SEARCH_PAGES = 10
_SEARCH_PAGE_SIZE = 20


@dataclass(frozen=True, kw_only=True)
class Request:
    """A GET: its path with the query, and the access token it carries, "" for none."""

    path: str
    token: str = ""


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What the generated data has, for the streams to ask for; `words` with the number of courses
    that have them in their titles."""

    courses: int
    categories: Sequence[str]
    words: Sequence[tuple[str, int]]
    detailed_courses: Sequence[str]
    tokens: Sequence[str]


def hot_list(facts: Facts) -> list[Request]:
    """The first page, again and again."""
    return [Request(path=COURSES)]


def anonymous_list(facts: Facts) -> list[Request]:
    """The first sixty pages of each ordering, in many sizes."""
    return first_pages(pages=min(_PAGES, facts.courses // 2 // max(_PAGE_SIZES)))


def first_pages(*, pages: int) -> list[Request]:
    """The first pages of each ordering in fifteen sizes, in one fixed disorder."""
    return _shuffled(
        [
            Request(path=_address(COURSES, ordering=ordering, page=page, page_size=size))
            for ordering, page, size in product(ORDERINGS, range(1, pages + 1), _PAGE_SIZES)
        ]
    )


def viewer_list(facts: Facts) -> list[Request]:
    """The same pages, asked for by learners in turn."""
    return [
        Request(path=request.path, token=token)
        for request, token in zip(anonymous_list(facts), cycle(facts.tokens), strict=False)
    ]


def filtered_list(facts: Facts) -> list[Request]:
    """Categories, levels, ratings and price ranges to the cent: every count is another one."""
    dice = random.Random("filtered")
    paths: dict[str, None] = {}
    while len(paths) < _FILTERED:
        low = dice.randrange(0, 6_000)
        query: dict[str, object] = {
            "category": dice.choice(facts.categories),
            "min_price": f"{low / 100:.2f}",
            "max_price": f"{(low + dice.randrange(3_000, 14_000)) / 100:.2f}",
            "ordering": dice.choice(ORDERINGS),
        }
        if dice.random() < 0.5:
            query["level"] = dice.choice(LEVELS)
        if dice.random() < 0.25:
            query["rating_min"] = dice.choice(("3.5", "4", "4.5"))
        paths[_address(COURSES, **query)] = None
    return [Request(path=path) for path in paths]


def search(facts: Facts) -> list[Request]:
    """Words that many courses have in common, and some pages of what they find."""
    return _shuffled(
        [
            Request(path=_address(SEARCH, q=word, type="course", page=page))
            for word, courses in facts.words
            for page in range(1, min(_SEARCH_PAGES, courses // _SEARCH_PAGE_SIZE) + 1)
        ]
    )


def detail(facts: Facts) -> list[Request]:
    """Pages of courses of ten sections with ten lessons each, with reviews."""
    return [Request(path=f"{COURSES}{course}/") for course in facts.detailed_courses]


def _address(path: str, **query: object) -> str:
    return f"{path}?{urlencode(query)}"


def _shuffled(requests: list[Request]) -> list[Request]:
    random.Random("learnflow").shuffle(requests)
    return requests
