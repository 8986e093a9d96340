"""Lessons of a section. Ids stay through every edit: learners' progress hangs on them."""

import uuid
from collections.abc import Sequence
from typing import TypedDict

from django.utils import timezone

from core.errors import Invalid
from courses.authors import Author
from courses.errors import CurriculumFull, LastLesson, ResourceNotFound, SectionNotFound
from courses.lesson_files import MAX_RESOURCES, Resource, arrange
from courses.models import Course, Lesson
from courses.services.authoring.access import (
    get_live_lesson,
    get_section,
    may_have_learners,
    writing,
)
from courses.services.authoring.limits import require_room_for_lessons, require_size, weigh
from courses.services.authoring.ordering import put_at, renumber, require_same_ids
from courses.services.changed import settle_curriculum
from users.rights import Right

MAX_LESSONS = 200


class LessonFields(TypedDict, total=False):
    """What an author may say of a lesson. `order` is its position, the first is 1; `section_id`
    is where an edit moves it, within its course."""

    title: str
    description: str
    video_url: str
    duration_minutes: int
    is_preview: bool
    resources: list[Resource]
    order: int
    section_id: uuid.UUID


_COLUMNS = ("title", "description", "video_url", "duration_minutes", "is_preview", "resources")


def add_lesson(
    *, author: Author, reference: str, section_id: uuid.UUID, fields: LessonFields
) -> uuid.UUID:
    """Add a lesson with this `title` at the section's end, or at `order`, and return its id.

    Raises InstructorRequired, CourseNotFound, NotCourseInstructor, SectionNotFound,
    CurriculumFull or CourseTooLarge.
    """
    with writing(author=author, reference=reference, right=Right.ADD_LESSONS) as course:
        section = get_section(course=course, section_id=section_id)
        live = _live_ids(section.id)
        _require_room(live)
        require_room_for_lessons(course_id=course.id)
        lesson = Lesson(curriculum=section, order=_next_order(section.id))
        _apply(lesson, fields)
        lesson.save(force_insert=True)
        require_size(course_id=course.id)
        _renumber(section.id, put_at(live, lesson.id, fields.get("order", len(live) + 1)))
        settle_curriculum(course_id=course.id)
    return lesson.id


def edit_lesson(
    *,
    author: Author,
    reference: str,
    section_id: uuid.UUID,
    lesson_id: uuid.UUID,
    fields: LessonFields,
) -> None:
    """Change what is given of the lesson; `order` and `section_id` move it.

    Links among `resources` are replaced; files stay, those named by `id` with the title and in the
    place given. Raises InstructorRequired, CourseNotFound, NotCourseInstructor, SectionNotFound,
    LessonNotFound, Invalid for a `section_id` of another course or an unknown file, CurriculumFull
    or CourseTooLarge.
    """
    with writing(author=author, reference=reference, right=Right.CHANGE_LESSONS) as course:
        section = get_section(course=course, section_id=section_id)
        lesson = get_live_lesson(section=section, lesson_id=lesson_id)
        if not fields:
            return
        weight = weigh(lesson)
        _apply(lesson, fields)
        lesson.save(update_fields=[*_COLUMNS, "updated_at"])
        if weigh(lesson) > weight:
            require_size(course_id=course.id)
        target_id = fields.get("section_id", section_id)
        if target_id != section_id:
            _move(course, lesson, target_id)
        if target_id != section_id or "order" in fields:
            others = [key for key in _live_ids(target_id) if key != lesson_id]
            _renumber(target_id, put_at(others, lesson_id, fields.get("order", len(others) + 1)))
        settle_curriculum(course_id=course.id)


def reorder_lessons(
    *, author: Author, reference: str, section_id: uuid.UUID, order: Sequence[uuid.UUID]
) -> None:
    """Put the section's lessons into this order, all of them, in one statement.

    Raises InstructorRequired, CourseNotFound, NotCourseInstructor, SectionNotFound, or Invalid
    unless `order` names each lesson exactly once.
    """
    with writing(author=author, reference=reference, right=Right.CHANGE_LESSONS) as course:
        section = get_section(course=course, section_id=section_id)
        require_same_ids(given=order, present=_live_ids(section.id))
        _renumber(section.id, order)
        settle_curriculum(course_id=course.id)


def remove_lesson(
    *, author: Author, reference: str, section_id: uuid.UUID, lesson_id: uuid.UUID
) -> None:
    """Take the lesson out of the course.

    Where somebody may have learned in it, its row stays, removed, and with it what they did; the
    progress they see is counted from what is left. Raises InstructorRequired, CourseNotFound,
    NotCourseInstructor, SectionNotFound, LessonNotFound, or LastLesson for a course on sale.
    """
    with writing(author=author, reference=reference, right=Right.REMOVE_LESSONS) as course:
        section = get_section(course=course, section_id=section_id)
        lesson = get_live_lesson(section=section, lesson_id=lesson_id)
        if course.is_published:
            _require_another_lesson(course, lesson)
        if may_have_learners(course=course):
            Lesson.objects.filter(id=lesson.id).update(
                removed_at=timezone.now(), updated_at=timezone.now()
            )
        else:
            lesson.delete()
        _renumber(section.id, _live_ids(section.id))
        settle_curriculum(course_id=course.id)


def _apply(lesson: Lesson, fields: LessonFields) -> None:
    stored = lesson.resources
    for name in _COLUMNS:
        if name in fields:
            setattr(lesson, name, fields[name])  # type: ignore[literal-required]
    if "resources" in fields:
        lesson.resources = _arrange(stored, fields["resources"])


def _arrange(stored: Sequence[Resource], given: Sequence[Resource]) -> list[Resource]:
    try:
        resources = arrange(stored=stored, given=given)
    except ResourceNotFound:
        raise Invalid(
            "A value is not acceptable", resources=["The lesson has no file with this id."]
        ) from None
    if len(resources) > MAX_RESOURCES:
        raise CurriculumFull(None, limit=MAX_RESOURCES, of="resources of the lesson")
    return resources


def _move(course: Course, lesson: Lesson, section_id: uuid.UUID) -> None:
    """Put the lesson at the end of another section, its number there not final yet, and close the
    gap that it leaves."""
    try:
        target = get_section(course=course, section_id=section_id)
    except SectionNotFound:
        raise Invalid(
            "A value is not acceptable", section_id=["The course has no such section."]
        ) from None
    _require_room(_live_ids(target.id))
    Lesson.objects.filter(id=lesson.id).update(curriculum=target, order=_next_order(target.id))
    _renumber(lesson.curriculum_id, _live_ids(lesson.curriculum_id))


def _live_ids(section_id: uuid.UUID) -> list[uuid.UUID]:
    live = Lesson.objects.filter(curriculum_id=section_id, removed_at=None)
    return list(live.order_by("order", "id").values_list("id", flat=True))


def _renumber(section_id: uuid.UUID, live_ids: Sequence[uuid.UUID]) -> None:
    """Number the live lessons in this order, and the removed ones behind them."""
    removed = Lesson.objects.filter(curriculum_id=section_id, removed_at__isnull=False)
    behind = removed.order_by("order", "id").values_list("id", flat=True)
    renumber(Lesson, [*live_ids, *behind])


def _next_order(section_id: uuid.UUID) -> int:
    lessons = Lesson.objects.filter(curriculum_id=section_id)
    row = lessons.order_by("-order").values_list("order").first()
    return row[0] + 1 if row else 1


def _require_room(live_ids: Sequence[uuid.UUID]) -> None:
    if len(live_ids) >= MAX_LESSONS:
        raise CurriculumFull(None, limit=MAX_LESSONS, of="lessons of the section")


def _require_another_lesson(course: Course, lesson: Lesson) -> None:
    others = Lesson.objects.filter(curriculum__course=course, removed_at=None)
    if not others.exclude(id=lesson.id).exists():
        raise LastLesson
