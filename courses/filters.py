"""The filters of the course list (plan 4.3) for lists that go through the ORM, as a search's does.
A value that isn't acceptable is refused, never ignored (contract "Everywhere")."""

import uuid
from decimal import ROUND_CEILING, Decimal
from typing import Any

import django_filters
from django import forms
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field

from courses.errors import CategoryNotFound
from courses.models import Course
from courses.selectors import ORDERINGS, find_category_id, match_courses

MAX_SEARCH_LENGTH = 200


class CategoryField(forms.CharField):
    """A category by id or slug; cleans to its id."""

    def clean(self, value: Any) -> uuid.UUID | None:
        reference = super().clean(value)
        if not reference:
            return None
        try:
            return find_category_id(reference=reference)
        except CategoryNotFound:
            raise ValidationError("There is no such category.", code="unknown") from None


@extend_schema_field(OpenApiTypes.STR)
class CategoryFilter(django_filters.Filter):
    """Courses of one category."""

    field_class = CategoryField


class CourseFilterForm(forms.Form):
    """What no filter can check alone."""

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        low, high = cleaned.get("min_price"), cleaned.get("max_price")
        if low is not None and high is not None and low > high:
            self.add_error("min_price", "Must not be above max_price.")
        return cleaned


class CourseFilterSet(django_filters.FilterSet):
    """Filters of published courses. `ordering` outdoes the ranking of `search`."""

    category = CategoryFilter(field_name="category_id", help_text="Slug or id.")
    level = django_filters.ChoiceFilter(choices=Course.Level.choices)
    min_price = django_filters.NumberFilter(field_name="price", lookup_expr="gte", min_value=0)
    max_price = django_filters.NumberFilter(field_name="price", lookup_expr="lte", min_value=0)
    rating_min = django_filters.NumberFilter(
        method="filter_rating",
        min_value=0,
        max_value=5,
        help_text="Compared as shown: 4.75 is 4.8.",
    )
    language = django_filters.CharFilter(max_length=50)
    duration_min = django_filters.NumberFilter(
        method="filter_duration", min_value=0, help_text="Hours."
    )
    duration_max = django_filters.NumberFilter(
        method="filter_duration", min_value=0, help_text="Hours."
    )
    search = django_filters.CharFilter(
        method="filter_search",
        max_length=MAX_SEARCH_LENGTH,
        help_text="Words of title, summary, description, category or instructor; misspelt ones "
        "find too. Without `ordering` the best match comes first.",
    )
    ordering = django_filters.ChoiceFilter(
        method="filter_ordering",
        choices=[(name, name) for name in ORDERINGS],
        help_text="`popular` unless given.",
    )

    class Meta:
        form = CourseFilterForm

    def filter_rating(
        self, courses: QuerySet[Course, Any], name: str, value: Decimal
    ) -> QuerySet[Course, Any]:
        """Keep what is rated at least so, to the one decimal that is shown."""
        shown = value.quantize(Decimal("0.1"), rounding=ROUND_CEILING)
        return courses.filter(stats__rating__gte=shown - Decimal("0.05"))

    def filter_duration(
        self, courses: QuerySet[Course, Any], name: str, value: Decimal
    ) -> QuerySet[Course, Any]:
        """Keep what takes at least, or at most, so many hours."""
        lookup = "gte" if name == "duration_min" else "lte"
        return courses.filter(**{f"duration_minutes__{lookup}": value * 60})

    def filter_search(
        self, courses: QuerySet[Course, Any], name: str, value: str
    ) -> QuerySet[Course, Any]:
        """Keep what matches, the best first."""
        return match_courses(courses, text=value)

    def filter_ordering(
        self, courses: QuerySet[Course, Any], name: str, value: str
    ) -> QuerySet[Course, Any]:
        """Order as asked for."""
        return courses.order_by(*ORDERINGS[value])
