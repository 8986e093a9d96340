"""The catalogue in the admin: staff write courses, and move them by the services."""

import uuid
from collections.abc import Callable
from functools import partial
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.helpers import ActionForm
from django.db import models
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest

from core.admin import (
    ReadOnlyInline,
    StaffAdmin,
    StaffStackedInline,
    StaffTabularInline,
    going_on,
    is_superuser,
)
from core.errors import DomainError
from courses import services
from courses.admin_forms import CourseForm
from courses.models import Category, Course, CourseStats, CourseSubmission, Curriculum, Lesson
from courses.rules import LEAST_PRICE
from courses.search import admin as search_admin  # noqa: F401 - registers what people search for

# An address typed without a scheme is meant to be secure.
ADDRESSES: Any = {models.URLField: {"assume_scheme": "https"}}
COUNTERS = (
    "student_count", "rating", "rating_count", "review_count", "sales_30_days",
)  # fmt: skip


@admin.register(Category)
class CategoryAdmin(StaffAdmin):
    """Shelves. One with courses on it can't be deleted."""

    list_display = ["name", "slug", "icon", "course_count", "position"]
    search_fields = ["name", "slug"]
    prepopulated_fields = {"slug": ["name"]}
    readonly_fields = ["course_count"]
    ordering = ["position", "name"]

    def hold_row(self, key: Any) -> None:
        services.hold_shelf(category_id=key)
        super().hold_row(key)

    def save_model(
        self, request: HttpRequest, obj: Category, form: ModelForm[Category], change: bool
    ) -> None:
        super().save_model(request, obj, form, change)
        if change and "name" in form.changed_data:
            services.rename_category(category_id=obj.id)
        services.touch_catalogue()

    def delete_model(self, request: HttpRequest, obj: Category) -> None:
        super().delete_model(request, obj)
        services.touch_catalogue()

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Category]) -> None:
        super().delete_queryset(request, queryset)
        services.touch_catalogue()


def was_never_out(course: Course) -> bool:
    """Whether nobody can have learned in the course yet. One that was ever published is archived,
    and nothing of it deleted, as learners' progress would go with it: `removed_at` takes a lesson
    out."""
    return course.published_at is None


class SectionInline(StaffTabularInline):
    """Sections of a course; their lessons are on the section's own page."""

    model = Curriculum
    extra = 0
    fields = ["order", "title", "description", "total_lessons", "total_duration_minutes"]
    readonly_fields = ["total_lessons", "total_duration_minutes"]
    show_change_link = True

    def may_delete(self, request: HttpRequest, obj: Course | None = None) -> bool:
        return obj is None or was_never_out(obj)


class StatsInline(ReadOnlyInline):
    """The counters, to read: services keep them."""

    model = CourseStats
    fields = readonly_fields = COUNTERS


class SubmissionInline(ReadOnlyInline):
    """When the course was handed in for review, and what was decided."""

    model = CourseSubmission
    fields = readonly_fields = ("created_at", "decision", "note", "decided_at", "decided_by")

    def get_queryset(self, request: HttpRequest) -> QuerySet[CourseSubmission]:
        submissions: QuerySet[CourseSubmission] = super().get_queryset(request)
        return submissions.select_related("decided_by")


class ReviewForm(ActionForm):
    """The note that goes with a decision about a course in review."""

    note = forms.CharField(
        required=False, max_length=2000, widget=forms.TextInput(attrs={"size": 40})
    )


@admin.register(Course)
class CourseAdmin(StaffAdmin):
    """Courses: written here, published, unpublished and archived by actions."""

    form = CourseForm
    list_display = ["title", "category", "instructor", "status", "price", "students", "rating",
                    "is_featured", "published_at"]  # fmt: skip
    list_filter = ["status", "is_featured", "level", "category", "published_at"]
    search_fields = ["title", "slug", "instructor__email", "instructor__last_name"]
    list_select_related = ["category", "instructor", "stats"]
    autocomplete_fields = ["category"]
    raw_id_fields = ["instructor"]
    prepopulated_fields = {"slug": ["title"]}
    readonly_fields = ["status", "published_at", "duration_minutes", "last_updated"]
    # Set with the price.
    exclude = ["is_priced"]
    inlines = [SectionInline, StatsInline, SubmissionInline]
    action_form = ReviewForm
    actions = ["approve", "reject", "publish", "unpublish", "archive"]
    formfield_overrides = ADDRESSES
    date_hierarchy = "published_at"
    ordering = ["-created_at"]

    def get_readonly_fields(self, request: HttpRequest, obj: Course | None = None) -> list[str]:
        """Whose a course is, only superusers change: its instructor has every right over it, and
        what it earns."""
        fixed = ["instructor"] if obj and not is_superuser(request) else []
        return [*fixed, *self.readonly_fields]

    @admin.display(ordering="stats__student_count")
    def students(self, obj: Course) -> int:
        """How many learn in it."""
        return obj.stats.student_count if hasattr(obj, "stats") else 0

    @admin.display(ordering="stats__rating")
    def rating(self, obj: Course) -> str:
        """The mean of its ratings."""
        return f"{obj.stats.rating:.1f}" if hasattr(obj, "stats") else ""

    @admin.action(description="Review: approve and publish", permissions=["change"])
    def approve(self, request: HttpRequest, queryset: QuerySet[Course]) -> None:
        """Publish the selected courses that are in review."""
        self._each(
            request, queryset, partial(services.approve_course, note=_note(request)), "approved"
        )

    @admin.action(description="Review: reject with a note", permissions=["change"])
    def reject(self, request: HttpRequest, queryset: QuerySet[Course]) -> None:
        """Give the selected courses that are in review back to their instructors."""
        self._each(
            request, queryset, partial(services.reject_course, note=_note(request)), "rejected"
        )

    @admin.action(description="Publish", permissions=["change"])
    def publish(self, request: HttpRequest, queryset: QuerySet[Course]) -> None:
        """Put the selected courses on sale, those that are complete."""
        self._each(request, queryset, services.publish_course, "published")

    @admin.action(description="Unpublish (back to draft)", permissions=["change"])
    def unpublish(self, request: HttpRequest, queryset: QuerySet[Course]) -> None:
        """Take the selected courses off sale."""
        self._each(request, queryset, services.unpublish_course, "unpublished")

    @admin.action(description="Archive", permissions=["change"])
    def archive(self, request: HttpRequest, queryset: QuerySet[Course]) -> None:
        """Take the selected courses off sale for good."""
        self._each(request, queryset, services.archive_course, "archived")

    def formfield_for_dbfield(
        self, db_field: models.Field[Any, Any], request: HttpRequest, **kwargs: Any
    ) -> Any:
        if db_field.name in {"price", "original_price"}:
            kwargs["min_value"] = LEAST_PRICE
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def save_model(
        self, request: HttpRequest, obj: Course, form: ModelForm[Course], change: bool
    ) -> None:
        obj.is_priced = obj.is_priced or "price" in form.changed_data
        if isinstance(form, CourseForm):
            form.place_thumbnail(obj)
        super().save_model(request, obj, form, change)

    def save_related(
        self, request: HttpRequest, form: ModelForm[Course], formsets: Any, change: bool
    ) -> None:
        super().save_related(request, form, formsets, change)
        changed = "category" in form.changed_data
        previous = form.initial.get("category") if changed else form.instance.category_id
        services.settle_edit(course_id=form.instance.id, previous_category_id=previous)

    def may_delete(self, request: HttpRequest, obj: Course | None = None) -> bool:
        return obj is None or was_never_out(obj)

    def delete_model(self, request: HttpRequest, obj: Course) -> None:
        services.delete_course(course_id=obj.id, actor_id=request.user.pk)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Course]) -> None:
        for course_id in queryset.order_by("id").values_list("id", flat=True):
            services.delete_course(course_id=course_id, actor_id=request.user.pk)

    def _each(
        self,
        request: HttpRequest,
        courses: QuerySet[Course],
        move: Callable[..., None],
        done: str,
    ) -> None:
        moved = 0
        for course_id, title in courses.order_by("id").values_list("id", "title"):
            with going_on(self, request, title, say=_say_what_is_missing):
                move(course_id=course_id, actor_id=request.user.pk)
                moved += 1
        if moved:
            self.message_user(request, f"{moved} {done}.")


def _say_what_is_missing(refusal: DomainError) -> str:
    return f"{refusal.message} ({', '.join(refusal.details) or refusal.code})"


def _note(request: HttpRequest) -> str:
    return request.POST.get("note", "").strip()


class LessonInline(StaffStackedInline):
    """Lessons of a section."""

    model = Lesson
    extra = 0
    formfield_overrides = ADDRESSES
    fields = ["order", "title", "description", "video_url", "duration_minutes", "is_preview",
              "resources", "removed_at"]  # fmt: skip

    def may_delete(self, request: HttpRequest, obj: Curriculum | None = None) -> bool:
        return obj is None or was_never_out(obj.course)


@admin.register(Curriculum)
class SectionAdmin(StaffAdmin):
    """One section and its lessons."""

    list_display = ["title", "course", "order", "total_lessons", "total_duration_minutes"]
    list_select_related = ["course"]
    search_fields = ["title", "course__title"]
    autocomplete_fields = ["course"]
    inlines = [LessonInline]

    def get_readonly_fields(self, request: HttpRequest, obj: Curriculum | None = None) -> list[str]:
        # A section stays in its course: its learners' progress is counted there.
        fixed = ["course"] if obj else []
        return [*fixed, "total_lessons", "total_duration_minutes"]

    def may_delete(self, request: HttpRequest, obj: Curriculum | None = None) -> bool:
        """One by one only: the list's action doesn't ask for each row."""
        return obj is not None and was_never_out(obj.course)

    def hold_row(self, key: Any) -> None:
        services.hold_course_of_section(section_id=key)
        super().hold_row(key)

    def save_related(
        self, request: HttpRequest, form: ModelForm[Curriculum], formsets: Any, change: bool
    ) -> None:
        super().save_related(request, form, formsets, change)
        self._settle(form.instance.course_id)

    def delete_model(self, request: HttpRequest, obj: Curriculum) -> None:
        super().delete_model(request, obj)
        self._settle(obj.course_id)

    def _settle(self, course_id: uuid.UUID) -> None:
        course = Course.objects.only("category_id").get(id=course_id)
        services.settle_edit(course_id=course_id, previous_category_id=course.category_id)
