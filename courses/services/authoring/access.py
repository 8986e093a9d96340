"""Taking hold of what an author writes: the course first, then what lies in it.

The course's row lock is what serialises all writes of one course, its sections and lessons. It is
taken first and held to the end; nothing below it is locked on its own. It leaves the key alone, so
that learners and carts can refer to the course meanwhile.
"""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import transaction
from django.db.models import QuerySet

from core.audit import Snapshot, record_change, snapshot
from courses.authors import Author, require_author, require_may_write
from courses.errors import LessonNotFound, SectionNotFound
from courses.models import Course, CourseStats, Curriculum, Lesson
from courses.selectors import find_course
from courses.selectors.lookup import reference_filter
from users.rights import Right


@contextmanager
def writing(
    *, author: Author, reference: str, right: Right, for_key: bool = False
) -> Iterator[Course]:
    """Hold the course with this id or slug, locked, in a transaction of its own, for its instructor
    or for staff with the right. What staff make of it is audited: each column before and after.

    `for_key` is for a change of the slug, which is a key to PostgreSQL. Raises InstructorRequired,
    CourseNotFound, NotCourseInstructor or RightRequired.
    """
    with transaction.atomic():
        course = lock_own_course(author=author, reference=reference, right=right, for_key=for_key)
        if author.teaches(course.instructor_id):
            yield course
            return
        course_id = course.id
        before = snapshot_course(course_id=course_id)
        yield course
        record_change(
            actor_id=author.id,
            action=f"course.{right.name.lower()}",
            target_type="course",
            target_id=course_id,
            before=before,
            after=snapshot_course(course_id=course_id),
        )


def lock_own_course(
    *, author: Author, reference: str, right: Right, for_key: bool = False
) -> Course:
    """Return the course as `writing` does, in the caller's transaction, to be read. Strangers wait
    for nothing and lock nothing."""
    require_author(author=author)
    courses: QuerySet[Course] = Course.objects.select_for_update(no_key=not for_key)
    if right not in author.rights:
        courses = courses.filter(instructor_id=author.id if author.is_instructor else None)
    course = courses.filter(**reference_filter(reference)).first()
    if course is None:
        facts = find_course(reference=reference)
        require_may_write(
            author=author,
            right=right,
            instructor_id=facts.instructor_id,
            is_published=facts.is_published,
        )
        # It came to be the author's between the two looks: asking again finds it.
        return lock_own_course(author=author, reference=reference, right=right, for_key=for_key)
    return course


def record_creation(*, author: Author, course_id: uuid.UUID, right: Right) -> None:
    """Audit a course that staff made by their right. Runs in the transaction that makes it."""
    if author.is_instructor:
        return
    record_change(
        actor_id=author.id,
        action=f"course.{right.name.lower()}",
        target_type="course",
        target_id=course_id,
        before={},
        after=snapshot_course(course_id=course_id),
    )


def snapshot_course(*, course_id: uuid.UUID) -> Snapshot:
    """Return the columns of the course, its sections and lessons, for the audit trail."""
    return snapshot(
        Course.objects.filter(id=course_id),
        Curriculum.objects.filter(course=course_id),
        Lesson.objects.filter(curriculum__course=course_id),
    )


def get_section(*, course: Course, section_id: uuid.UUID) -> Curriculum:
    """Return the section of the locked course. Raises SectionNotFound."""
    section = Curriculum.objects.filter(id=section_id, course=course).first()
    if section is None:
        raise SectionNotFound
    return section


def get_live_lesson(*, section: Curriculum, lesson_id: uuid.UUID) -> Lesson:
    """Return the lesson of the section. Raises LessonNotFound, also when it was taken out."""
    lesson = Lesson.objects.filter(id=lesson_id, curriculum=section, removed_at=None).first()
    if lesson is None:
        raise LessonNotFound
    return lesson


def may_have_learners(*, course: Course) -> bool:
    """Whether anybody can have begun to learn in the course: it was on sale once, or staff let
    somebody in. Nothing is deleted from it then, as their progress would go along."""
    if course.published_at is not None:
        return True
    return CourseStats.objects.filter(course=course, student_count__gt=0).exists()
