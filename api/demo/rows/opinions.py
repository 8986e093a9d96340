"""Writes reviews and the votes that found them helpful."""

from collections.abc import Mapping

from api.demo.rows.inserting import BATCH, insert_dated
from api.demo.story import Attendance, PlannedReview
from courses.models import Course
from reviews.models import HelpfulVote, Review
from users.models import User


def create_reviews(
    *, attendances: list[Attendance], users: Mapping[str, User], courses: Mapping[str, Course]
) -> int:
    """Create the story's reviews, oldest first, with their votes; returns how many reviews."""
    planned = sorted(
        ((a, a.review) for a in attendances if a.review is not None), key=lambda pair: pair[1].at
    )
    reviews = [
        _review(review, users[attendance.learner], courses[attendance.course.slug])
        for attendance, review in planned
    ]
    insert_dated(Review, reviews)
    HelpfulVote.objects.bulk_create(
        [
            HelpfulVote(review=row, user=users[email])
            for row, (_, plan) in zip(reviews, planned, strict=True)
            for email in plan.helpful_to
        ],
        batch_size=BATCH,
    )
    return len(reviews)


def _review(plan: PlannedReview, user: User, course: Course) -> Review:
    return Review(
        course=course,
        user=user,
        rating=plan.source.rating,
        title=plan.source.title,
        comment=plan.source.comment,
        helpful_count=len(plan.helpful_to),
        created_at=plan.at,
        updated_at=plan.at,
    )
