"""A course on its way into the catalogue and out of it."""

import uuid

from django.db import transaction
from django.db.models import ProtectedError
from django.utils import timezone

from core.audit import record_audit
from courses import rules
from courses.errors import (
    CourseHasBuyers,
    CourseIncomplete,
    NotInReview,
    ReviewNoteMissing,
)
from courses.media import discard_thumbnail
from courses.models import Course, CourseSubmission, Lesson
from courses.services.changed import lock_course, mark_changed, recount_shelves, touch_catalogue
from courses.services.search_index import refresh_search

Status = Course.Status
Decision = CourseSubmission.Decision


def publish_course(*, course_id: uuid.UUID, actor_id: uuid.UUID | None) -> None:
    """Put the course on sale; published already is fine.

    Raises CourseNotFound, or CourseIncomplete naming what is missing of title, description,
    category, price and one lesson (contract "Catalogue"), and a price that can't be charged.
    """
    with transaction.atomic():
        course = lock_course(course_id=course_id)
        if not course.is_published:
            require_complete(course)
            _move(course, Status.PUBLISHED, actor_id, Decision.APPROVED)


def submit_course(*, course_id: uuid.UUID, actor_id: uuid.UUID | None) -> None:
    """Hand the course in for review by staff; in review or published already is fine.

    Raises CourseNotFound or CourseIncomplete, as `publish_course`.
    """
    with transaction.atomic():
        course = lock_course(course_id=course_id)
        if course.status in {Status.IN_REVIEW, Status.PUBLISHED}:
            return
        require_complete(course)
        CourseSubmission.objects.create(course=course)
        _move(course, Status.IN_REVIEW, actor_id)


def approve_course(*, course_id: uuid.UUID, actor_id: uuid.UUID, note: str = "") -> None:
    """Publish a course that is in review, with a word to its instructor if there is one.

    Raises CourseNotFound, NotInReview, or CourseIncomplete when it lost a part meanwhile.
    """
    with transaction.atomic():
        course = _lock_in_review(course_id)
        require_complete(course)
        _move(course, Status.PUBLISHED, actor_id, Decision.APPROVED, note)


def reject_course(*, course_id: uuid.UUID, actor_id: uuid.UUID, note: str) -> None:
    """Give a course that is in review back to its instructor as a draft, saying why.

    Raises CourseNotFound, NotInReview or ReviewNoteMissing.
    """
    if not note.strip():
        raise ReviewNoteMissing
    with transaction.atomic():
        _move(_lock_in_review(course_id), Status.DRAFT, actor_id, Decision.REJECTED, note.strip())


def unpublish_course(*, course_id: uuid.UUID, actor_id: uuid.UUID | None) -> None:
    """Take the course off sale or out of review, back to a draft; its learners keep it. Raises
    CourseNotFound."""
    with transaction.atomic():
        course = lock_course(course_id=course_id)
        if course.status != Status.DRAFT:
            _move(course, Status.DRAFT, actor_id, Decision.WITHDRAWN)


def archive_course(*, course_id: uuid.UUID, actor_id: uuid.UUID | None) -> None:
    """Take the course off sale for good; its learners keep it. Raises CourseNotFound."""
    with transaction.atomic():
        course = lock_course(course_id=course_id)
        if course.status != Status.ARCHIVED:
            _move(course, Status.ARCHIVED, actor_id, Decision.WITHDRAWN)


def delete_course(*, course_id: uuid.UUID, actor_id: uuid.UUID | None) -> None:
    """Delete a course that nobody ever bought or began.

    Raises CourseNotFound, or CourseHasBuyers: such a course can only be archived.
    """
    with transaction.atomic():
        # With its key: an enrolment that comes now waits, and then finds no course to buy.
        course = lock_course(course_id=course_id, for_key=True)
        category_id, title, thumbnail = course.category_id, course.title, course.thumbnail.name
        try:
            course.delete()
        except ProtectedError:
            raise CourseHasBuyers from None
        discard_thumbnail(name=thumbnail or "")
        recount_shelves(category_id)
        touch_catalogue()
        record_audit(
            actor_id=actor_id,
            action="course.deleted",
            target_type="course",
            target_id=course_id,
            details={"title": title},
        )


def hold_shelf(*, category_id: uuid.UUID) -> None:
    """Lock the category's courses in key order until the caller's transaction ends: whoever writes
    a category and then its courses holds the courses first, as everybody does."""
    courses = Course.objects.select_for_update(no_key=True).filter(category_id=category_id)
    list(courses.order_by("id").values_list("id"))


def hold_course_of_section(*, section_id: uuid.UUID) -> None:
    """Lock the section's course likewise, if there is such a section: its lock comes first."""
    courses = Course.objects.select_for_update(no_key=True).filter(curriculum=section_id)
    list(courses.values_list("id"))


def rename_category(*, category_id: uuid.UUID) -> None:
    """Let readers find the category's courses by its present name."""
    ids = Course.objects.filter(category_id=category_id).order_by("id").values_list("id", flat=True)
    with transaction.atomic():
        refresh_search(course_ids=list(ids))
        touch_catalogue()


def require_complete(course: Course) -> None:
    """Raise CourseIncomplete unless the course has all that one on sale must have, at a price that
    can be charged; one that is on sale keeps the price it has."""
    missing = rules.list_missing(
        title=course.title,
        description=course.description,
        category_id=course.category_id,
        is_priced=course.is_priced,
        lessons=Lesson.objects.filter(curriculum__course=course, removed_at=None).count(),
    )
    faults = {name: ["Publishing needs it."] for name in missing}
    # Of a draft from before the bounds, or from before they moved.
    if not course.is_published and (fault := rules.find_charge_fault(price=course.price)):
        faults["price"] = [fault]
    if faults:
        raise CourseIncomplete(None, **faults)


def _lock_in_review(course_id: uuid.UUID) -> Course:
    course = lock_course(course_id=course_id)
    if course.status != Status.IN_REVIEW:
        raise NotInReview
    return course


def _move(
    course: Course,
    status: Course.Status,
    actor_id: uuid.UUID | None,
    decision: CourseSubmission.Decision = Decision.OPEN,
    note: str = "",
) -> None:
    """Give the locked course its status, and close its open submission with the decision."""
    before, now = course.status, timezone.now()
    if status == Status.PUBLISHED:
        # "New" counts from the first time: taking a course off and on makes it no newer.
        course.published_at = course.published_at or now
    Course.objects.filter(id=course.id).update(
        status=status, published_at=course.published_at, updated_at=now
    )
    if decision:
        CourseSubmission.objects.filter(course=course, decision=Decision.OPEN).update(
            decision=decision, note=note, decided_at=now, decided_by_id=actor_id, updated_at=now
        )
    mark_changed(course_id=course.id, category_ids=[course.category_id])
    record_audit(
        actor_id=actor_id,
        action="course.status_changed",
        target_type="course",
        target_id=course.id,
        details={"from": before, "to": status.value, **({"note": note} if note else {})},
    )
