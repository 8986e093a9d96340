"""Courses as their authors make, change and remove them."""

import datetime as dt
import uuid
from decimal import Decimal
from typing import TypedDict

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from core.errors import Invalid
from courses.authors import Author, require_may_create
from courses.errors import CourseHasBuyers, RightRequired, Stale
from courses.models import Course
from courses.rules import find_price_faults
from courses.services import publishing
from courses.services.authoring.access import record_creation, writing
from courses.services.authoring.quotas import require_room_for_course
from courses.services.authoring.slugs import insert_with_slug, save_slug
from courses.services.changed import mark_changed
from users.rights import Right

# Times on the wire may have been read by clients that keep milliseconds.
_SAME_TIME = dt.timedelta(milliseconds=1)


class CourseFields(TypedDict, total=False):
    """What an author may say of a course. A key that isn't there is left as it is."""

    title: str
    slug: str
    description: str
    short_description: str
    category_id: uuid.UUID | None
    level: str
    language: str
    price: Decimal
    original_price: Decimal | None
    outcomes: list[str]
    requirements: list[str]
    preview_video_url: str


def create_course(*, author: Author, fields: CourseFields) -> uuid.UUID:
    """Create a draft of the author's and return its id. `title` is given; without a `slug` it gets
    one made from the title.

    Raises InstructorRequired, SlugTaken, QuotaExceeded, or Invalid when the prices contradict each
    other or nobody could pay them.
    """
    require_may_create(author=author, right=Right.ADD_COURSES)
    course = Course(instructor_id=author.id, is_priced="price" in fields, **fields)
    _require_sound_prices(course, is_new=True)
    with transaction.atomic():
        require_room_for_course(author=author, instructor_id=author.id)
        if course.slug:
            save_slug(course=course, force_insert=True)
        else:
            insert_with_slug(course=course)
        mark_changed(course_id=course.id)
        record_creation(author=author, course_id=course.id, right=Right.ADD_COURSES)
    return course.id


def edit_course(
    *,
    author: Author,
    reference: str,
    fields: CourseFields,
    expected_last_updated: dt.datetime | None = None,
) -> uuid.UUID:
    """Change what is given of the course with this id or slug and return its id.

    Raises InstructorRequired, CourseNotFound, NotCourseInstructor, SlugTaken, Invalid when the
    prices contradict each other or nobody could pay a new one, CourseIncomplete when a course on
    sale would lose what it needs, and Stale when `expected_last_updated` isn't the time of its last
    update.
    """
    with writing(
        author=author, reference=reference, right=Right.CHANGE_COURSES, for_key="slug" in fields
    ) as course:
        _require_fresh(course, expected_last_updated)
        shelf = course.category_id
        changed = _apply(course, fields)
        if not changed:
            return course.id
        _require_sound_prices(course, is_new="price" in changed)
        if course.is_published:
            publishing.require_complete(course)
        if "slug" in changed:
            save_slug(course=course)
        course.last_updated = timezone.now()
        course.save(update_fields=[*changed, "is_priced", "last_updated", "updated_at"])
        moved = course.category_id != shelf
        mark_changed(course_id=course.id, category_ids=[shelf, course.category_id] if moved else [])
    return course.id


def publish_own_course(*, author: Author, reference: str) -> uuid.UUID:
    """Put the course on sale, or, where the setting `COURSE_MODERATION` asks for it and the author
    may not decide so, hand it in for review; returns its id. Again changes nothing.

    Raises InstructorRequired, CourseNotFound, NotCourseInstructor or CourseIncomplete.
    """
    with writing(author=author, reference=reference, right=Right.CHANGE_COURSES) as course:
        is_reviewed = settings.COURSE_MODERATION and Right.CHANGE_COURSES not in author.rights
        move = publishing.submit_course if is_reviewed else publishing.publish_course
        move(course_id=course.id, actor_id=author.id)
    return course.id


def unpublish_own_course(*, author: Author, reference: str) -> uuid.UUID:
    """Take the course off sale or out of review and return its id; its learners keep it. A draft,
    or an archived course, is left as it is.

    Raises InstructorRequired, CourseNotFound or NotCourseInstructor.
    """
    with writing(author=author, reference=reference, right=Right.CHANGE_COURSES) as course:
        if course.status != Course.Status.ARCHIVED:
            publishing.unpublish_course(course_id=course.id, actor_id=author.id)
    return course.id


def remove_course(*, author: Author, reference: str) -> uuid.UUID | None:
    """Delete the course, or archive it when it has buyers or orders; returns the archived course's
    id, None when it is gone. Staff need the right to what it comes to: to remove its sections with
    it, or to change the course that is archived.

    Raises InstructorRequired, CourseNotFound, NotCourseInstructor or RightRequired.
    """
    with writing(
        author=author, reference=reference, right=Right.REMOVE_COURSES, for_key=True
    ) as course:
        course_id = course.id
        has_sections = course.curriculum.exists()
        try:
            publishing.delete_course(course_id=course_id, actor_id=author.id)
            if has_sections:
                _require_too(author, Right.REMOVE_SECTIONS, course)
        except CourseHasBuyers:
            _require_too(author, Right.CHANGE_COURSES, course)
            publishing.archive_course(course_id=course_id, actor_id=author.id)
            return course_id
    return None


def _require_too(author: Author, right: Right, course: Course) -> None:
    if right not in author.rights and not author.teaches(course.instructor_id):
        raise RightRequired


def _apply(course: Course, fields: CourseFields) -> list[str]:
    """Set the fields on the course; returns which of its columns differ now."""
    changed = [name for name, value in fields.items() if getattr(course, name) != value]
    for name in changed:
        setattr(course, name, fields[name])  # type: ignore[literal-required]
    if "price" in fields and not course.is_priced:
        course.is_priced = True
        changed.append("price")
    return changed


def _require_sound_prices(course: Course, *, is_new: bool) -> None:
    faults = find_price_faults(
        price=course.price, original_price=course.original_price, is_new=is_new
    )
    if faults:
        told = {field: [fault] for field, fault in faults.items()}
        raise Invalid("A value is not acceptable", **told)


def _require_fresh(course: Course, expected: dt.datetime | None) -> None:
    if expected is not None and abs(course.last_updated - expected) >= _SAME_TIME:
        raise Stale(None, last_updated=course.last_updated)
