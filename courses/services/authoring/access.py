"""Taking hold of what an author writes: the course first, then what lies in it.

The course's row lock is what serialises all writes of one course, its sections and lessons. It is
taken first and held to the end; nothing below it is locked on its own. It leaves the key alone, so
that learners and carts can refer to the course meanwhile.
"""

import uuid

from django.db.models import QuerySet

from courses.authors import Author, require_author, require_in_charge
from courses.errors import LessonNotFound, SectionNotFound
from courses.models import Course, CourseStats, Curriculum, Lesson
from courses.selectors import find_course
from courses.selectors.lookup import reference_filter


def lock_own_course(*, author: Author, reference: str, for_key: bool = False) -> Course:
    """Return the course with this id or slug, locked, in the caller's transaction. Strangers wait
    for nothing and lock nothing.

    `for_key` is for a change of the slug, which is a key to PostgreSQL. Raises InstructorRequired,
    CourseNotFound or NotCourseInstructor.
    """
    require_author(author=author)
    courses: QuerySet[Course] = Course.objects.select_for_update(no_key=not for_key)
    if not author.is_staff:
        courses = courses.filter(instructor_id=author.id)
    course = courses.filter(**reference_filter(reference)).first()
    if course is None:
        facts = find_course(reference=reference)
        require_in_charge(
            author=author, instructor_id=facts.instructor_id, is_published=facts.is_published
        )
        # It came to be the author's between the two looks: asking again finds it.
        return lock_own_course(author=author, reference=reference, for_key=for_key)
    return course


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
