"""Generic views over querysets."""

import uuid
from typing import Any

from django.db.models import Prefetch, QuerySet
from rest_framework import generics
from rest_framework.filters import SearchFilter

from benchmarks.textbook.filters import ORDERINGS, CourseFilter
from benchmarks.textbook.pagination import SearchPagination
from benchmarks.textbook.serializers import (
    CourseDetailSerializer,
    CourseFoundSerializer,
    CourseListSerializer,
)
from courses.models import Course, CourseStats, Curriculum, Lesson
from enrollments.models import Enrollment, LessonProgress


class CourseListView(generics.ListAPIView[Any]):
    """The catalogue, read by way of the table that has an index for each ordering and filter: the
    count is of that table alone."""

    serializer_class = CourseListSerializer
    filterset_class = CourseFilter
    queryset = (
        CourseStats.objects.filter(is_listed=True)
        .select_related("course__instructor", "course__category")
        .order_by(*ORDERINGS["popular"])
    )

    def paginate_queryset(self, queryset: Any) -> Any:
        """Return the courses of the page; each has its counters at hand."""
        return [listed.course for listed in super().paginate_queryset(queryset) or []]


class WordsFilter(SearchFilter):
    """The plan's `SearchFilter` (10.4), under the name that the search's path gives it."""

    search_param = "q"


class SearchView(generics.ListAPIView[Course]):
    """Courses with all words in title or description, the popular first (plan 10.4)."""

    serializer_class = CourseFoundSerializer
    filter_backends = [WordsFilter]
    search_fields = ["title", "description"]
    pagination_class = SearchPagination
    queryset = (
        Course.objects.filter(is_published=True)
        .select_related("instructor", "category", "stats")
        .order_by("-stats__student_count", "-id")
    )


class CourseDetailView(generics.RetrieveAPIView[Course]):
    """The page of a course."""

    serializer_class = CourseDetailSerializer

    def get_queryset(self) -> QuerySet[Course, Any]:
        lessons = Lesson.objects.filter(removed_at=None).order_by("order", "id")
        sections = Curriculum.objects.order_by("order", "id")
        return (
            Course.objects.filter(is_published=True)
            .select_related("instructor__profile", "category", "stats")
            .prefetch_related(
                Prefetch(
                    "curriculum", sections.prefetch_related(Prefetch("lessons", queryset=lessons))
                )
            )
        )

    def get_serializer_context(self) -> dict[str, Any]:
        enrollment = self._find_enrollment()
        completed: set[uuid.UUID] = set()
        if enrollment:
            done = LessonProgress.objects.filter(enrollment=enrollment, is_completed=True)
            completed = set(done.values_list("lesson_id", flat=True))
        return {
            **super().get_serializer_context(),
            "enrollment": enrollment,
            "is_open": enrollment is not None,
            "completed_lessons": completed,
        }

    def _find_enrollment(self) -> Enrollment | None:
        user = self.request.user
        if not user.is_authenticated:
            return None
        return Enrollment.objects.filter(
            user_id=user.pk, course_id=self.kwargs["pk"], status=Enrollment.Status.ACTIVE
        ).first()
