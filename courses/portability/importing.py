"""A course file read, judged in whole, and made a draft: all of it, or nothing."""

import io
import uuid
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import transaction

from core.audit import find_changes, record_audit
from core.gate import Gate
from core.ids import new_id
from courses import media
from courses.authors import Author, require_may_create
from courses.errors import SlugTaken, ThumbnailInvalid
from courses.models import Category, Course, Curriculum, Lesson
from courses.portability.archive import Package, is_archive, read_archive
from courses.portability.checks import find_faults
from courses.portability.document import CourseDocument, from_json
from courses.portability.faults import Fault, refuse
from courses.portability.parsing import parse
from courses.services.authoring.access import snapshot_course
from courses.services.authoring.limits import weigh
from courses.services.authoring.quotas import count_import, require_room_for_course
from courses.services.authoring.slugs import find_slug_fault, insert_with_slug, save_slug
from courses.services.changed import mark_changed, settle_curriculum
from users.rights import Right

_gate = Gate()


@dataclass(frozen=True, kw_only=True)
class ImportedCourse:
    """The new draft. `thumbnail` is a storage name, "" for none."""

    id: uuid.UUID
    title: str
    slug: str
    status: str
    thumbnail: str
    sections_count: int
    lessons_count: int


@dataclass(frozen=True, kw_only=True)
class CheckedFile:
    """A course file without faults."""

    document: CourseDocument
    category_id: uuid.UUID | None
    thumbnail: media.Thumbnail | None


def import_course(*, author: Author, content: bytes) -> ImportedCourse:
    """Make the course in the file (JSON or ZIP, told by its content) a draft of the author's.

    A taken slug gets a number. Raises InstructorRequired, TooMany, QuotaExceeded, Unavailable, and
    CourseFileMalformed or CourseFileInvalid naming every fault; then nothing has changed.
    """
    require_may_create(author=author, right=Right.ADD_WHOLE_COURSES)
    count_import(author=author)
    file = check_file(content=content)
    name = media.store_thumbnail(thumbnail=file.thumbnail) if file.thumbnail else ""
    try:
        with transaction.atomic():
            require_room_for_course(author=author, instructor_id=author.id)
            course = _insert(author, file, name)
    except BaseException:
        if name:
            media.delete_thumbnail(name=name)
        raise
    return ImportedCourse(
        id=course.id,
        title=course.title,
        slug=course.slug,
        status=course.status,
        thumbnail=name,
        sections_count=len(file.document.curriculum),
        lessons_count=file.document.lessons_count,
    )


def check_file(*, content: bytes) -> CheckedFile:
    """Return what the file holds, changing nothing. Files are read one at a time in a process.

    Raises CourseFileMalformed or CourseFileInvalid; `details` has the faults by their path.
    Unavailable when too many are waiting to be read.
    """
    limit = settings.COURSE_FILE_MAX_BYTES
    if len(content) > limit:
        refuse([Fault("$", f"The file is larger than {limit / (1024 * 1024):g} MiB.")])
    with _gate.passed():
        return _read(content)


def _read(content: bytes) -> CheckedFile:
    if is_archive(content):
        package = read_archive(content)
    else:
        package = Package(course_json=content, media={})
    data = parse(package.course_json)
    category = data.get("category") if isinstance(data, dict) else None
    category_id = _find_category(category)
    found = find_faults(
        data,
        media=package.media,
        category_exists=category_id is not None or not isinstance(category, str),
        currency=settings.CURRENCY,
    )
    faults = list(found)
    thumbnail = _make_thumbnail(data, package, faults)
    if faults:
        refuse(faults)
    document = from_json(data, currency=settings.CURRENCY)
    _require_size(document)
    return CheckedFile(document=document, category_id=category_id, thumbnail=thumbnail)


def _require_size(document: CourseDocument) -> None:
    size = sum(
        weigh(section) + sum(weigh(lesson) for lesson in section.lessons)
        for section in document.curriculum
    )
    limit = settings.COURSE_MAX_BYTES
    if size > limit:
        text = f"Must have at most {limit / (1024 * 1024):g} MiB of text altogether."
        refuse([Fault("$.curriculum", text)])


def _find_category(slug: object) -> uuid.UUID | None:
    if not isinstance(slug, str) or "\x00" in slug:
        return None
    return Category.objects.filter(slug=slug).values_list("id", flat=True).first()


def _make_thumbnail(data: Any, package: Package, faults: list[Fault]) -> media.Thumbnail | None:
    """Return the picture that the document names, if it came with it; adds what is wrong with it
    to the faults."""
    name = data.get("thumbnail") if isinstance(data, dict) else None
    content = package.media.get(name) if isinstance(name, str) else None
    if content is None:
        return None
    try:
        return media.make_thumbnail(stream=io.BytesIO(content), size=len(content), is_import=True)
    except ThumbnailInvalid as exc:
        faults.append(Fault("$.thumbnail", exc.reason))
        return None


def _insert(author: Author, file: CheckedFile, thumbnail: str) -> Course:
    course = _to_course(author, file, thumbnail)
    _insert_with_wish(course, file.document.slug)
    _insert_curriculum(course, file.document)
    settle_curriculum(course_id=course.id)
    mark_changed(course_id=course.id)
    details: dict[str, object] = {"title": course.title}
    if not author.is_instructor:
        after = snapshot_course(course_id=course.id)
        details["changes"] = find_changes(before={}, after=after)
    record_audit(
        actor_id=author.id,
        action="course.imported",
        target_type="course",
        target_id=course.id,
        details=details,
    )
    return course


def _to_course(author: Author, file: CheckedFile, thumbnail: str) -> Course:
    document = file.document
    return Course(
        instructor_id=author.id,
        title=document.title,
        short_description=document.short_description,
        description=document.description,
        category_id=file.category_id,
        level=document.level,
        language=document.language,
        price=document.price if document.price is not None else Decimal(0),
        is_priced=document.price is not None,
        original_price=document.original_price,
        preview_video_url=document.preview_video_url,
        outcomes=document.outcomes,
        requirements=document.requirements,
        thumbnail=thumbnail,
    )


def _insert_with_wish(course: Course, slug: str | None) -> None:
    """Insert the course under the slug it wishes for, else under one of the same words."""
    if slug and find_slug_fault(slug=slug) is None:
        course.slug = slug
        try:
            save_slug(course=course, force_insert=True)
        except SlugTaken:
            pass
        else:
            return
    insert_with_slug(course=course, words=slug or "")


def _insert_curriculum(course: Course, document: CourseDocument) -> None:
    sections, lessons = [], []
    for position, section in enumerate(document.curriculum, start=1):
        row = Curriculum(
            id=new_id(),
            course=course,
            title=section.title,
            description=section.description,
            order=position,
        )
        sections.append(row)
        for number, lesson in enumerate(section.lessons, start=1):
            lessons.append(Lesson(id=new_id(), curriculum=row, order=number, **asdict(lesson)))
    Curriculum.objects.bulk_create(sections)
    Lesson.objects.bulk_create(lessons, batch_size=1000)
