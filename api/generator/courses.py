"""Generated courses and the categories that they stand in."""

import random
from dataclasses import dataclass

from django.utils.text import slugify

from api.generator.copying import Copies
from api.generator.ids import Ids, moment
from api.generator.options import Options
from api.generator.vocabulary import Shelf, Subject, Vocabulary
from courses.models import Category, Course

_DAY = 24 * 3600
_FREE_SHARE = 0.08
_DISCOUNT_SHARE = 0.35
_FEATURED_SHARE = 0.002
# The usual steps, and how often each is asked.
PRICES = (9, 14, 19, 24, 29, 39, 49, 59, 69, 79, 89, 99, 129, 149, 199)
_PRICE_WEIGHTS = (10, 10, 14, 10, 10, 10, 10, 7, 5, 4, 3, 3, 2, 1, 1)
_LEVELS = (Course.Level.BEGINNER, Course.Level.INTERMEDIATE, Course.Level.ADVANCED)
_LEVEL_WEIGHTS = (50, 35, 15)


@dataclass(frozen=True, slots=True)
class CourseDraft:
    """What is decided about a course before its lessons are; times are Unix seconds."""

    id: str
    number: int
    shelf: Shelf
    category_id: str
    subject: Subject
    level: Course.Level
    title: str
    language: str
    price: str
    original_price: str | None
    status: Course.Status
    instructor: int
    is_featured: bool
    written: int
    published: int | None

    @property
    def published_at(self) -> str | None:
        """When it came out, as PostgreSQL reads it."""
        return None if self.published is None else moment(self.published)

    @property
    def is_free(self) -> bool:
        """Whether it costs nothing."""
        return self.price == "0.00"


def provide_categories(*, options: Options, vocabulary: Vocabulary) -> dict[str, str]:
    """Return the ids of the categories by slug; those that don't exist are created."""
    ids = Ids(seed=options.seed, kind="category", start=options.start)
    provided = {}
    for number, shelf in enumerate(vocabulary.shelves):
        source = shelf.source
        category, _ = Category.objects.get_or_create(
            slug=source.slug,
            defaults={
                "id": ids[number],
                "name": source.name,
                "icon": source.icon,
                "description": source.description,
                "position": source.position,
            },
        )
        provided[source.slug] = str(category.pk)
    return provided


class Courses:
    """Drafts and writes courses by number; later numbers are newer."""

    def __init__(
        self,
        *,
        options: Options,
        vocabulary: Vocabulary,
        categories: dict[str, str],
        copies: Copies,
    ) -> None:
        self.ids = Ids(seed=options.seed, kind="course", start=options.start)
        self._options = options
        self._vocabulary = vocabulary
        self._categories = categories
        self._weights = [shelf.weight for shelf in vocabulary.shelves]
        self._table = copies.open(
            Course, "id", "title", "slug", "description", "short_description", "category_id",
            "instructor_id", "level", "language", "duration_minutes", "price", "original_price",
            "outcomes", "requirements", "status", "is_featured", "published_at", "last_updated",
            "created_at", "updated_at",
        )  # fmt: skip

    def draft(
        self, number: int, *, status: Course.Status, instructor: int, rng: random.Random
    ) -> CourseDraft:
        """Decide what the nth course is about."""
        options = self._options
        shelf = rng.choices(self._vocabulary.shelves, self._weights)[0]
        subject = rng.choice(shelf.subjects)
        level = rng.choices(_LEVELS, _LEVEL_WEIGHTS)[0]
        title, language = self._vocabulary.draw_title(rng, subject=subject, level=level)
        price, original = _draw_price(rng)
        span = options.end - options.start - 2 * _DAY
        written = options.start + span * number // options.courses
        was_open = status in (Course.Status.PUBLISHED, Course.Status.ARCHIVED)
        ready = min(written + rng.randint(_DAY, 20 * _DAY), options.end - _DAY)
        return CourseDraft(
            id=self.ids[number],
            number=number,
            shelf=shelf,
            category_id=self._categories[shelf.source.slug],
            subject=subject,
            level=level,
            title=title,
            language=language,
            price=price,
            original_price=original,
            status=status,
            instructor=instructor,
            is_featured=was_open and rng.random() < _FEATURED_SHARE,
            written=written,
            published=ready if was_open else None,
        )

    def write(
        self, draft: CourseDraft, *, instructor_id: str, minutes: int, rng: random.Random
    ) -> None:
        """Write a course whose lessons take so many minutes in all."""
        subject = draft.subject
        since = draft.published or draft.written
        changed = moment(since + (self._options.end - since) * rng.random() ** 2)
        slug = f"{slugify(draft.title)}-{self._options.seed}-{draft.number}"
        self._table.add(
            (draft.id, draft.title, slug, rng.choice(subject.descriptions),
             rng.choice(subject.short_descriptions), draft.category_id, instructor_id,
             draft.level.value, draft.language, minutes, draft.price, draft.original_price,
             rng.choice(subject.outcomes), rng.choice(subject.requirements), draft.status.value,
             draft.is_featured, draft.published_at, changed,
             moment(draft.written), changed)
        )  # fmt: skip


def _draw_price(rng: random.Random) -> tuple[str, str | None]:
    """Return today's price and, for some, the higher one before it."""
    if rng.random() < _FREE_SHARE:
        return "0.00", None
    price = rng.choices(PRICES, _PRICE_WEIGHTS)[0]
    dearer = [step for step in PRICES if step > price]
    if dearer and rng.random() < _DISCOUNT_SHARE:
        return f"{price}.99", f"{rng.choice(dearer[:4])}.99"
    return f"{price}.99", None
