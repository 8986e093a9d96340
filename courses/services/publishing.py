"""A course on its way into the catalogue and out of it, and what follows an edit."""

import uuid

from django.db import transaction
from django.db.models import Count, IntegerField, OuterRef, ProtectedError, Subquery, Sum
from django.db.models.functions import Coalesce
from django.utils import timezone

from core.audit import record_audit
from courses.errors import CourseHasBuyers, CourseIncomplete, CourseNotFound
from courses.models import Course, CourseStats, Curriculum, Lesson
from courses.services.recount import recount_categories
from courses.services.search_index import refresh_search


def publish_course(*, course_id: uuid.UUID, actor_id: uuid.UUID | None) -> None:
    """Put the course on sale; published already is fine.

    Raises CourseNotFound, or CourseIncomplete naming what is missing of title, description,
    category, price and one lesson (contract "Catalogue").
    """
    with transaction.atomic():
        course = _lock(course_id)
        if course.is_published:
            return
        if missing := _find_missing(course):
            raise CourseIncomplete(None, **missing)
        _move(course, Course.Status.PUBLISHED, actor_id)


def unpublish_course(*, course_id: uuid.UUID, actor_id: uuid.UUID | None) -> None:
    """Take the course off sale, back to a draft; its learners keep it. Raises CourseNotFound."""
    with transaction.atomic():
        course = _lock(course_id)
        if course.status != Course.Status.DRAFT:
            _move(course, Course.Status.DRAFT, actor_id)


def archive_course(*, course_id: uuid.UUID, actor_id: uuid.UUID | None) -> None:
    """Take the course off sale for good; its learners keep it. Raises CourseNotFound."""
    with transaction.atomic():
        course = _lock(course_id)
        if course.status != Course.Status.ARCHIVED:
            _move(course, Course.Status.ARCHIVED, actor_id)


def delete_course(*, course_id: uuid.UUID, actor_id: uuid.UUID | None) -> None:
    """Delete a course that nobody ever bought or began.

    Raises CourseNotFound, or CourseHasBuyers: such a course can only be archived.
    """
    with transaction.atomic():
        course = _lock(course_id)
        category_id, title = course.category_id, course.title
        try:
            course.delete()
        except ProtectedError:
            raise CourseHasBuyers from None
        _recount(category_id)
        record_audit(
            actor_id=actor_id,
            action="course.deleted",
            target_type="course",
            target_id=course_id,
            details={"title": title},
        )


def settle_edit(*, course_id: uuid.UUID, previous_category_id: uuid.UUID | None) -> None:
    """Bring what is derived up to date after course, sections or lessons were written: lengths,
    search, shelf counts, and the day of the last update. In the writer's transaction.

    `previous_category_id` is the category before the edit, the same when it didn't change.
    """
    with transaction.atomic():
        course = _lock(course_id)
        CourseStats.objects.bulk_create([CourseStats(course_id=course_id)], ignore_conflicts=True)
        _sum_up_sections(course_id)
        minutes = Coalesce(Sum("total_duration_minutes"), 0)
        total = Curriculum.objects.filter(course_id=course_id).aggregate(total=minutes)["total"]
        now = timezone.now()
        Course.objects.filter(id=course_id).update(
            duration_minutes=total, last_updated=now, updated_at=now
        )
        refresh_search(course_ids=[course_id])
        if course.category_id != previous_category_id:
            _recount(course.category_id, previous_category_id)


def rename_category(*, category_id: uuid.UUID) -> None:
    """Let search find the category's courses by its present name."""
    ids = Course.objects.filter(category_id=category_id).order_by("id").values_list("id", flat=True)
    refresh_search(course_ids=list(ids))


def _lock(course_id: uuid.UUID) -> Course:
    course = Course.objects.select_for_update(no_key=True).filter(id=course_id).first()
    if course is None:
        raise CourseNotFound
    return course


def _move(course: Course, status: str, actor_id: uuid.UUID | None) -> None:
    before, now = course.status, timezone.now()
    if status == Course.Status.PUBLISHED:
        # "New" counts from the first time: taking a course off and on makes it no newer.
        course.published_at = course.published_at or now
    Course.objects.filter(id=course.id).update(
        status=status, published_at=course.published_at, updated_at=now
    )
    refresh_search(course_ids=[course.id])
    _recount(course.category_id)
    record_audit(
        actor_id=actor_id,
        action="course.status_changed",
        target_type="course",
        target_id=course.id,
        details={"from": before, "to": status},
    )


def _find_missing(course: Course) -> dict[str, list[str]]:
    present = {
        "title": bool(course.title.strip()),
        "description": bool(course.description.strip()),
        "category": course.category_id is not None,
        "price": course.price is not None,
        "lessons": Lesson.objects.filter(curriculum__course=course, removed_at=None).exists(),
    }
    return {name: ["Publishing needs it."] for name, is_there in present.items() if not is_there}


def _sum_up_sections(course_id: uuid.UUID) -> None:
    live = Lesson.objects.filter(curriculum=OuterRef("pk"), removed_at=None).order_by()
    sums = live.values("curriculum").annotate(
        lessons=Count("id"), minutes=Coalesce(Sum("duration_minutes"), 0)
    )
    Curriculum.objects.filter(course_id=course_id).update(
        total_lessons=Coalesce(Subquery(sums.values("lessons"), IntegerField()), 0),
        total_duration_minutes=Coalesce(Subquery(sums.values("minutes"), IntegerField()), 0),
    )


def _recount(*category_ids: uuid.UUID | None) -> None:
    recount_categories(category_ids=[key for key in category_ids if key is not None])
