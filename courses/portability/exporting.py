"""A course out of this installation, as one file."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.conf import settings
from django.db import transaction

from courses import media
from courses.authors import Author
from courses.lesson_files import Resource
from courses.models import Course
from courses.portability.archive import Package, write_archive
from courses.portability.document import (
    CourseDocument,
    LessonDocument,
    ResourceDocument,
    SectionDocument,
    to_json,
)
from courses.selectors import get_curriculum
from courses.services.authoring.access import lock_own_course
from users.rights import Right

THUMBNAIL = "media/thumbnail.webp"


@dataclass(frozen=True, kw_only=True)
class CourseFile:
    """A file to hand out."""

    name: str
    content_type: str
    content: bytes


def export_json(*, author: Author, reference: str) -> CourseFile:
    """Return the course with this id or slug as `learnflow-course/1`, without its thumbnail.

    Raises InstructorRequired, CourseNotFound or NotCourseInstructor.
    """
    document, _ = _read(author, reference, has_media=False)
    return CourseFile(
        name=f"{document.slug}.json", content_type="application/json", content=to_json(document)
    )


def export_zip(*, author: Author, reference: str) -> CourseFile:
    """Return the course with this id or slug as a ZIP of `course.json` and its thumbnail.

    Raises InstructorRequired, CourseNotFound or NotCourseInstructor.
    """
    document, picture = _read(author, reference, has_media=True)
    files = {THUMBNAIL: picture} if picture is not None else {}
    content = write_archive(Package(course_json=to_json(document), media=files))
    return CourseFile(name=f"{document.slug}.zip", content_type="application/zip", content=content)


def _read(
    author: Author, reference: str, *, has_media: bool
) -> tuple[CourseDocument, bytes | None]:
    with transaction.atomic():
        # Writers of a course hold this lock: what is read under it is of one moment.
        course = lock_own_course(author=author, reference=reference, right=Right.EXPORT_COURSES)
        category = course.category.slug if course.category else None
        curriculum = _read_curriculum(course)
    stored = course.thumbnail.name if has_media else None
    picture = media.read_thumbnail(name=stored) if stored else None
    thumbnail = THUMBNAIL if picture is not None else None
    return _to_document(course, category, thumbnail, curriculum), picture


def _to_document(
    course: Course, category: str | None, thumbnail: str | None, curriculum: list[SectionDocument]
) -> CourseDocument:
    return CourseDocument(
        title=course.title,
        slug=course.slug,
        short_description=course.short_description,
        description=course.description,
        category=category,
        level=course.level,
        language=course.language,
        currency=settings.CURRENCY,
        price=course.price if course.is_priced else None,
        original_price=course.original_price,
        preview_video_url=course.preview_video_url,
        outcomes=course.outcomes,
        requirements=course.requirements,
        thumbnail=thumbnail,
        curriculum=curriculum,
    )


def _read_curriculum(course: Course) -> list[SectionDocument]:
    return [
        SectionDocument(
            title=section.title,
            description=section.description,
            lessons=[
                LessonDocument(
                    title=lesson.title,
                    description=lesson.description,
                    video_url=lesson.video_url,
                    duration_minutes=lesson.duration_minutes,
                    is_preview=lesson.is_preview,
                    resources=_read_resources(lesson.resources),
                )
                for lesson in section.lessons
            ],
        )
        for section in get_curriculum(course_id=course.id)
    ]


def _read_resources(rows: Iterable[Resource]) -> list[ResourceDocument]:
    # Files stay here: the address of one says nothing to another installation.
    return [
        ResourceDocument(title=row.get("title", ""), url=row.get("url", ""))
        for row in rows
        if "id" not in row
    ]
