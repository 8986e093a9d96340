"""Writing reviews and voting for them. A review and the sums of its course change together."""

import uuid

from django.db import IntegrityError, transaction
from django.db.models import F

from core import outbox
from courses.errors import CourseNotFound
from courses.selectors import find_course
from courses.services import RatingFact, change_rating
from enrollments.selectors import has_access
from reviews.errors import (
    AlreadyReviewed,
    EnrollmentRequired,
    NotYourReview,
    OwnCourse,
    OwnReview,
    ReviewNotFound,
)
from reviews.events import ReviewPosted
from reviews.models import HelpfulVote, Review


def post_review(
    *, user_id: uuid.UUID, course_reference: str, rating: int, title: str = "", comment: str = ""
) -> Review:
    """Return the person's new review of the course named by id or slug.

    Raises CourseNotFound (also for an unpublished course the person doesn't learn in), OwnCourse,
    EnrollmentRequired and, even when two come at once, AlreadyReviewed.
    """
    course = find_course(reference=course_reference)
    if course.instructor_id == user_id:
        raise OwnCourse
    if not has_access(user_id=user_id, course_id=course.id):
        raise EnrollmentRequired if course.is_published else CourseNotFound
    with transaction.atomic():
        review = _insert(
            Review(
                user_id=user_id, course_id=course.id, rating=rating, title=title, comment=comment
            )
        )
        change_rating(course_id=course.id, removed=None, added=_fact(review))
        outbox.record(ReviewPosted(review_id=review.id, course_id=course.id, user_id=user_id))
    return review


def edit_review(
    *,
    review_id: uuid.UUID,
    user_id: uuid.UUID,
    rating: int | None = None,
    title: str | None = None,
    comment: str | None = None,
) -> Review:
    """Change what is given and return the review. Raises ReviewNotFound or NotYourReview."""
    with transaction.atomic():
        review = _lock_own(review_id=review_id, user_id=user_id)
        before = _fact(review)
        review.rating = review.rating if rating is None else rating
        review.title = review.title if title is None else title
        review.comment = review.comment if comment is None else comment
        review.save(update_fields=["rating", "title", "comment", "updated_at"])
        after = _fact(review)
        if before != after:
            change_rating(course_id=review.course_id, removed=before, added=after)
    return review


def delete_review(*, review_id: uuid.UUID, user_id: uuid.UUID) -> None:
    """Take the review back. Raises ReviewNotFound or NotYourReview."""
    with transaction.atomic():
        review = _lock_own(review_id=review_id, user_id=user_id)
        _delete(review)


def moderate_reviews(*, review_ids: list[uuid.UUID]) -> int:
    """Delete reviews on behalf of staff; unknown ones are skipped. Returns how many there were."""
    with transaction.atomic():
        reviews = Review.objects.select_for_update().filter(id__in=review_ids).order_by("id")
        locked = list(reviews)
        for review in sorted(locked, key=lambda row: row.course_id):
            _delete(review)
    return len(locked)


def vote_helpful(*, review_id: uuid.UUID, user_id: uuid.UUID) -> tuple[int, bool]:
    """Count the person's vote, once; returns the review's votes and whether this one is new.

    Raises ReviewNotFound or OwnReview.
    """
    with transaction.atomic():
        review = _lock(review_id)
        if review.user_id == user_id:
            raise OwnReview
        _, added = HelpfulVote.objects.get_or_create(review=review, user_id=user_id)
        return _count_votes(review, 1 if added else 0), added


def withdraw_vote(*, review_id: uuid.UUID, user_id: uuid.UUID) -> None:
    """Take the person's vote back, if there is one. Raises ReviewNotFound."""
    with transaction.atomic():
        review = _lock(review_id)
        removed, _ = HelpfulVote.objects.filter(review=review, user_id=user_id).delete()
        _count_votes(review, -removed)


def _insert(review: Review) -> Review:
    """Insert, the unique constraint deciding a race."""
    try:
        with transaction.atomic():
            review.save(force_insert=True)
    except IntegrityError as exc:
        if "review_once" in str(exc):
            raise AlreadyReviewed from None
        raise
    return review


def _lock(review_id: uuid.UUID) -> Review:
    """Return the review, locked: votes, edits and deletion of one review come one after another."""
    review = Review.objects.select_for_update().filter(id=review_id).first()
    if review is None:
        raise ReviewNotFound
    return review


def _lock_own(*, review_id: uuid.UUID, user_id: uuid.UUID) -> Review:
    review = _lock(review_id)
    if review.user_id != user_id:
        raise NotYourReview
    return review


def _delete(review: Review) -> None:
    fact, course_id = _fact(review), review.course_id
    review.delete()
    change_rating(course_id=course_id, removed=fact, added=None)


def _count_votes(review: Review, by: int) -> int:
    if by:
        Review.objects.filter(id=review.id).update(helpful_count=F("helpful_count") + by)
    return review.helpful_count + by


def _fact(review: Review) -> RatingFact:
    return RatingFact(stars=review.rating, has_text=bool(review.title or review.comment))
