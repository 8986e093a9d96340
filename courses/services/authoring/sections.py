"""Sections of a course. Each write holds the course's lock, so that orders and totals are right."""

import uuid
from collections.abc import Sequence
from typing import TypedDict

from django.db.models import F, Value
from django.db.models.functions import Coalesce, Now

from courses.authors import Author
from courses.errors import CurriculumFull, LastLesson, LastSection
from courses.models import Course, Curriculum, Lesson
from courses.services.authoring.access import get_section, may_have_learners, writing
from courses.services.authoring.limits import require_size, weigh
from courses.services.authoring.ordering import put_at, renumber, require_same_ids
from courses.services.changed import settle_curriculum
from users.rights import Right

MAX_SECTIONS = 100


class SectionFields(TypedDict, total=False):
    """What an author may say of a section. `order` is its position, the first is 1."""

    title: str
    description: str
    order: int


def add_section(*, author: Author, reference: str, fields: SectionFields) -> uuid.UUID:
    """Add a section with this `title` at the end, or at `order`, and return its id.

    Raises InstructorRequired, CourseNotFound, NotCourseInstructor, CurriculumFull or
    CourseTooLarge.
    """
    with writing(author=author, reference=reference, right=Right.ADD_SECTIONS) as course:
        ids = list_section_ids(course)
        if len(ids) >= MAX_SECTIONS:
            raise CurriculumFull(None, limit=MAX_SECTIONS, of="sections of the course")
        section = Curriculum.objects.create(
            course=course,
            title=fields["title"],
            description=fields.get("description", ""),
            order=_next_order(course),
        )
        require_size(course_id=course.id)
        renumber(Curriculum, put_at(ids, section.id, fields.get("order", len(ids) + 1)))
        settle_curriculum(course_id=course.id)
    return section.id


def edit_section(
    *, author: Author, reference: str, section_id: uuid.UUID, fields: SectionFields
) -> None:
    """Change what is given of the section; `order` moves it there.

    Raises InstructorRequired, CourseNotFound, NotCourseInstructor or SectionNotFound.
    """
    with writing(author=author, reference=reference, right=Right.CHANGE_SECTIONS) as course:
        section = get_section(course=course, section_id=section_id)
        if not fields:
            return
        weight = weigh(section)
        section.title = fields.get("title", section.title)
        section.description = fields.get("description", section.description)
        section.save(update_fields=["title", "description", "updated_at"])
        if weigh(section) > weight:
            require_size(course_id=course.id)
        if "order" in fields:
            renumber(Curriculum, put_at(list_section_ids(course), section_id, fields["order"]))
        settle_curriculum(course_id=course.id)


def reorder_sections(*, author: Author, reference: str, order: Sequence[uuid.UUID]) -> None:
    """Put the course's sections into this order, all of them, in one statement.

    Raises InstructorRequired, CourseNotFound, NotCourseInstructor, or Invalid unless `order` names
    each section exactly once.
    """
    with writing(author=author, reference=reference, right=Right.CHANGE_SECTIONS) as course:
        require_same_ids(given=order, present=list_section_ids(course))
        renumber(Curriculum, order)
        settle_curriculum(course_id=course.id)


def remove_section(*, author: Author, reference: str, section_id: uuid.UUID) -> None:
    """Take the section and its lessons out of the course.

    Where somebody may have learned in it, its lessons are kept as removed ones in a neighbouring
    section, and with them the learners' progress. Raises InstructorRequired, CourseNotFound,
    NotCourseInstructor, SectionNotFound, LastLesson (no lesson would be left on sale) or
    LastSection (no neighbour could keep the lessons).
    """
    with writing(author=author, reference=reference, right=Right.REMOVE_SECTIONS) as course:
        section = get_section(course=course, section_id=section_id)
        if course.is_published:
            _require_lessons_elsewhere(section)
        ids = list_section_ids(course)
        if may_have_learners(course=course) and section.lessons.exists():
            _move_out(section, ids)
        section.delete()
        renumber(Curriculum, [key for key in ids if key != section_id])
        settle_curriculum(course_id=course.id)


def list_section_ids(course: Course) -> list[uuid.UUID]:
    """Return the ids of the course's sections in order."""
    sections = Curriculum.objects.filter(course=course).order_by("order", "id")
    return list(sections.values_list("id", flat=True))


def _next_order(course: Course) -> int:
    last = Curriculum.objects.filter(course=course).order_by("-order").values_list("order")
    row = last.first()
    return row[0] + 1 if row else 1


def _require_lessons_elsewhere(section: Curriculum) -> None:
    live = Lesson.objects.filter(curriculum__course_id=section.course_id, removed_at=None)
    in_section = live.filter(curriculum=section).exists()
    if in_section and not live.exclude(curriculum=section).exists():
        raise LastLesson


def _move_out(section: Curriculum, section_ids: list[uuid.UUID]) -> None:
    """Leave the section's lessons, removed, behind those of the section before it or after it."""
    neighbours = [key for key in section_ids if key != section.id]
    if not neighbours:
        raise LastSection
    keeper_id = neighbours[max(section_ids.index(section.id) - 1, 0)]
    last = Lesson.objects.filter(curriculum_id=keeper_id).order_by("-order").first()
    Lesson.objects.filter(curriculum=section).update(
        curriculum_id=keeper_id,
        order=F("order") + Value(last.order if last else 0),
        removed_at=Coalesce("removed_at", Now()),
        updated_at=Now(),
    )
