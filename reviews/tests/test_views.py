"""Reviews over HTTP."""

import datetime as dt
import uuid

import pytest
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.test import APIRequestFactory

from reviews.models import Review
from reviews.selectors import average_rating_given, tell_age
from reviews.serializers import OwnReviewSerializer, ReviewSerializer
from reviews.views import CourseReviewsView
from tests.factories import (
    CourseFactory,
    EnrollmentFactory,
    ReviewFactory,
    UserFactory,
    sign_in,
)

pytestmark = pytest.mark.django_db


def path_of(course):
    return f"/api/v1/courses/{course.id}/reviews/"


def error(response, status):
    body = response.json()["error"]
    assert set(body) == {"code", "message", "status", "details", "request_id"}
    assert response.status_code == body["status"] == status
    return body


def listed(client, course, query=""):
    response = client.get(path_of(course) + query)
    assert response.status_code == 200, response.content
    return [row["id"] for row in response.json()["results"]]


@pytest.fixture
def enrollment():
    return EnrollmentFactory.create()


def test_a_row_is_what_the_plan_shows(api):
    review = ReviewFactory.create(helpful_count=3)
    review.user.profile.profile_picture = "profiles/j.webp"
    review.user.profile.save()
    body = api.get(path_of(review.course)).json()
    assert list(body) == ["count", "next", "previous", "total_pages", "current_page", "results"]
    (row,) = body["results"]
    assert set(row) == set(ReviewSerializer().fields)
    assert row == {
        "id": str(review.id),
        "author": {
            "id": str(review.user_id),
            "first_name": review.user.first_name,
            "last_name": review.user.last_name,
            "avatar": "http://testserver/media/profiles/j.webp",
        },
        "rating": 5,
        "title": "Good",
        "comment": "I learned a lot.",
        "helpful_count": 3,
        "created_at": review.created_at.isoformat().replace("+00:00", "Z"),
    }


@pytest.mark.parametrize("number", [1, 20])
def test_a_list_costs_course_count_and_page(api, django_assert_num_queries, number):
    course = CourseFactory.create()
    ReviewFactory.create_batch(number, course=course)
    with django_assert_num_queries(3):
        assert len(listed(api, course)) == number


def test_filter_and_orderings(api):
    course = CourseFactory.create()
    old, mid, new = (
        ReviewFactory.create(course=course, rating=rating, helpful_count=helpful)
        for rating, helpful in ((5, 1), (3, 9), (5, 1))
    )
    ReviewFactory.create()
    for days, review in ((3, old), (2, mid), (1, new)):
        at = timezone.now() - dt.timedelta(days=days)
        Review.objects.filter(id=review.id).update(created_at=at)
    expected = {
        "": [new, mid, old], "?ordering=-created_at": [new, mid, old],
        "?ordering=created_at": [old, mid, new], "?ordering=-helpful_count": [mid, new, old],
        "?ordering=helpful_count": [new, old, mid], "?ordering=-rating": [new, old, mid],
        "?ordering=rating": [mid, new, old], "?rating=5": [new, old], "?rating=1": [],
        "?rating=5&ordering=created_at": [old, new], "?page_size=1&page=2": [mid],
    }  # fmt: skip
    for query, reviews in expected.items():
        assert listed(api, course, query) == [str(row.id) for row in reviews], query
    by_slug = api.get(f"/api/v1/courses/{course.slug}/reviews/")
    assert by_slug.json()["count"] == 3


@pytest.mark.parametrize(
    "query",
    ["rating=6", "rating=0", "rating=x", "rating=%00", "ordering=date", "ordering=-id",
     "ordering=-rating,created_at", "page=0", "page_size=x"],
)  # fmt: skip
def test_unacceptable_values_are_refused_by_name(api, query):
    body = error(api.get(f"{path_of(CourseFactory.create())}?{query}"), 422)
    assert list(body["details"]) == [query.split("=")[0]]


def test_posting(enrollment):
    client = sign_in(enrollment.user)
    written = {"rating": 5, "title": "  Amazing course ", "comment": "Clear"}
    response = client.post(path_of(enrollment.course), written)
    body = response.json()
    assert response.status_code == 201
    assert set(body) == set(OwnReviewSerializer().fields)
    review = Review.objects.get()
    assert body == {
        "id": str(review.id),
        "rating": 5,
        "title": "Amazing course",
        "comment": "Clear",
        "helpful_count": 0,
        "created_at": review.created_at.isoformat().replace("+00:00", "Z"),
    }
    again = error(client.post(path_of(enrollment.course), {"rating": 1}), 409)
    assert again["code"] == "ALREADY_REVIEWED"


def test_stars_alone_suffice(enrollment):
    response = sign_in(enrollment.user).post(path_of(enrollment.course), {"rating": 3})
    assert response.status_code == 201
    assert (response.json()["title"], response.json()["comment"]) == ("", "")


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({}, 400, "rating"),
        ({"title": "x"}, 400, "rating"),
        ({"rating": None}, 400, "rating"),
        ({"rating": "5"}, 400, "rating"),
        ({"rating": 4.5}, 400, "rating"),
        ({"rating": True}, 400, "rating"),
        ({"rating": 5, "title": 7}, 400, "title"),
        ({"rating": 5, "comment": ["x"]}, 400, "comment"),
        ({"rating": 0}, 422, "rating"),
        ({"rating": 6}, 422, "rating"),
        ({"rating": 10**15}, 422, "rating"),
        ({"rating": 5, "title": "x" * 256}, 422, "title"),
        ({"rating": 5, "comment": "x" * 10_001}, 422, "comment"),
    ],
)
def test_bodies_that_are_refused(enrollment, body, status, field):
    response = sign_in(enrollment.user).post(path_of(enrollment.course), body)
    assert list(error(response, status)["details"]) == [field]
    assert not Review.objects.exists()


def test_who_may_not_post(api, enrollment):
    course = enrollment.course
    assert error(api.post(path_of(course), {"rating": 5}), 401)
    stranger = sign_in(UserFactory.create())
    assert (
        error(stranger.post(path_of(course), {"rating": 5}), 403)["code"] == "ENROLLMENT_REQUIRED"
    )
    own = sign_in(course.instructor).post(path_of(course), {"rating": 5})
    assert error(own, 403)["code"] == "OWN_COURSE"
    unknown = stranger.post(f"/api/v1/courses/{uuid.uuid4()}/reviews/", {"rating": 5})
    assert error(unknown, 404)["code"] == "COURSE_NOT_FOUND"


def test_changing_and_taking_back(api, enrollment):
    review = ReviewFactory.create(user=enrollment.user, course=enrollment.course, rating=2)
    path, client = f"/api/v1/reviews/{review.id}/", sign_in(enrollment.user)
    other = sign_in(UserFactory.create())
    for send in (lambda: other.patch(path, {"rating": 1}), lambda: other.delete(path)):
        assert error(send(), 403)["code"] == "NOT_REVIEW_AUTHOR"
    assert error(api.patch(path, {"rating": 1}), 401)
    response = client.patch(path, {"rating": 4})
    assert response.status_code == 200
    assert (response.json()["rating"], response.json()["title"]) == (4, "Good")
    assert client.patch(path, {}).json() == response.json()
    assert error(client.patch(path, {"rating": 9}), 422)
    assert error(client.patch(path, {"title": None}), 400)
    assert client.delete(path).status_code == 204
    assert error(client.delete(path), 404)["code"] == "REVIEW_NOT_FOUND"


def test_votes(api):
    review = ReviewFactory.create()
    path = f"/api/v1/reviews/{review.id}/helpful/"
    client = sign_in(UserFactory.create())
    answers = [client.post(path), client.post(path)]
    assert [answer.status_code for answer in answers] == [201, 200]
    for answer in answers:
        assert answer.json() == {"id": str(review.id), "helpful_count": 1}
    assert [client.delete(path).status_code for _ in range(2)] == [204, 204]
    review.refresh_from_db()
    assert review.helpful_count == 0
    assert error(sign_in(review.user).post(path), 403)["code"] == "OWN_REVIEW"
    assert error(api.post(path), 401)


def test_reading_is_a_catalogue_read(api):
    path = path_of(CourseFactory.create())
    assert api.head(path).status_code == 200
    for method, scope in (("GET", "catalogue"), ("POST", "")):
        view = CourseReviewsView()
        view.request = Request(getattr(APIRequestFactory(), method.lower())(path))
        assert view.throttle_scope == scope


@pytest.mark.parametrize("review_id", [uuid.uuid4(), "abc", "1", "0" * 300])
def test_unknown_reviews(review_id):
    client = sign_in(UserFactory.create())
    path = f"/api/v1/reviews/{review_id}/"
    for response in (client.patch(path, {"rating": 1}), client.delete(path),
                     client.post(f"{path}helpful/"), client.delete(f"{path}helpful/")):  # fmt: skip
        assert error(response, 404)["code"] == "REVIEW_NOT_FOUND"


def test_the_mean_of_what_somebody_gave():
    person = UserFactory.create()
    assert average_rating_given(user_id=person.id) is None
    for rating in (5, 4, 4):
        ReviewFactory.create(user=person, rating=rating)
    assert str(average_rating_given(user_id=person.id))[:4] == "4.33"


@pytest.mark.parametrize(
    ("age", "told"),
    [
        (dt.timedelta(seconds=5), "just now"),
        (dt.timedelta(minutes=1), "1 minute ago"),
        (dt.timedelta(hours=5, minutes=59), "5 hours ago"),
        (dt.timedelta(days=2, hours=3), "2 days ago"),
        (dt.timedelta(days=20), "2 weeks ago"),
        (dt.timedelta(days=800), "2 years ago"),
        (-dt.timedelta(seconds=1), "just now"),
    ],
)
def test_ages_are_told_in_one_unit(age, told):
    now = timezone.now()
    assert tell_age(now - age, now=now) == told
