"""What authors send and get (contract "Catalogue", authoring). Every text is bounded."""

import uuid
from collections.abc import Mapping
from typing import Any

from django.core.validators import URLValidator
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from core.serializers import (
    WRONG_TYPE,
    ApiSerializer,
    ClosedSerializer,
    IdItemField,
    MoneyField,
    NumberField,
    field_names,
)
from courses.errors import CategoryNotFound
from courses.lesson_files import MAX_RESOURCES
from courses.models import Course
from courses.rules import LEAST_PRICE
from courses.selectors import find_category_id
from courses.services.authoring.slugs import find_slug_fault

MAX_DESCRIPTION = 50_000
MAX_POINTS = 50
MAX_MINUTES = 24 * 60
MAX_ORDER = 1000


class TextItemField(serializers.CharField):
    """A text within a list; other JSON types aren't taken for text."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            raise serializers.ValidationError("Must be a string.", code=WRONG_TYPE)
        return str(super().to_internal_value(data))


class WebAddressField(serializers.URLField):
    """An absolute http or https address."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=500, **kwargs)
        self.validators = [
            validator for validator in self.validators if not isinstance(validator, URLValidator)
        ]
        self.validators.append(
            URLValidator(schemes=["http", "https"], message=self.error_messages["invalid"])
        )


@extend_schema_field(OpenApiTypes.STR)
class CategoryField(serializers.CharField):
    """A category by slug or id; becomes its id."""

    def to_internal_value(self, data: Any) -> uuid.UUID:  # type: ignore[override]
        try:
            return find_category_id(reference=super().to_internal_value(data))
        except CategoryNotFound:
            raise serializers.ValidationError("There is no such category.", "unknown") from None


def _points(help_text: str) -> serializers.ListField:
    return serializers.ListField(
        child=TextItemField(max_length=500),
        max_length=MAX_POINTS,
        required=False,
        help_text=help_text,
    )


# What the course's public page shows beside: who edits a course may send back what they read.
SHOWN_TO_ALL = frozenset(
    {
        "curriculum", "curriculum_next", "enrolled", "in_cart", "in_wishlist", "is_bestseller",
        "is_new", "lessons_count", "progress", "reviews", "viewer",
    }
)  # fmt: skip


# What staff, or the price, say of a course: it was always left alone, and does nothing unasked.
NOT_THE_AUTHORS = frozenset({"is_featured", "is_priced"})


# --- How a course is shown to its instructor --------------------------------------------------


class OwnCourseRowSerializer(ApiSerializer):
    """A course in its instructor's list."""

    id = serializers.UUIDField()
    title = serializers.CharField()
    slug = serializers.SlugField()
    status = serializers.ChoiceField(choices=Course.Status.choices)
    is_published = serializers.BooleanField()
    category = serializers.CharField(allow_null=True, help_text="The category's name.")
    thumbnail = serializers.URLField(allow_null=True)
    level = serializers.ChoiceField(choices=Course.Level.choices)
    language = serializers.CharField()
    price = MoneyField(allow_null=True, help_text="Null until it is set.")
    original_price = MoneyField(allow_null=True)
    discount_percent = serializers.IntegerField()
    duration_hours = NumberField(max_digits=8, decimal_places=1)
    total_sections = serializers.IntegerField()
    total_lessons = serializers.IntegerField()
    student_count = serializers.IntegerField()
    rating = NumberField(max_digits=2, decimal_places=1, help_text="0 when nobody rated.")
    rating_count = serializers.IntegerField()
    review_count = serializers.IntegerField(help_text="Ratings with a text.")
    review_note = serializers.CharField(
        allow_blank=True, help_text="What staff wrote when they last decided about the course."
    )
    published_at = serializers.DateTimeField(allow_null=True)
    last_updated = serializers.DateTimeField()
    created_at = serializers.DateTimeField()


class OwnCourseInstructorSerializer(ApiSerializer):
    """Who teaches."""

    id = serializers.UUIDField()
    first_name = serializers.CharField()
    last_name = serializers.CharField()


class OwnCourseSerializer(OwnCourseRowSerializer):
    """A course with everything its instructor wrote of it."""

    instructor = OwnCourseInstructorSerializer()
    category_id = serializers.UUIDField(allow_null=True)
    category_slug = serializers.SlugField(allow_null=True)
    thumbnails = serializers.DictField(
        child=serializers.URLField(),
        help_text="The thumbnail by width in pixels: 320, 640 and 1280; empty without one.",
    )
    description = serializers.CharField(allow_blank=True)
    short_description = serializers.CharField(allow_blank=True)
    preview_video_url = serializers.URLField(allow_null=True)
    outcomes = serializers.ListField(child=serializers.CharField())
    requirements = serializers.ListField(child=serializers.CharField())
    missing = serializers.ListField(
        child=serializers.ChoiceField(
            choices=["title", "description", "category", "price", "lessons"]
        ),
        help_text="What publishing needs yet.",
    )


# --- In --------------------------------------------------------------------------------------


class CourseCreateSerializer(ClosedSerializer):
    """A new course. Only the title has to be there yet."""

    shown = field_names(OwnCourseSerializer) | SHOWN_TO_ALL | NOT_THE_AUTHORS

    title = serializers.CharField(max_length=255)
    slug = serializers.CharField(
        max_length=255, required=False, help_text="Made from the title when left out."
    )
    description = serializers.CharField(
        max_length=MAX_DESCRIPTION, required=False, allow_blank=True
    )
    short_description = serializers.CharField(max_length=500, required=False, allow_blank=True)
    category = CategoryField(
        source="category_id", required=False, allow_null=True, help_text="Slug or id."
    )
    level = serializers.ChoiceField(choices=Course.Level.choices, required=False)
    language = serializers.CharField(max_length=50, required=False)
    price = MoneyField(
        min_value=LEAST_PRICE,
        required=False,
        help_text="0 is free; else at least, and at most, what can be charged. A course without a "
        "price isn't sold.",
    )
    original_price = MoneyField(
        min_value=LEAST_PRICE, required=False, allow_null=True, help_text="Not below `price`."
    )
    outcomes = _points("What learners will know.")
    requirements = _points("What learners should bring along.")
    preview_video_url = WebAddressField(required=False, allow_blank=True)

    def validate_slug(self, value: str) -> str:
        if fault := find_slug_fault(slug=value):
            raise serializers.ValidationError(fault)
        return value


class CourseUpdateSerializer(CourseCreateSerializer):
    """What changes of a course. What is left out stays."""

    title = serializers.CharField(max_length=255, required=False)
    last_updated = serializers.DateTimeField(
        required=False,
        help_text="As last read: 409 `STALE` when the course was changed meanwhile.",
    )


class SectionCreateSerializer(ApiSerializer):
    """A new section."""

    title = serializers.CharField(max_length=255)
    description = serializers.CharField(
        max_length=MAX_DESCRIPTION, required=False, allow_blank=True
    )
    order = serializers.IntegerField(
        min_value=1, max_value=MAX_ORDER, required=False, help_text="The first is 1; else the last."
    )


class SectionUpdateSerializer(SectionCreateSerializer):
    """What changes of a section. What is left out stays; `order` moves it."""

    title = serializers.CharField(max_length=255, required=False)


class LessonResourceSerializer(ApiSerializer):
    """A link beside a lesson; or, with `id`, one of its files as it was read: `title` and its place
    count."""

    title = serializers.CharField(max_length=200)
    url = WebAddressField(required=False, help_text="Of a link; a file has its own.")
    id = serializers.UUIDField(required=False, help_text="Of a file.")

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping) and "id" in data:
            data = {name: value for name, value in data.items() if name != "url"}
        return super().to_internal_value(data)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not {"id", "url"} & set(attrs):
            missing = self.fields["url"].error_messages["required"]
            raise serializers.ValidationError({"url": [missing]}, code="required")
        return attrs


class LessonFileUploadSerializer(ApiSerializer):
    """A file of a lesson as form data."""

    file = serializers.FileField(
        help_text="PDF, ZIP, JPEG, PNG, WebP, text, Markdown, CSV, JSON or notebook, judged by its "
        "content.",
        allow_empty_file=True,
    )
    title = serializers.CharField(max_length=200)


class LessonCreateSerializer(ApiSerializer):
    """A new lesson."""

    title = serializers.CharField(max_length=255)
    description = serializers.CharField(
        max_length=MAX_DESCRIPTION, required=False, allow_blank=True
    )
    video_url = WebAddressField(required=False, allow_blank=True)
    duration_minutes = serializers.IntegerField(min_value=0, max_value=MAX_MINUTES, required=False)
    is_preview = serializers.BooleanField(required=False, help_text="Open to everybody.")
    resources = serializers.ListField(
        child=LessonResourceSerializer(), required=False, max_length=MAX_RESOURCES
    )
    order = serializers.IntegerField(
        min_value=1, max_value=MAX_ORDER, required=False, help_text="The first is 1; else the last."
    )


class LessonUpdateSerializer(LessonCreateSerializer):
    """What changes of a lesson. What is left out stays; `order` and `section_id` move it."""

    title = serializers.CharField(max_length=255, required=False)
    section_id = serializers.UUIDField(required=False, help_text="A section of the same course.")


class ReorderSerializer(ApiSerializer):
    """All ids in their new order, each once."""

    order = serializers.ListField(child=IdItemField(), max_length=MAX_ORDER)


# --- Out -------------------------------------------------------------------------------------


class ShownResourceSerializer(ApiSerializer):
    """Something to download or read beside a lesson; a file says what it is."""

    title = serializers.CharField()
    url = serializers.URLField()
    id = serializers.UUIDField(required=False, help_text="Of a file.")
    size_bytes = serializers.IntegerField(required=False, help_text="Of a file.")
    content_type = serializers.CharField(required=False, help_text="Of a file.")


class OwnLessonSerializer(ApiSerializer):
    """A lesson with its media, for its author."""

    id = serializers.UUIDField()
    section_id = serializers.UUIDField()
    title = serializers.CharField()
    description = serializers.CharField(allow_blank=True)
    duration_minutes = serializers.IntegerField()
    order = serializers.IntegerField()
    is_preview = serializers.BooleanField()
    video_url = serializers.URLField(allow_null=True)
    resources = ShownResourceSerializer(many=True)


class OwnSectionSerializer(ApiSerializer):
    """A section with its lessons, for its author."""

    id = serializers.UUIDField()
    title = serializers.CharField()
    description = serializers.CharField(allow_blank=True)
    order = serializers.IntegerField()
    total_lessons = serializers.IntegerField()
    total_duration_minutes = serializers.IntegerField()
    lessons = OwnLessonSerializer(many=True)


class OwnLessonListSerializer(ApiSerializer):
    """The lessons of a section in order."""

    results = OwnLessonSerializer(many=True)


class OwnSectionListSerializer(ApiSerializer):
    """The sections of a course in order."""

    results = OwnSectionSerializer(many=True)
