"""Sections and lessons as their author sees them: media included, removed lessons not."""

import uuid
from typing import TypedDict

from courses.authors import Author, require_author, require_in_charge
from courses.errors import LessonNotFound, SectionNotFound
from courses.lesson_files import Resource
from courses.selectors.curriculum import LessonRow, SectionRow, get_curriculum
from courses.selectors.lookup import find_course


class OwnLesson(TypedDict):
    """A live lesson with its media."""

    id: uuid.UUID
    section_id: uuid.UUID
    title: str
    description: str
    duration_minutes: int
    order: int
    is_preview: bool
    video_url: str | None
    resources: list[Resource]


class OwnSection(TypedDict):
    """A section and its live lessons in order; the totals are of these lessons."""

    id: uuid.UUID
    title: str
    description: str
    order: int
    total_lessons: int
    total_duration_minutes: int
    lessons: list[OwnLesson]


def list_own_sections(*, author: Author, reference: str) -> list[OwnSection]:
    """Return the sections of the course with this id or slug in order. Three queries.

    Raises InstructorRequired, CourseNotFound or NotCourseInstructor.
    """
    return _read(author, reference)


def get_own_section(*, author: Author, reference: str, section_id: uuid.UUID) -> OwnSection:
    """Return one of `list_own_sections`. Raises what it raises, and SectionNotFound."""
    for section in _read(author, reference, section_id=section_id):
        return section
    raise SectionNotFound


def get_own_lesson(*, author: Author, reference: str, lesson_id: uuid.UUID) -> OwnLesson:
    """Return one lesson of `list_own_sections`. Raises what it raises, and LessonNotFound."""
    for section in _read(author, reference, lesson_id=lesson_id):
        for lesson in section["lessons"]:
            return lesson
    raise LessonNotFound


def _read(author: Author, reference: str, **only: uuid.UUID) -> list[OwnSection]:
    require_author(author=author)
    course = find_course(reference=reference)
    require_in_charge(
        author=author, instructor_id=course.instructor_id, is_published=course.is_published
    )
    return [_to_section(section) for section in get_curriculum(course_id=course.id, **only)]


def _to_section(section: SectionRow) -> OwnSection:
    return {
        "id": section.id,
        "title": section.title,
        "description": section.description,
        "order": section.order,
        "total_lessons": section.total_lessons,
        "total_duration_minutes": section.total_duration_minutes,
        "lessons": [_to_lesson(lesson) for lesson in section.lessons],
    }


def _to_lesson(lesson: LessonRow) -> OwnLesson:
    return {
        "id": lesson.id,
        "section_id": lesson.curriculum_id,
        "title": lesson.title,
        "description": lesson.description,
        "duration_minutes": lesson.duration_minutes,
        "order": lesson.order,
        "is_preview": lesson.is_preview,
        "video_url": lesson.video_url or None,
        "resources": lesson.resources,
    }
