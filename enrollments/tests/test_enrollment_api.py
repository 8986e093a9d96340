"""The learning side over HTTP: shapes of plan 4.7, refusals, and query counts."""

import datetime as dt
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
from rest_framework.test import APIClient

from courses.models import Course, Lesson
from enrollments import selectors, services
from enrollments.models import AccessHold, Enrollment, LessonProgress
from enrollments.serializers import EnrollmentDetailSerializer, EnrollmentSerializer
from tests.factories import (
    CartItemFactory,
    CourseFactory,
    EnrollmentFactory,
    UserFactory,
    make_course,
    sign_in,
)

pytestmark = pytest.mark.django_db

Complete = Callable[[Enrollment], None]
LIST = "/api/v1/enrollments/"
NOBODYS = "0198c5f0-7c1a-7bd2-9a51-4d8f0b6a2c99"  # an id that no row has


def is_id(value: object) -> bool:
    return isinstance(value, str) and str(UUID(value)) == value


def is_time(value: object) -> bool:
    return isinstance(value, str) and value.endswith("Z") and bool(dt.datetime.fromisoformat(value))


@pytest.fixture
def client(enrollment: Enrollment) -> APIClient:
    """The enrolled person's client."""
    return sign_in(enrollment.user)


def code(response: Any) -> tuple[int, str]:
    return response.status_code, response.json()["error"]["code"]


class TestList:
    def test_the_plans_shape(self, client: APIClient, enrollment: Enrollment) -> None:
        body = client.get(LIST).json()
        assert set(body) == {
            "count", "next", "previous", "total_pages", "current_page", "results"
        }  # fmt: skip
        (row,) = body["results"]
        assert is_id(row["id"])
        assert is_time(row["enrolled_at"])
        assert row == {
            "id": str(enrollment.id),
            "course": {
                "id": str(enrollment.course_id),
                "title": "Rivers",
                "slug": enrollment.course.slug,
                "thumbnail": None,
                "duration_hours": 0.7,
            },
            "progress_percent": 0,
            "lessons_completed": 0,
            "total_lessons": 4,
            "enrolled_at": row["enrolled_at"],
            "is_completed": False,
            "completed_at": None,
            "last_activity_at": None,
            "is_suspended": False,
            "certificate_url": None,
        }

    def test_thumbnails_are_absolute(self, client: APIClient, course: Course) -> None:
        Course.objects.update(thumbnail="course_thumbnails/a.webp", duration_minutes=3120)
        (row,) = client.get(LIST).json()["results"]
        assert row["course"]["thumbnail"] == "http://testserver/media/course_thumbnails/a.webp"
        assert row["course"]["duration_hours"] == 52
        assert isinstance(row["course"]["duration_hours"], int)

    def test_rows_have_the_declared_fields(self, enrollment: Enrollment) -> None:
        page = selectors.list_enrollments(user_id=enrollment.user_id, status=None)
        (row,) = selectors.to_enrollment_rows(page)
        assert set(row) == set(EnrollmentSerializer().fields)

    def test_by_status(self, client: APIClient, enrollment: Enrollment, complete: Complete) -> None:
        done = EnrollmentFactory.create(user=enrollment.user, course=make_course())
        complete(done)

        def listed(query: str) -> set[str]:
            return {row["id"] for row in client.get(f"{LIST}{query}").json()["results"]}

        assert listed("?status=active") == {str(enrollment.id)}
        assert listed("?status=completed") == {str(done.id)}
        assert listed("") == {str(enrollment.id), str(done.id)}

    @pytest.mark.parametrize(
        "query", ["?status=finished", "?status=revoked", "?page=0", "?page=x", "?page_size=-1"]
    )
    def test_unacceptable_values(self, client: APIClient, query: str) -> None:
        assert client.get(f"{LIST}{query}").status_code == 422

    def test_pages(self, client: APIClient, enrollment: Enrollment) -> None:
        newest = EnrollmentFactory.create(user=enrollment.user)
        body = client.get(f"{LIST}?page_size=1").json()
        assert (body["count"], body["total_pages"], body["current_page"]) == (2, 2, 1)
        assert [row["id"] for row in body["results"]] == [str(newest.id)]
        assert client.get(f"{LIST}?page=3&page_size=1").status_code == 404

    def test_suspended_ones_are_marked_and_revoked_ones_gone(
        self, client: APIClient, enrollment: Enrollment
    ) -> None:
        Enrollment.objects.update(status="suspended")
        assert client.get(LIST).json()["results"][0]["is_suspended"] is True
        Enrollment.objects.update(status="revoked")
        assert client.get(LIST).json()["count"] == 0
        assert code(client.get(f"{LIST}{enrollment.id}/")) == (404, "ENROLLMENT_NOT_FOUND")

    def test_only_ones_own(self, enrollment: Enrollment) -> None:
        assert sign_in(UserFactory.create()).get(LIST).json()["count"] == 0

    @pytest.mark.parametrize("size", [1, 20])
    def test_queries(self, size: int, django_assert_num_queries: Any) -> None:
        user = UserFactory.create()
        for _ in range(size):
            EnrollmentFactory.create(user=user, course=make_course(lessons=1))
        client = sign_in(user)
        with django_assert_num_queries(3):  # session, count, page
            assert len(client.get(LIST).json()["results"]) == size


class TestDetail:
    def test_the_plans_shape(
        self, client: APIClient, enrollment: Enrollment, lessons: list[Lesson]
    ) -> None:
        client.post(
            f"{LIST}{enrollment.id}/lessons/{lessons[0].id}/progress/",
            {"watch_time_seconds": 20, "position_seconds": 25},
        )
        client.post(
            f"{LIST}{enrollment.id}/mark-lesson-complete/", {"lesson_id": str(lessons[0].id)}
        )
        response = client.get(f"{LIST}{enrollment.id}/")
        body = response.json()
        assert b"example.test" not in response.content
        assert set(body) == set(EnrollmentDetailSerializer().fields)
        assert set(body["course"]) == {
            "id", "title", "slug", "thumbnail", "duration_hours", "instructor", "curriculum"
        }  # fmt: skip
        teacher = enrollment.course.instructor
        assert body["course"]["instructor"] == {
            "id": str(teacher.id),
            "first_name": teacher.first_name,
            "last_name": teacher.last_name,
        }
        assert [len(section["lessons"]) for section in body["course"]["curriculum"]] == [2, 2]
        assert body["course"]["curriculum"][0]["lessons"][0] == {
            "id": str(lessons[0].id),
            "title": lessons[0].title,
            "duration_minutes": 10,
            "order": 1,
            "is_preview": True,
            "completed": True,
            "watch_time_seconds": 20,
            "position_seconds": 25,
        }
        assert (body["progress_percent"], body["lessons_completed"]) == (25, 1)
        assert is_time(body["last_activity_at"])

    @pytest.mark.parametrize("path", ["0198c5f0-7c1a-7bd2-9a51-4d8f0b6a2c99", "nonsense"])
    def test_unknown(self, client: APIClient, path: str) -> None:
        assert client.get(f"{LIST}{path}/").status_code == 404

    def test_another_persons(self, enrollment: Enrollment) -> None:
        response = sign_in(UserFactory.create()).get(f"{LIST}{enrollment.id}/")
        assert code(response) == (404, "ENROLLMENT_NOT_FOUND")

    @pytest.mark.parametrize("sections", [1, 20])
    def test_queries(self, sections: int, django_assert_num_queries: Any) -> None:
        enrollment = EnrollmentFactory.create(course=make_course(sections=sections))
        client = sign_in(enrollment.user)
        with django_assert_num_queries(5):  # session, enrolment, progress, lessons, sections
            client.get(f"{LIST}{enrollment.id}/")


class TestEnroll:
    @pytest.mark.parametrize("by", ["id", "slug"])
    def test_a_free_course(self, by: str) -> None:
        course = CourseFactory.create(price=0, original_price=None)
        client = sign_in(UserFactory.create())
        response = client.post(f"/api/v1/courses/{getattr(course, by)}/enroll/")
        assert response.status_code == 201
        body = response.json()
        assert is_id(body["id"])
        assert is_time(body["enrolled_at"])
        assert body == {
            "id": str(Enrollment.objects.get().id),
            "course_id": str(course.id),
            "enrolled_at": body["enrolled_at"],
            "progress_percent": 0,
            "is_completed": False,
        }

    def test_refusals(self, client: APIClient, enrollment: Enrollment) -> None:
        priced = CourseFactory.create()
        own = CourseFactory.create(price=0, original_price=None, instructor=enrollment.user)
        draft = CourseFactory.create(price=0, original_price=None, status="draft")
        expected = {
            priced.slug: (402, "PAYMENT_REQUIRED"),
            str(enrollment.course_id): (409, "ALREADY_ENROLLED"),
            str(own.id): (403, "OWN_COURSE"),
            str(draft.id): (404, "COURSE_NOT_FOUND"),
            str(uuid4()): (404, "COURSE_NOT_FOUND"),
            "no-such-course": (404, "COURSE_NOT_FOUND"),
        }
        got = {ref: code(client.post(f"/api/v1/courses/{ref}/enroll/")) for ref in expected}
        assert got == expected
        assert Enrollment.objects.count() == 1

    def test_what_staff_took_away_is_not_taken_again(self) -> None:
        """But bought again it is: that is a new sale, which staff can refund."""
        user = UserFactory.create()
        course = make_course(price=0, original_price=None)
        client = sign_in(user)
        path = f"/api/v1/courses/{course.id}/enroll/"
        assert client.post(path).status_code == 201
        enrollment = Enrollment.objects.get()
        services.revoke_enrollments(
            enrollment_ids=[enrollment.id], reason=services.Reason.of_staff("Shared the account")
        )
        assert code(client.post(path)) == (403, "ACCESS_WITHDRAWN")
        cart = "/api/v1/cart/items/"
        assert code(client.post(cart, {"course_id": course.id})) == (403, "ACCESS_WITHDRAWN")
        CartItemFactory.create(cart__user=user, course=course)
        ordered = client.post("/api/v1/orders/create-from-cart/")
        assert code(ordered) == (409, "CART_LINES_UNAVAILABLE")
        (line,) = client.get("/api/v1/cart/").json()["items"]
        assert (line["available"], line["unavailable_reason"]) == (False, "ACCESS_WITHDRAWN")
        enrollment.refresh_from_db()
        assert enrollment.status == "revoked"
        assert AccessHold.objects.get().ended_at is None
        Course.objects.update(price=10)
        assert client.post("/api/v1/orders/create-from-cart/").status_code == 201
        Course.objects.update(price=0)
        services.lift_staffs_reason(enrollment_ids=[enrollment.id], actor_id=uuid4())
        assert code(client.post(path)) == (409, "ALREADY_ENROLLED")


class TestLessons:
    def test_mark(self, client: APIClient, enrollment: Enrollment, lessons: list[Lesson]) -> None:
        path = f"{LIST}{enrollment.id}/mark-lesson-complete/"
        for _ in range(2):
            response = client.post(path, {"lesson_id": str(lessons[0].id)})
            assert response.status_code == 200
            assert response.json() == {
                "lesson_id": str(lessons[0].id),
                "enrollment_id": str(enrollment.id),
                "is_completed": True,
                "enrollment_progress": 25,
            }

    def test_take_back(
        self, client: APIClient, enrollment: Enrollment, lessons: list[Lesson]
    ) -> None:
        client.post(
            f"{LIST}{enrollment.id}/mark-lesson-complete/", {"lesson_id": str(lessons[0].id)}
        )
        path = f"{LIST}{enrollment.id}/lessons/{lessons[0].id}/completion/"
        for _ in range(2):
            response = client.delete(path)
            assert (response.status_code, response.content) == (204, b"")
        assert client.get(f"{LIST}{enrollment.id}/").json()["progress_percent"] == 0

    def test_progress(
        self, client: APIClient, enrollment: Enrollment, lessons: list[Lesson]
    ) -> None:
        path = f"{LIST}{enrollment.id}/lessons/{lessons[0].id}/progress/"
        response = client.post(path, {"watch_time_seconds": 10**9, "position_seconds": 30})
        assert response.status_code == 200
        assert response.json() == {
            "lesson_id": str(lessons[0].id),
            "enrollment_id": str(enrollment.id),
            "watch_time_seconds": 60,
            "position_seconds": 30,
            "is_completed": False,
            "enrollment_progress": 0,
        }

    @pytest.mark.parametrize(
        ("body", "status"),
        [
            ({}, 400),
            ({"watch_time_seconds": 1}, 400),
            ({"watch_time_seconds": "1", "position_seconds": 1}, 400),
            ({"watch_time_seconds": 1.5, "position_seconds": 1}, 400),
            ({"watch_time_seconds": None, "position_seconds": 1}, 400),
            ({"watch_time_seconds": -1, "position_seconds": 1}, 422),
            ({"watch_time_seconds": 1, "position_seconds": -1}, 422),
        ],
    )
    def test_bad_reports(
        self, client: APIClient, enrollment: Enrollment, lessons: list[Lesson], body: Any,
        status: int,
    ) -> None:  # fmt: skip
        path = f"{LIST}{enrollment.id}/lessons/{lessons[0].id}/progress/"
        assert client.post(path, body).status_code == status
        assert not LessonProgress.objects.exists()

    @pytest.mark.parametrize(
        ("body", "status"),
        [({}, 400), ({"lesson_id": 1}, 400), ({"lesson_id": None}, 400), ({"lesson_id": "x"}, 422)],
    )
    def test_bad_marks(
        self, client: APIClient, enrollment: Enrollment, body: Any, status: int
    ) -> None:
        path = f"{LIST}{enrollment.id}/mark-lesson-complete/"
        assert client.post(path, body).status_code == status

    def test_refusals_have_their_codes(
        self, client: APIClient, enrollment: Enrollment, lessons: list[Lesson]
    ) -> None:
        path = f"{LIST}{enrollment.id}/mark-lesson-complete/"
        mine = {"lesson_id": str(lessons[0].id)}
        assert code(client.post(path, {"lesson_id": str(uuid4())})) == (404, "LESSON_NOT_FOUND")
        stranger = sign_in(UserFactory.create())
        assert code(stranger.post(path, mine)) == (404, "ENROLLMENT_NOT_FOUND")
        Enrollment.objects.update(status="suspended")
        assert code(client.post(path, mine)) == (403, "ENROLLMENT_INACTIVE")

    @pytest.mark.parametrize("sections", [1, 20])
    def test_queries_of_a_mark(self, sections: int, django_assert_num_queries: Any) -> None:
        course = make_course(sections=sections)
        enrollment = EnrollmentFactory.create(course=course)
        lesson = Lesson.objects.filter(curriculum__course=course)[0]
        client = sign_in(enrollment.user)
        path = f"{LIST}{enrollment.id}/mark-lesson-complete/"
        # Four of them are savepoints. Again, nothing is written but the count.
        for queries in (17, 8):
            with django_assert_num_queries(queries):
                client.post(path, {"lesson_id": str(lesson.id)})


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("get", LIST),
        ("get", f"{LIST}{NOBODYS}/"),
        ("post", f"{LIST}{NOBODYS}/mark-lesson-complete/"),
        (
            "post",
            f"{LIST}{NOBODYS}/lessons/{NOBODYS}/progress/",
        ),
        (
            "delete",
            f"{LIST}{NOBODYS}/lessons/{NOBODYS}/completion/",
        ),
        ("post", "/api/v1/courses/x/enroll/"),
    ],
)
def test_nobody_signed_in(method: str, path: str, api: APIClient) -> None:
    assert getattr(api, method)(path).status_code == 401
