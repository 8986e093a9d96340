"""Files of a lesson: added and taken away by their author."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from django.core.files.uploadedfile import UploadedFile

from courses import lesson_files
from courses.authors import Author
from courses.errors import CurriculumFull
from courses.lesson_files import MAX_RESOURCES, Resource, find_file
from courses.models import Course, Lesson
from courses.services.authoring.access import get_live_lesson, get_section, writing
from courses.services.authoring.quotas import count_upload, require_room_for_file
from courses.services.changed import settle_curriculum
from users.rights import Right


def add_lesson_file(
    *,
    author: Author,
    reference: str,
    section_id: uuid.UUID,
    lesson_id: uuid.UUID,
    title: str,
    upload: UploadedFile,
) -> Resource:
    """Put the upload at the end of the lesson's resources and return it as it is shown.

    The file is read and stored between two short transactions, so that neither is waited for under
    a lock. Raises InstructorRequired, CourseNotFound, NotCourseInstructor, SectionNotFound,
    LessonNotFound, CurriculumFull, QuotaExceeded, TooMany or LessonFileInvalid.
    """
    size = upload.size or 0
    with _holding(author, reference, section_id, lesson_id) as (course, lesson):
        # Who may not do it costs nothing.
        _require_room(course, lesson, size)
    count_upload(author=author)
    content_type = lesson_files.judge_upload(stream=upload, size=size, name=upload.name or "")
    file_id = lesson_files.store(upload=upload)
    added = {
        "id": str(file_id),
        "title": title,
        "size_bytes": size,
        "content_type": content_type,
    }
    try:
        with _holding(author, reference, section_id, lesson_id) as (course, lesson):
            _require_room(course, lesson, size)
            _save(course, lesson, [*lesson.resources, added])
    except BaseException:
        lesson_files.discard(file_id=file_id)
        raise
    (shown,) = lesson_files.show_resources(lesson_id=lesson_id, resources=[added])
    return shown


def remove_lesson_file(
    *,
    author: Author,
    reference: str,
    section_id: uuid.UUID,
    lesson_id: uuid.UUID,
    file_id: uuid.UUID,
) -> None:
    """Take the file away from the lesson. It is deleted at night, unless a copy of the lesson has
    it too.

    Raises InstructorRequired, CourseNotFound, NotCourseInstructor, SectionNotFound, LessonNotFound
    or ResourceNotFound.
    """
    with _holding(author, reference, section_id, lesson_id) as (course, lesson):
        file = find_file(resources=lesson.resources, file_id=file_id)
        _save(course, lesson, [item for item in lesson.resources if item != file])


@contextmanager
def _holding(
    author: Author, reference: str, section_id: uuid.UUID, lesson_id: uuid.UUID
) -> Iterator[tuple[Course, Lesson]]:
    with writing(author=author, reference=reference, right=Right.CHANGE_LESSONS) as course:
        section = get_section(course=course, section_id=section_id)
        yield course, get_live_lesson(section=section, lesson_id=lesson_id)


def _require_room(course: Course, lesson: Lesson, size: int) -> None:
    if len(lesson.resources) >= MAX_RESOURCES:
        raise CurriculumFull(None, limit=MAX_RESOURCES, of="resources of the lesson")
    require_room_for_file(instructor_id=course.instructor_id, size=size)


def _save(course: Course, lesson: Lesson, resources: list[Resource]) -> None:
    lesson.resources = resources
    lesson.save(update_fields=["resources", "updated_at"])
    settle_curriculum(course_id=course.id)
