"""Sections and lessons. Lessons that were taken out of their course are never among them."""

import uuid
from collections import defaultdict
from dataclasses import dataclass

from django.db.models import BooleanField, ExpressionWrapper, F, Q

from courses.errors import LessonNotFound
from courses.lesson_files import Resource, show_resources
from courses.models import Curriculum, Lesson


@dataclass(frozen=True, kw_only=True)
class LessonRow:
    """A live lesson, its media included: only a gate may hand `video_url` and `resources` on."""

    id: uuid.UUID
    curriculum_id: uuid.UUID
    title: str
    description: str
    duration_minutes: int
    order: int
    is_preview: bool
    video_url: str
    resources: list[Resource]


@dataclass(frozen=True, kw_only=True)
class SectionRow:
    """A section and its live lessons in order; the totals are of these lessons."""

    id: uuid.UUID
    title: str
    description: str
    order: int
    total_lessons: int
    total_duration_minutes: int
    lessons: list[LessonRow]


@dataclass(frozen=True, kw_only=True)
class LessonFacts:
    """A lesson and where it belongs. `is_live` is False when it was taken out of its course."""

    id: uuid.UUID
    title: str
    description: str
    order: int
    course_id: uuid.UUID
    instructor_id: uuid.UUID
    curriculum_id: uuid.UUID
    is_preview: bool
    duration_minutes: int
    video_url: str
    resources: list[Resource]
    is_live: bool
    course_status: str


def get_curriculum(
    *,
    course_id: uuid.UUID,
    section_id: uuid.UUID | None = None,
    lesson_id: uuid.UUID | None = None,
) -> list[SectionRow]:
    """Return the course's sections in order, each with its lessons; or this section alone, or this
    lesson alone in its section. Two queries."""
    lessons: defaultdict[uuid.UUID, list[LessonRow]] = defaultdict(list)
    rows = Lesson.objects.filter(curriculum__course_id=course_id, removed_at=None)
    sections = Curriculum.objects.filter(course_id=course_id).order_by("order", "id")
    if section_id is not None:
        rows, sections = rows.filter(curriculum=section_id), sections.filter(id=section_id)
    if lesson_id is not None:
        rows, sections = rows.filter(id=lesson_id), sections.filter(lessons=lesson_id)
    for row in rows.order_by("order", "id").values(
        "id", "curriculum_id", "title", "description", "duration_minutes", "order", "is_preview",
        "video_url", "resources",
    ):  # fmt: skip
        row["resources"] = show_resources(lesson_id=row["id"], resources=row["resources"])
        lessons[row["curriculum_id"]].append(LessonRow(**row))
    return [
        SectionRow(
            total_lessons=len(lessons[row["id"]]),
            total_duration_minutes=sum(lesson.duration_minutes for lesson in lessons[row["id"]]),
            lessons=lessons[row["id"]],
            **row,
        )
        for row in sections.values("id", "title", "description", "order")
    ]


def get_lesson_facts(*, lesson_id: uuid.UUID) -> LessonFacts:
    """Return the lesson, live or not. Raises LessonNotFound when there is none with this id."""
    row = (
        Lesson.objects.filter(id=lesson_id)
        .values(
            "id", "title", "description", "order", "curriculum_id", "is_preview",
            "duration_minutes", "video_url", "resources",
            is_live=ExpressionWrapper(Q(removed_at=None), BooleanField()),
            course_id=F("curriculum__course_id"),
            instructor_id=F("curriculum__course__instructor_id"),
            course_status=F("curriculum__course__status"),
        )
        .first()
    )  # fmt: skip
    if row is None:
        raise LessonNotFound
    row["resources"] = show_resources(lesson_id=lesson_id, resources=row["resources"])
    return LessonFacts(**row)


def count_live_lessons(*, course_id: uuid.UUID) -> int:
    """Return how many lessons the course has today."""
    return Lesson.objects.filter(curriculum__course_id=course_id, removed_at=None).count()


def live_lesson_ids(*, course_id: uuid.UUID) -> list[uuid.UUID]:
    """Return the ids of the course's lessons in the order in which they are learned."""
    lessons = Lesson.objects.filter(curriculum__course_id=course_id, removed_at=None)
    ordered = lessons.order_by("curriculum__order", "curriculum_id", "order", "id")
    return list(ordered.values_list("id", flat=True))
