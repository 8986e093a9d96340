"""The filters of a course's reviews (plan 4.3)."""

from typing import Any

import django_filters
from django.db.models import QuerySet

from courses.models import CourseStats
from reviews.models import Review
from reviews.selectors import ORDERINGS


class ReviewFilterSet(django_filters.FilterSet):
    """`rating` keeps reviews of exactly so many stars."""

    rating = django_filters.TypedChoiceFilter(
        choices=[(stars, stars) for stars in CourseStats.STARS], coerce=int
    )
    ordering = django_filters.ChoiceFilter(
        method="filter_ordering",
        choices=[(name, name) for name in ORDERINGS],
        help_text="`-created_at` unless given.",
    )

    def filter_ordering(
        self, reviews: QuerySet[Review, Any], name: str, value: str
    ) -> QuerySet[Review, Any]:
        """Order as asked for."""
        return reviews.order_by(*ORDERINGS[value])
