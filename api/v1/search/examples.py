"""Examples of search for the schema."""

from drf_spectacular.utils import OpenApiExample

from api.v1.catalogue.examples import CATEGORIES, COURSE_ROW

_NOTHING = {"count": 0, "results": []}
_COURSE = {
    **COURSE_ROW.value,
    "highlight": {
        "title": "Complete <mark>Web</mark> <mark>Development</mark> Bootcamp 2026",
        "text": "HTML &amp; CSS to a deployed <mark>web</mark> platform",
    },
}

FOUND = OpenApiExample(
    "Found",
    value={
        "courses": {"count": 1, "results": [_COURSE]},
        "instructors": {
            "count": 1,
            "results": [
                {
                    "id": "019b76d8-0f1e-7d2c-9b3a-4c5d6e7f8a9b",
                    "first_name": "Angela",
                    "last_name": "Yu",
                    "bio": "Developer and lead instructor",
                    "profile_picture": None,
                }
            ],
        },
        "categories": {"count": 1, "results": CATEGORIES.value["results"][:1]},
        "did_you_mean": "web development",
    },
    response_only=True,
)
NOTHING_FOUND = OpenApiExample(
    "Nothing found",
    value={
        "courses": _NOTHING,
        "instructors": _NOTHING,
        "categories": _NOTHING,
        "did_you_mean": None,
    },
    response_only=True,
)
SUGGESTIONS = OpenApiExample(
    "While typing `pyt`",
    value={
        "results": [
            {"type": "query", "text": "python for data analysis", "id": None, "slug": None},
            {
                "type": "course",
                "text": "Python from First Principles",
                "id": "019b76da-a800-7c3e-8f5d-3c1f0a5b7e21",
                "slug": "python-from-first-principles",
            },
        ]
    },
    response_only=True,
)
POPULAR = OpenApiExample(
    "Popular searches",
    value={"results": [{"query": "python", "count": 231}, {"query": "excel", "count": 118}]},
    response_only=True,
)
