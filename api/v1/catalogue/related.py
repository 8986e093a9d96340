"""Courses to look at after this one: what its learners also learn, and its neighbours."""

import uuid

from django.db.models import Count

from courses import selectors as course_selectors
from courses.selectors import CourseCard, CourseFacts
from enrollments.models import Enrollment

LIMIT = 8


def list_related(*, course: CourseFacts) -> list[CourseCard]:
    """Return at most eight published courses: those with the most learners in common first, then
    the most popular of the same category. Three queries."""
    published = course_selectors.list_published().exclude(id=course.id)
    shared_ids = _list_shared(course.id)
    shared = {row["id"]: row for row in published.filter(id__in=shared_ids)}
    rows = [shared[key] for key in shared_ids if key in shared][:LIMIT]
    if len(rows) < LIMIT and course.category_id is not None:
        neighbours = published.filter(category_id=course.category_id).exclude(id__in=shared)
        rows += neighbours[: LIMIT - len(rows)]
    return course_selectors.to_cards(rows)


def _list_shared(course_id: uuid.UUID) -> list[uuid.UUID]:
    """Return the courses in which this course's learners also are, the most of them first. More
    than are shown, as some may no longer be published."""
    learners = Enrollment.objects.filter(course_id=course_id, status=Enrollment.Status.ACTIVE)
    others = (
        Enrollment.objects.filter(
            user_id__in=learners.order_by().values("user_id"), status=Enrollment.Status.ACTIVE
        )
        .exclude(course_id=course_id)
        .order_by()
        .values("course_id")
        .annotate(shared=Count("id"))
        .order_by("-shared", "course_id")
    )
    return [row["course_id"] for row in others[: 2 * LIMIT]]
