"""What people search for, for staff: what they find, and what they don't."""

from typing import Any

from django.contrib import admin
from django.db.models import F, QuerySet
from django.http import HttpRequest

from core.admin import StaffAdmin
from courses.models import SearchCount


class FoundFilter(admin.SimpleListFilter):
    """Searches that nothing was found for say what is missing from the catalogue."""

    title = "result"
    parameter_name = "result"

    def lookups(
        self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]
    ) -> list[tuple[str, str]]:
        return [("none", "Nothing found"), ("some", "Something found")]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[SearchCount]
    ) -> QuerySet[SearchCount]:
        if self.value() == "none":
            return queryset.filter(not_found__gt=F("found"))
        if self.value() == "some":
            return queryset.filter(found__gte=F("not_found"))
        return queryset


@admin.register(SearchCount)
class SearchCountAdmin(StaffAdmin):
    """Searches by day, counted once a visitor; a task writes them. One that shouldn't be shown
    to others is deleted."""

    list_display = ["query", "day", "found", "not_found"]
    list_filter = [FoundFilter, "day"]
    search_fields = ["query"]
    date_hierarchy = "day"
    ordering = ["-day", "-not_found", "-found", "query"]

    def may_add(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def may_change(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
