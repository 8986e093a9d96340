"""Writing reviews: who may, what moves with them, and that nothing else does."""

import random
import threading
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from core.models import OutboxEvent
from courses import services as course_services
from courses.errors import CourseNotFound
from courses.models import CourseStats
from reviews import services
from reviews.errors import (
    AlreadyReviewed,
    EnrollmentRequired,
    NotYourReview,
    OwnCourse,
    OwnReview,
    ReviewNotFound,
)
from reviews.models import HelpfulVote, Review
from tests.factories import CourseFactory, EnrollmentFactory, ReviewFactory, UserFactory


def sums(course):
    stats = CourseStats.objects.get(course=course)
    return stats.rating_count, stats.rating_sum, stats.review_count


def post(enrollment, **fields):
    return services.post_review(
        user_id=enrollment.user_id,
        course_reference=str(enrollment.course_id),
        **{"rating": 4, **fields},
    )


@pytest.fixture
def enrolled(db):
    return EnrollmentFactory.create()


def test_a_review_counts_and_is_announced(enrolled):
    other = CourseFactory.create()
    review = post(enrolled, title="Good", comment="")
    assert sums(enrolled.course) == (1, 4, 1)
    assert sums(other) == (0, 0, 0)
    (event,) = OutboxEvent.objects.filter(name="reviews.posted")
    assert event.payload == {
        "review_id": str(review.id),
        "course_id": str(enrolled.course_id),
        "user_id": str(enrolled.user_id),
    }


def test_a_rating_without_a_text_is_no_review(enrolled):
    post(enrolled)
    assert sums(enrolled.course) == (1, 4, 0)


def test_the_slug_names_the_course_too(enrolled):
    review = services.post_review(
        user_id=enrolled.user_id, course_reference=enrolled.course.slug, rating=1
    )
    assert review.course_id == enrolled.course_id


@pytest.mark.parametrize("status", ["suspended", "revoked"])
def test_only_an_active_enrolment_reviews(db, status):
    enrollment = EnrollmentFactory.create(status=status)
    with pytest.raises(EnrollmentRequired):
        post(enrollment)
    assert not Review.objects.exists()
    assert sums(enrollment.course) == (0, 0, 0)


def test_strangers_are_refused(db):
    course, stranger = CourseFactory.create(), UserFactory.create()
    with pytest.raises(EnrollmentRequired):
        services.post_review(user_id=stranger.id, course_reference=course.slug, rating=5)


def test_an_unpublished_course_is_only_there_for_its_learners(db):
    enrollment = EnrollmentFactory.create(course__status="archived")
    with pytest.raises(CourseNotFound):
        services.post_review(
            user_id=UserFactory.create().id, course_reference=enrollment.course.slug, rating=5
        )
    assert post(enrollment).rating == 4


def test_nobody_reviews_their_own_course(db):
    course = CourseFactory.create()
    EnrollmentFactory.create(course=course, user=course.instructor)
    with pytest.raises(OwnCourse):
        services.post_review(user_id=course.instructor_id, course_reference=course.slug, rating=5)


def test_a_second_review_is_refused_and_counts_nothing(enrolled):
    post(enrolled)
    with pytest.raises(AlreadyReviewed):
        post(enrolled, rating=1)
    assert sums(enrolled.course) == (1, 4, 0)
    assert OutboxEvent.objects.filter(name="reviews.posted").count() == 1


def test_an_edit_moves_the_sums(enrolled):
    review = post(enrolled, rating=2)
    services.edit_review(review_id=review.id, user_id=enrolled.user_id, rating=5, comment="Better")
    assert sums(enrolled.course) == (1, 5, 1)
    services.edit_review(review_id=review.id, user_id=enrolled.user_id, comment="")
    assert sums(enrolled.course) == (1, 5, 0)
    assert OutboxEvent.objects.filter(name="reviews.posted").count() == 1


def test_only_the_author_edits_and_deletes(enrolled):
    review, other = post(enrolled), UserFactory.create()
    with pytest.raises(NotYourReview):
        services.edit_review(review_id=review.id, user_id=other.id, rating=1)
    with pytest.raises(NotYourReview):
        services.delete_review(review_id=review.id, user_id=other.id)
    for act in (services.edit_review, services.delete_review):
        with pytest.raises(ReviewNotFound):
            act(review_id=uuid.uuid4(), user_id=other.id)
    review.refresh_from_db()
    assert (review.rating, sums(enrolled.course)) == (4, (1, 4, 0))


def test_a_deleted_review_counts_no_more_and_may_be_written_again(enrolled):
    review = post(enrolled, comment="Words")
    services.vote_helpful(review_id=review.id, user_id=UserFactory.create().id)
    services.delete_review(review_id=review.id, user_id=enrolled.user_id)
    assert sums(enrolled.course) == (0, 0, 0)
    assert not HelpfulVote.objects.exists()
    assert post(enrolled, rating=3).rating == 3


def test_votes_count_once_a_person(enrolled):
    review, fan = post(enrolled), UserFactory.create()
    before = review.updated_at
    assert services.vote_helpful(review_id=review.id, user_id=fan.id) == (1, True)
    assert services.vote_helpful(review_id=review.id, user_id=fan.id) == (1, False)
    services.withdraw_vote(review_id=review.id, user_id=fan.id)
    services.withdraw_vote(review_id=review.id, user_id=fan.id)
    review.refresh_from_db()
    assert (review.helpful_count, review.updated_at) == (0, before)


def test_votes_are_refused_for_ones_own_and_for_none(enrolled):
    review = post(enrolled)
    with pytest.raises(OwnReview):
        services.vote_helpful(review_id=review.id, user_id=enrolled.user_id)
    with pytest.raises(ReviewNotFound):
        services.vote_helpful(review_id=uuid.uuid4(), user_id=enrolled.user_id)
    with pytest.raises(ReviewNotFound):
        services.withdraw_vote(review_id=uuid.uuid4(), user_id=enrolled.user_id)


def test_staff_takes_reviews_down_and_the_sums_follow(enrolled):
    other = EnrollmentFactory.create()
    reviews = [post(enrolled), post(other)]
    ids = [*(review.id for review in reviews), uuid.uuid4()]
    assert services.moderate_reviews(review_ids=ids) == 2
    assert sums(enrolled.course) == sums(other.course) == (0, 0, 0)


@pytest.mark.parametrize("seed", range(5))
def test_counters_equal_a_recount_after_any_operations(db, seed):
    chance = random.Random(seed)
    courses = CourseFactory.create_batch(2)
    enrollments = [EnrollmentFactory.create(course=course) for course in courses for _ in range(3)]
    for _ in range(40):
        enrollment = chance.choice(enrollments)
        review = Review.objects.filter(
            user_id=enrollment.user_id, course_id=enrollment.course_id
        ).first()
        fields: dict[str, Any] = {
            "rating": chance.randint(1, 5),
            "comment": chance.choice(["", "Words"]),
        }
        if review is None:
            post(enrollment, **fields)
        elif chance.random() < 0.3:
            services.delete_review(review_id=review.id, user_id=enrollment.user_id)
        else:
            services.edit_review(review_id=review.id, user_id=enrollment.user_id, **fields)
    drift = [row for row in course_services.recount_stats() if row.field != "student_count"]
    assert drift == []


def test_a_recount_repairs_and_reports_what_drifted(enrolled):
    post(enrolled, rating=5)
    stats = CourseStats.objects.filter(course=enrolled.course)
    stats.update(rating_count=7, rating_5=7, rating_sum=30, student_count=1)
    found = {(row.field, row.stored, row.counted) for row in course_services.recount_stats()}
    assert found == {("rating_count", 7, 1), ("rating_5", 7, 1), ("rating_sum", 30, 5)}
    assert sums(enrolled.course) == (1, 5, 0)
    assert course_services.recount_stats() == []


def run_together(*jobs: Callable[[], object]) -> list[Any]:
    """Run the jobs at once, each on its own connection; returns results or exceptions."""
    barrier = threading.Barrier(len(jobs))
    results: list[Any] = [None] * len(jobs)

    def run(index: int, job: Callable[[], object]) -> None:
        barrier.wait()
        try:
            results[index] = job()
        except Exception as exc:
            results[index] = exc
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(jobs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


@pytest.mark.django_db(transaction=True)
def test_two_posts_at_once_make_one_review():
    enrollment = EnrollmentFactory.create()
    results = run_together(*[lambda: post(enrollment)] * 4)
    assert sum(isinstance(result, Review) for result in results) == 1
    assert sum(isinstance(result, AlreadyReviewed) for result in results) == 3
    assert sums(enrollment.course) == (1, 4, 0)


@pytest.mark.django_db(transaction=True)
def test_edits_at_once_keep_the_sums_right():
    enrollment = EnrollmentFactory.create()
    CourseStats.objects.filter(course=enrollment.course).update(student_count=1)
    review = post(enrollment, rating=3)
    jobs = [
        lambda rating=rating: services.edit_review(
            review_id=review.id, user_id=enrollment.user_id, rating=rating
        )
        for rating in (1, 2, 4, 5)
    ]
    results = run_together(*jobs, *jobs)
    assert all(isinstance(result, Review) for result in results), results
    assert course_services.recount_stats() == []


@pytest.mark.django_db(transaction=True)
def test_edit_and_delete_at_once_keep_the_sums_right():
    enrollment = EnrollmentFactory.create()
    review = post(enrollment, rating=3)
    owner = {"review_id": review.id, "user_id": enrollment.user_id}
    results = run_together(
        *[lambda: services.edit_review(**owner, rating=5)] * 3,
        *[lambda: services.delete_review(**owner)] * 3,
    )
    assert results[3:].count(None) == 1
    refused = [result for result in results if isinstance(result, Exception)]
    assert all(isinstance(result, ReviewNotFound) for result in refused), results
    assert sums(enrollment.course) == (0, 0, 0)


@pytest.mark.django_db(transaction=True)
def test_votes_at_once_are_counted_once_a_person():
    review = ReviewFactory.create()
    fans = UserFactory.create_batch(3)
    jobs = [
        lambda fan=fan: services.vote_helpful(review_id=review.id, user_id=fan.id)
        for fan in fans
        for _ in range(2)
    ]
    results = run_together(*jobs)
    review.refresh_from_db()
    assert review.helpful_count == HelpfulVote.objects.count() == 3
    assert sum(added for _, added in results) == 3


@pytest.mark.django_db(transaction=True)
def test_a_vote_withdrawn_twice_at_once_counts_down_once():
    review = ReviewFactory.create()
    fan, other = UserFactory.create_batch(2)
    services.vote_helpful(review_id=review.id, user_id=fan.id)
    services.vote_helpful(review_id=review.id, user_id=other.id)
    run_together(*[lambda: services.withdraw_vote(review_id=review.id, user_id=fan.id)] * 4)
    review.refresh_from_db()
    assert review.helpful_count == HelpfulVote.objects.count() == 1
