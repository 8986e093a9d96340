"""The list's filters."""

from decimal import ROUND_CEILING, Decimal
from typing import Any

import django_filters
from django.db.models import QuerySet

from courses.models import Course

# By the columns that the listing's indexes hold.
ORDERINGS = {
    "popular": ("-stats__student_count", "-id"),
    "newest": ("-stats__published_at", "-id"),
    "rating": ("-stats__rating", "-stats__rating_count", "-id"),
    "price_low": ("stats__price", "id"),
    "price_high": ("-stats__price", "-id"),
}


class CourseFilter(django_filters.FilterSet):
    """Published courses by what the SPA's sidebar offers."""

    category = django_filters.CharFilter(field_name="category__slug")
    level = django_filters.ChoiceFilter(choices=Course.Level.choices)
    min_price = django_filters.NumberFilter(field_name="price", lookup_expr="gte")
    max_price = django_filters.NumberFilter(field_name="price", lookup_expr="lte")
    rating_min = django_filters.NumberFilter(method="filter_rating")
    ordering = django_filters.ChoiceFilter(
        choices=[(name, name) for name in ORDERINGS], method="order"
    )

    def filter_rating(
        self, courses: QuerySet[Course], name: str, value: Decimal
    ) -> QuerySet[Course]:
        """As shown: to one decimal."""
        shown = value.quantize(Decimal("0.1"), rounding=ROUND_CEILING)
        return courses.filter(stats__rating__gte=shown - Decimal("0.05"))

    def order(self, courses: QuerySet[Course], name: str, value: str) -> QuerySet[Course]:
        """One of the five orderings, each with a tie-break."""
        return courses.order_by(*ORDERINGS[value])


def order_popular(courses: QuerySet[Course, Any]) -> QuerySet[Course, Any]:
    """The order of a list that asks for none."""
    return courses.order_by(*ORDERINGS["popular"])
