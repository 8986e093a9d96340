"""The catalogue: categories, courses, their curriculum, and the counters beside them."""

from typing import ClassVar

from django.contrib.postgres.indexes import GinIndex, GistIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Cast, Round

from core.models import BaseModel
from courses.histories import InstructorChange, PriceChange  # noqa: F401 - Django's door to them
from users.models import User

RESERVED_SLUGS = frozenset(
    {"related", "featured", "search", "new", "popular", "suggest", "import", "export"}
)


class Category(BaseModel):
    """A shelf of the catalogue. `course_count` counts published courses and is kept by services."""

    name = models.CharField(max_length=100, unique=True)
    slug = models.SlugField(max_length=100, unique=True)
    description = models.TextField(blank=True)
    icon = models.CharField(max_length=50, help_text="Name of a Lucide icon")
    course_count = models.PositiveIntegerField(default=0)
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["position", "name"]
        verbose_name_plural = "categories"

    def __str__(self) -> str:
        return self.name


class Course(BaseModel):
    """A course as its instructor wrote it. What readers and buyers do to it is in `CourseStats`."""

    class Level(models.TextChoices):
        BEGINNER = "beginner"
        INTERMEDIATE = "intermediate"
        ADVANCED = "advanced"

    class Status(models.TextChoices):
        DRAFT = "draft"
        IN_REVIEW = "in_review"
        PUBLISHED = "published"
        ARCHIVED = "archived"

    title = models.CharField(max_length=255)
    slug = models.SlugField(max_length=255, unique=True)
    description = models.TextField(blank=True)
    short_description = models.CharField(max_length=500, blank=True)
    category = models.ForeignKey(
        Category, on_delete=models.PROTECT, null=True, blank=True, related_name="courses"
    )
    instructor = models.ForeignKey(User, on_delete=models.PROTECT, related_name="courses_taught")
    thumbnail = models.ImageField(upload_to="course_thumbnails/", blank=True, max_length=255)
    preview_video_url = models.URLField(blank=True, max_length=500)
    level = models.CharField(max_length=20, choices=Level, default=Level.BEGINNER)
    language = models.CharField(max_length=50, default="English")
    # Zero until there are lessons; kept by the authoring services from the lessons' minutes.
    duration_minutes = models.PositiveIntegerField(default=0)
    price = models.DecimalField(max_digits=10, decimal_places=2, default=0)
    # False for a draft whose author hasn't named a price yet: zero is a price too.
    is_priced = models.BooleanField(default=True, db_default=True)
    original_price = models.DecimalField(max_digits=10, decimal_places=2, null=True, blank=True)
    outcomes = models.JSONField(default=list, blank=True)
    requirements = models.JSONField(default=list, blank=True)
    status = models.CharField(max_length=10, choices=Status, default=Status.DRAFT)
    is_published = models.GeneratedField(
        expression=Q(status="published"),  # type: ignore[arg-type]
        output_field=models.BooleanField(),
        db_persist=True,
    )
    is_featured = models.BooleanField(default=False)
    published_at = models.DateTimeField(null=True, blank=True)
    # When the author last changed what learners see; `updated_at` also moves for upkeep.
    last_updated = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(condition=Q(price__gte=0), name="course_price_not_negative"),
            models.CheckConstraint(
                condition=Q(original_price=None) | Q(original_price__gte=F("price")),
                name="course_original_price_not_below_price",
            ),
            models.CheckConstraint(
                condition=Q(level__in=["beginner", "intermediate", "advanced"]),
                name="course_level_closed",
            ),
            models.CheckConstraint(
                condition=Q(status__in=["draft", "in_review", "published", "archived"]),
                name="course_status_closed",
            ),
            models.CheckConstraint(
                condition=~Q(status="published") | Q(published_at__isnull=False),
                name="course_published_has_date",
            ),
            models.CheckConstraint(
                condition=~Q(slug__in=sorted(RESERVED_SLUGS)), name="course_slug_not_reserved"
            ),
        ]
        indexes = [
            models.Index(fields=["category", "is_published"], name="course_by_category"),
            models.Index(fields=["instructor", "status"], name="course_by_instructor"),
        ]

    def __str__(self) -> str:
        return self.title


class CourseStats(models.Model):
    """What lists read of one course: its counters, and a copy of what they filter and order by.

    The counters lie beside the course, so that a sale never locks the row an author edits. The
    owner of each fact adjusts them with `F()` in its own transaction; a nightly recount repairs and
    reports drift. `rating` follows from the sums by itself.

    The copies, `LISTED`, are kept by triggers of the database (migration `0004_listing`): the row
    exists from the moment its course does, and nobody writes them. One narrow table with an index
    for each ordering is what keeps a list's cost flat while the catalogue grows.
    """

    STARS: ClassVar[tuple[int, ...]] = (1, 2, 3, 4, 5)
    LISTED: ClassVar[tuple[str, ...]] = (
        "is_listed", "is_featured", "category_id", "level", "language", "price",
        "duration_minutes", "published_at",
    )  # fmt: skip

    course = models.OneToOneField(
        Course, on_delete=models.CASCADE, primary_key=True, related_name="stats"
    )
    is_listed = models.BooleanField(db_default=False, editable=False, help_text="Published")
    is_featured = models.BooleanField(db_default=False, editable=False)
    # The course's own reference protects the category; this copy needs no second one.
    category = models.ForeignKey(
        Category, on_delete=models.DO_NOTHING, null=True, editable=False, related_name="+",
        db_constraint=False, db_index=False,
    )  # fmt: skip
    level = models.CharField(max_length=20, db_default="", editable=False)
    language = models.CharField(max_length=50, db_default="", editable=False)
    price = models.DecimalField(max_digits=10, decimal_places=2, db_default=0, editable=False)
    duration_minutes = models.PositiveIntegerField(db_default=0, editable=False)
    published_at = models.DateTimeField(null=True, editable=False)
    student_count = models.PositiveIntegerField(default=0, db_default=0)
    rating_count = models.PositiveIntegerField(default=0, db_default=0)
    rating_sum = models.PositiveBigIntegerField(default=0, db_default=0)
    review_count = models.PositiveIntegerField(
        default=0, db_default=0, help_text="Ratings with a text"
    )
    rating_1 = models.PositiveIntegerField(default=0, db_default=0)
    rating_2 = models.PositiveIntegerField(default=0, db_default=0)
    rating_3 = models.PositiveIntegerField(default=0, db_default=0)
    rating_4 = models.PositiveIntegerField(default=0, db_default=0)
    rating_5 = models.PositiveIntegerField(default=0, db_default=0)
    sales_30_days = models.PositiveIntegerField(
        default=0, db_default=0, help_text="Kept by the nightly recount"
    )
    rating = models.GeneratedField(
        expression=models.Case(
            models.When(
                rating_count__gt=0,
                then=Round(
                    Cast(F("rating_sum"), models.DecimalField(max_digits=14, decimal_places=4))
                    / F("rating_count"),
                    precision=2,
                ),
            ),
            default=models.Value(0, models.DecimalField()),
        ),
        output_field=models.DecimalField(max_digits=3, decimal_places=2),
        db_persist=True,
    )

    class Meta:
        verbose_name_plural = "course stats"
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    rating_count=F("rating_1") + F("rating_2") + F("rating_3") + F("rating_4")
                    + F("rating_5")
                ),
                name="stats_stars_add_up",
            ),
            models.CheckConstraint(
                condition=Q(review_count__lte=F("rating_count")), name="stats_reviews_are_ratings"
            ),
        ]  # fmt: skip
        # One for each ordering, alone and within a category. All columns run in one direction, so
        # that PostgreSQL reads them either way and compares a cursor's row as a whole.
        indexes = [
            models.Index(fields=[*scope, *keys, "course"], name=f"listing{prefix}_{name}",
                         include=include, condition=Q(is_listed=True))
            for prefix, scope in (("", []), ("_category", ["category"]))
            for name, keys, include in (
                ("popular", ["student_count"], None),
                ("newest", ["published_at"], None),
                ("rating", ["rating", "rating_count"], None),
                # Counting what passes filters reads this one alone.
                ("price", ["price"], ["level", "rating", "language", "duration_minutes"]),
            )
        ] + [
            models.Index(fields=["student_count", "course"], name="listing_featured",
                         condition=Q(is_listed=True, is_featured=True)),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"stats of {self.course_id}"


class Curriculum(BaseModel):
    """A section of a course. Deferred uniqueness lets a reorder be one statement."""

    course = models.ForeignKey(Course, on_delete=models.CASCADE, related_name="curriculum")
    title = models.CharField(max_length=255)
    description = models.TextField(blank=True)
    order = models.PositiveIntegerField()
    total_lessons = models.PositiveIntegerField(default=0)
    total_duration_minutes = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["order"]
        verbose_name_plural = "curriculum"
        constraints = [
            models.UniqueConstraint(
                fields=["course", "order"],
                name="section_order_unique",
                deferrable=models.Deferrable.DEFERRED,
            )
        ]

    def __str__(self) -> str:
        return self.title


class Lesson(BaseModel):
    """One lesson. `removed_at` takes it out of the course, not from those who learned it."""

    curriculum = models.ForeignKey(Curriculum, on_delete=models.CASCADE, related_name="lessons")
    title = models.CharField(max_length=255)
    description = models.TextField(blank=True)
    video_url = models.URLField(max_length=500, blank=True)
    duration_minutes = models.PositiveIntegerField(default=0)
    order = models.PositiveIntegerField()
    is_preview = models.BooleanField(default=False)
    resources = models.JSONField(default=list, blank=True, help_text='[{"title": …, "url": …}]')
    removed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["order"]
        constraints = [
            models.UniqueConstraint(
                fields=["curriculum", "order"],
                name="lesson_order_unique",
                deferrable=models.Deferrable.DEFERRED,
            )
        ]

    def __str__(self) -> str:
        return self.title


class CourseSubmission(BaseModel):
    """A course handed in for review by its instructor, and what staff decided.

    A course in review has exactly one that is open (no decision yet); the others are its history.
    """

    class Decision(models.TextChoices):
        OPEN = "", "open"
        APPROVED = "approved"
        REJECTED = "rejected"
        WITHDRAWN = "withdrawn"

    course = models.ForeignKey(Course, on_delete=models.CASCADE, related_name="submissions")
    decision = models.CharField(max_length=10, blank=True, choices=Decision, default=Decision.OPEN)
    note = models.TextField(blank=True, help_text="From staff to the instructor")
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["course"], condition=Q(decision=""), name="submission_one_open"
            ),
            models.CheckConstraint(
                condition=Q(decision="", decided_at=None)
                | Q(decision__in=["approved", "rejected", "withdrawn"], decided_at__isnull=False),
                name="submission_decided_has_date",
            ),
        ]
        indexes = [models.Index(fields=["course", "-created_at"], name="submission_latest")]

    def __str__(self) -> str:
        return f"{self.course_id}: {self.decision or 'open'}"


class SearchEntry(models.Model):
    """What search reads of one published course; unpublished ones have none.

    Beside the course, so that finding and ranking touch nothing else, and an edit of the course
    that changes no words costs search nothing. Written by `courses.search` alone.
    """

    course = models.OneToOneField(
        Course, on_delete=models.CASCADE, primary_key=True, related_name="search_entry"
    )
    words = models.TextField(default="", db_default="", help_text="The title as it is compared")
    title = SearchVectorField(help_text="The title's stems in its language, and its plain words")
    document = SearchVectorField(help_text="The same of everything, weighted")
    popularity = models.PositiveSmallIntegerField(default=0, help_text="Logarithm of the learners")
    fingerprint = models.CharField(max_length=32, help_text="Of the words this was made from")

    class Meta:
        verbose_name_plural = "search entries"
        indexes = [
            # No pending list: a search never pays for the edits before it.
            GinIndex(fields=["document"], name="search_document", fastupdate=False),
            GinIndex(fields=["title"], name="search_title", fastupdate=False),
            models.Index(fields=["-popularity", "-course"], name="search_popular"),
        ]

    def __str__(self) -> str:
        return f"search entry of {self.course_id}"


class SearchTerm(models.Model):
    """A word of the catalogue, as typed but without accents and case: what spelling is checked
    against. `courses` says in how many titles it was at the last count."""

    term = models.CharField(max_length=40, primary_key=True)
    courses = models.PositiveIntegerField(default=0)

    class Meta:
        # Gives the nearest terms first, however many there are.
        indexes = [GistIndex(fields=["term"], name="term_nearest", opclasses=["gist_trgm_ops"])]

    def __str__(self) -> str:
        return self.term


class SearchCount(models.Model):
    """How often something was searched for on a day, by visitors who found something or didn't."""

    query = models.CharField(max_length=60)
    day = models.DateField()
    found = models.PositiveIntegerField(default=0)
    not_found = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["query", "day"], name="search_count_once_a_day"),
        ]
        indexes = [models.Index(fields=["day", "query"], name="search_count_by_day")]

    def __str__(self) -> str:
        return f"{self.query} ({self.day})"


class SearchBatch(models.Model):
    """Counts taken out of Redis and added up here: the row makes sure that it is done once."""

    id = models.UUIDField(primary_key=True)
    added_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return str(self.id)
