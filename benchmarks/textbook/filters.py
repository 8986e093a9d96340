"""The list's filters."""

from decimal import ROUND_CEILING, Decimal

import django_filters
from django.db.models import QuerySet

from courses.models import Course, CourseStats

ORDERINGS = {
    "popular": ("-student_count", "-course_id"),
    "newest": ("-published_at", "-course_id"),
    "rating": ("-rating", "-rating_count", "-course_id"),
    "price_low": ("price", "course_id"),
    "price_high": ("-price", "-course_id"),
}


class CourseFilter(django_filters.FilterSet):
    """Published courses by what the SPA's sidebar offers."""

    category = django_filters.CharFilter(field_name="course__category__slug")
    level = django_filters.ChoiceFilter(field_name="course__level", choices=Course.Level.choices)
    min_price = django_filters.NumberFilter(field_name="course__price", lookup_expr="gte")
    max_price = django_filters.NumberFilter(field_name="course__price", lookup_expr="lte")
    rating_min = django_filters.NumberFilter(method="filter_rating")
    ordering = django_filters.ChoiceFilter(
        choices=[(name, name) for name in ORDERINGS], method="order"
    )

    def filter_rating(
        self, listed: QuerySet[CourseStats], name: str, value: Decimal
    ) -> QuerySet[CourseStats]:
        """As shown: to one decimal."""
        shown = value.quantize(Decimal("0.1"), rounding=ROUND_CEILING)
        return listed.filter(rating__gte=shown - Decimal("0.05"))

    def order(self, listed: QuerySet[CourseStats], name: str, value: str) -> QuerySet[CourseStats]:
        """One of the five orderings, each with a tie-break."""
        return listed.order_by(*ORDERINGS[value])
