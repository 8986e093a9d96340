"""A course copied, to be the start of another."""

import uuid

from django.db import transaction

from core.audit import record_change
from core.ids import new_id
from courses.authors import Author
from courses.models import Course, Curriculum, Lesson
from courses.services.authoring.access import lock_own_course, snapshot_course
from courses.services.authoring.limits import require_room_for_lessons, require_size
from courses.services.authoring.quotas import count_import, require_room_for_course
from courses.services.authoring.slugs import insert_with_slug
from courses.services.changed import mark_changed, settle_curriculum
from users.rights import Right

_SUFFIX = " (copy)"
_COPIED = (
    "description", "short_description", "category_id", "instructor_id", "thumbnail",
    "preview_video_url", "level", "language", "price", "is_priced", "original_price", "outcomes",
    "requirements",
)  # fmt: skip
_LESSON_COPIED = (
    "title", "description", "video_url", "duration_minutes", "order", "is_preview", "resources",
)  # fmt: skip


def duplicate_course(*, author: Author, reference: str) -> uuid.UUID:
    """Copy the course with its sections and live lessons to a new draft of the same instructor, and
    return the draft's id. What readers and buyers did to it isn't copied; the thumbnail is shared.

    Raises InstructorRequired, CourseNotFound, NotCourseInstructor, TooMany, QuotaExceeded, or, for
    one from before there were limits, CurriculumFull or CourseTooLarge.
    """
    count_import(author=author)
    with transaction.atomic():
        # Locked, so that the copy is of one moment, and its thumbnail isn't deleted meanwhile.
        source = lock_own_course(author=author, reference=reference, right=Right.ADD_WHOLE_COURSES)
        require_room_for_lessons(course_id=source.id, more=0)
        require_room_for_course(author=author, instructor_id=source.instructor_id)
        copy = Course(title=_copied_title(source.title))
        for name in _COPIED:
            setattr(copy, name, getattr(source, name))
        insert_with_slug(course=copy)
        _copy_curriculum(source, copy)
        require_size(course_id=copy.id)
        settle_curriculum(course_id=copy.id)
        mark_changed(course_id=copy.id)
        if not author.teaches(source.instructor_id):
            record_change(
                actor_id=author.id,
                action=f"course.{Right.ADD_WHOLE_COURSES.name.lower()}",
                target_type="course",
                target_id=source.id,
                before={},
                after=snapshot_course(course_id=copy.id),
            )
    return copy.id


def _copied_title(title: str) -> str:
    longest = Course._meta.get_field("title").max_length or 0
    return title[: longest - len(_SUFFIX)] + _SUFFIX


def _copy_curriculum(source: Course, copy: Course) -> None:
    sections = {section.id: section for section in Curriculum.objects.filter(course=source)}
    new_ids = {section_id: new_id() for section_id in sections}
    Curriculum.objects.bulk_create(
        Curriculum(
            id=new_ids[section.id],
            course=copy,
            title=section.title,
            description=section.description,
            order=section.order,
        )
        for section in sections.values()
    )
    lessons = Lesson.objects.filter(curriculum__course=source, removed_at=None)
    Lesson.objects.bulk_create(
        Lesson(
            curriculum_id=new_ids[lesson.curriculum_id],
            **{name: getattr(lesson, name) for name in _LESSON_COPIED},
        )
        for lesson in lessons.order_by("curriculum_id", "order")
    )
