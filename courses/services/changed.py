"""The one place that brings to readers what somebody wrote: search, totals, shelf counts, caches.

Every write of the catalogue, by authors, staff or an import, ends in one of these functions, in its
own transaction. Locks are taken in this order, so that no two writers can wait for each other:
course, its sections and lessons, its counters, then categories in key order.
"""

import uuid
from collections.abc import Collection

from django.core.cache import cache
from django.db import transaction
from django.db.models import Count, IntegerField, OuterRef, Subquery, Sum
from django.db.models.functions import Coalesce
from django.utils import timezone

from core.ids import new_id
from courses.cache import GENERATION_KEY, generation
from courses.errors import CourseNotFound
from courses.models import Course, CourseStats, Curriculum, Lesson
from courses.services.recount import recount_categories
from courses.services.search_index import refresh_search


def touch_catalogue() -> None:
    """Start a new generation of everything that is cached of the catalogue, after the commit."""
    transaction.on_commit(_renew_generation, robust=True)


def mark_changed(*, course_id: uuid.UUID, category_ids: Collection[uuid.UUID | None] = ()) -> None:
    """Let readers find the course as it is now: its words in search, the counts of these shelves,
    and no cached page of before. In the writer's transaction."""
    with transaction.atomic():
        refresh_search(course_ids=[course_id])
        recount_shelves(*category_ids)
        touch_catalogue()


def settle_edit(*, course_id: uuid.UUID, previous_category_id: uuid.UUID | None) -> None:
    """Bring what is derived up to date after course, sections or lessons were written: lengths,
    search, shelf counts, and the day of the last update. In the writer's transaction.

    `previous_category_id` is the category before the edit, the same when it didn't change. Raises
    CourseNotFound.
    """
    with transaction.atomic():
        course = lock_course(course_id=course_id)
        CourseStats.objects.bulk_create([CourseStats(course_id=course_id)], ignore_conflicts=True)
        settle_curriculum(course_id=course_id)
        moved = course.category_id != previous_category_id
        shelves = [course.category_id, previous_category_id] if moved else []
        mark_changed(course_id=course_id, category_ids=shelves)


def settle_curriculum(*, course_id: uuid.UUID) -> None:
    """Sum up sections and course after sections or lessons were written, and note the day. The
    caller's transaction holds the course's lock."""
    _sum_up_sections(course_id)
    sums = Curriculum.objects.filter(course=OuterRef("pk")).order_by().values("course")
    minutes = sums.annotate(total=Sum("total_duration_minutes")).values("total")
    now = timezone.now()
    Course.objects.filter(id=course_id).update(
        duration_minutes=Coalesce(Subquery(minutes, IntegerField()), 0),
        last_updated=now,
        updated_at=now,
    )
    touch_catalogue()


def lock_course(*, course_id: uuid.UUID, for_key: bool = False) -> Course:
    """Return the course, locked: edits of one course, its sections and lessons come one by one.

    `for_key` is for those who delete the course or change its slug: it also waits for rows that
    are just coming to refer to it. Raises CourseNotFound.
    """
    course = Course.objects.select_for_update(no_key=not for_key).filter(id=course_id).first()
    if course is None:
        raise CourseNotFound
    return course


def recount_shelves(*category_ids: uuid.UUID | None) -> None:
    """Recount the courses of those categories that aren't None."""
    if ids := {key for key in category_ids if key is not None}:
        recount_categories(category_ids=ids)


def _sum_up_sections(course_id: uuid.UUID) -> None:
    live = Lesson.objects.filter(curriculum=OuterRef("pk"), removed_at=None).order_by()
    sums = live.values("curriculum").annotate(
        lessons=Count("id"), minutes=Coalesce(Sum("duration_minutes"), 0)
    )
    Curriculum.objects.filter(course_id=course_id).update(
        total_lessons=Coalesce(Subquery(sums.values("lessons"), IntegerField()), 0),
        total_duration_minutes=Coalesce(Subquery(sums.values("minutes"), IntegerField()), 0),
    )


def _renew_generation() -> None:
    cache.set(GENERATION_KEY, new_id().hex, timeout=None)
    generation.forget()
