"""A course as a document: what `learnflow-course/1` holds, and nothing of one installation.

No ids, no addresses of this site, no dates, counters or status: a document is what an author
wrote, in the order in which it is learned.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

import orjson

from core.money import quantize

FORMAT = "learnflow-course/1"


@dataclass(frozen=True, kw_only=True)
class ResourceDocument:
    """Material that belongs to a lesson, by its address."""

    title: str
    url: str


@dataclass(frozen=True, kw_only=True)
class LessonDocument:
    title: str
    description: str
    video_url: str
    duration_minutes: int
    is_preview: bool
    resources: list[ResourceDocument]


@dataclass(frozen=True, kw_only=True)
class SectionDocument:
    title: str
    description: str
    lessons: list[LessonDocument]


@dataclass(frozen=True, kw_only=True)
class CourseDocument:
    """`slug` is a wish, None for none; `category` a slug or None; `price` None when the author
    hasn't decided; `thumbnail` the name of a file that travels beside the document, or None."""

    title: str
    slug: str | None
    short_description: str
    description: str
    category: str | None
    level: str
    language: str
    currency: str
    price: Decimal | None
    original_price: Decimal | None
    preview_video_url: str
    outcomes: list[str]
    requirements: list[str]
    thumbnail: str | None
    curriculum: list[SectionDocument]

    @property
    def lessons_count(self) -> int:
        """How many lessons all sections have together."""
        return sum(len(section.lessons) for section in self.curriculum)


def to_json(document: CourseDocument) -> bytes:
    """Return the document as indented UTF-8 JSON: the same document, the same bytes."""
    body = {"format": FORMAT, **asdict(document)}
    return orjson.dumps(body, default=float, option=orjson.OPT_INDENT_2) + b"\n"


def from_json(data: Mapping[str, Any], *, currency: str) -> CourseDocument:
    """Return the document of valid data (see `checks`); what is absent has its default."""
    return CourseDocument(
        title=data["title"],
        slug=data.get("slug"),
        short_description=data.get("short_description", ""),
        description=data.get("description", ""),
        category=data.get("category"),
        level=data.get("level", "beginner"),
        language=data.get("language", "English"),
        currency=data.get("currency", currency),
        price=_amount(data.get("price")),
        original_price=_amount(data.get("original_price")),
        preview_video_url=data.get("preview_video_url", ""),
        outcomes=list(data.get("outcomes", [])),
        requirements=list(data.get("requirements", [])),
        thumbnail=data.get("thumbnail"),
        curriculum=[_section(section) for section in data.get("curriculum", [])],
    )


def _section(data: Mapping[str, Any]) -> SectionDocument:
    return SectionDocument(
        title=data["title"],
        description=data.get("description", ""),
        lessons=[_lesson(lesson) for lesson in data.get("lessons", [])],
    )


def _lesson(data: Mapping[str, Any]) -> LessonDocument:
    return LessonDocument(
        title=data["title"],
        description=data.get("description", ""),
        video_url=data.get("video_url", ""),
        duration_minutes=data.get("duration_minutes", 0),
        is_preview=data.get("is_preview", False),
        resources=[ResourceDocument(**resource) for resource in data.get("resources", [])],
    )


def _amount(value: int | Decimal | None) -> Decimal | None:
    return None if value is None else quantize(value)
