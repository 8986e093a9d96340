"""Reviews in the admin: read, and taken down where they must be."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from core.admin import Growing, StaffAdmin, ValuesByIndexFilter
from reviews import services
from reviews.models import Review


@admin.register(Review)
class ReviewAdmin(Growing, StaffAdmin):
    """What people wrote is theirs: staff read it and may delete it, never change it."""

    list_display = ["course", "user", "rating", "title", "helpful_count", "created_at"]
    list_filter = [("rating", ValuesByIndexFilter), "created_at"]
    search_fields = ["course__slug", "user__email", "id"]
    search_help_text = "The course's slug, e-mail or the review's id"
    list_select_related = ["course", "user"]
    date_hierarchy = "created_at"
    ordering = ["-created_at"]

    def may_add(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def may_change(self, request: HttpRequest, obj: Review | None = None) -> bool:
        return False

    def delete_model(self, request: HttpRequest, obj: Review) -> None:
        services.moderate_reviews(review_ids=[obj.id])

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Review, Any]) -> None:
        services.moderate_reviews(review_ids=list(queryset.values_list("id", flat=True)))
