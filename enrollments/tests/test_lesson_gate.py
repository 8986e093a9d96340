"""`GET /lessons/{id}/`: who gets a lesson's media, and that nobody else sees a trace of it."""

from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from courses.models import Course, Lesson
from enrollments.models import LessonProgress
from tests.factories import (
    EnrollmentFactory,
    InstructorFactory,
    LessonFactory,
    SectionFactory,
    StaffFactory,
    UserFactory,
    make_course,
    sign_in,
)

pytestmark = pytest.mark.django_db

VIDEO = "https://videos.example.test/lesson.mp4"
RESOURCES = [{"title": "Slides", "url": "https://files.example.test/slides.pdf"}]
OPEN, LOCKED, HIDDEN = 200, 403, 404


def enrolled(course: Course, status: str) -> APIClient:
    return sign_in(EnrollmentFactory.create(course=course, status=status).user)


VIEWERS: dict[str, Callable[[Course], APIClient]] = {
    "anonymous": lambda course: APIClient(),
    "stranger": lambda course: sign_in(UserFactory.create()),
    "enrolled": lambda course: enrolled(course, "active"),
    "suspended": lambda course: enrolled(course, "suspended"),
    "revoked": lambda course: enrolled(course, "revoked"),
    "instructor": lambda course: sign_in(course.instructor),
    "other instructor": lambda course: sign_in(InstructorFactory.create()),
    "staff": lambda course: sign_in(StaffFactory.create()),
}
# Columns: a preview and another lesson of a published course, then of an unpublished one.
MATRIX = {
    "anonymous": (OPEN, LOCKED, HIDDEN, HIDDEN),
    "stranger": (OPEN, LOCKED, HIDDEN, HIDDEN),
    "enrolled": (OPEN, OPEN, OPEN, OPEN),
    "suspended": (OPEN, LOCKED, OPEN, LOCKED),
    "revoked": (OPEN, LOCKED, HIDDEN, HIDDEN),
    "instructor": (OPEN, OPEN, OPEN, OPEN),
    "other instructor": (OPEN, LOCKED, HIDDEN, HIDDEN),
    "staff": (OPEN, OPEN, OPEN, OPEN),
}
CODES = {LOCKED: "LESSON_LOCKED", HIDDEN: "LESSON_NOT_FOUND"}


@pytest.mark.parametrize("viewer", VIEWERS)
@pytest.mark.parametrize("status", ["published", "archived"])
@pytest.mark.parametrize("kind", ["preview", "paid"])
def test_who_may(
    viewer: str, status: str, kind: str, course: Course, lessons: list[Lesson]
) -> None:
    Course.objects.filter(id=course.id).update(status=status)
    lesson = lessons[0] if kind == "preview" else lessons[1]
    assert lesson.is_preview == (kind == "preview")
    response = VIEWERS[viewer](course).get(f"/api/v1/lessons/{lesson.id}/")
    column = (status == "archived") * 2 + (kind == "paid")
    assert response.status_code == MATRIX[viewer][column]
    if response.status_code == OPEN:
        assert (response.json()["video_url"], response.json()["resources"]) == (VIDEO, RESOURCES)
    else:
        assert response.json()["error"]["code"] == CODES[response.status_code]
        assert b"example.test" not in response.content


def test_an_enrolment_in_another_course_opens_nothing(lessons: list[Lesson]) -> None:
    other = EnrollmentFactory.create(course=make_course())
    response = sign_in(other.user).get(f"/api/v1/lessons/{lessons[1].id}/")
    assert response.status_code == 403


@pytest.mark.parametrize("viewer", VIEWERS)
def test_a_removed_lesson_is_gone(viewer: str, course: Course, lessons: list[Lesson]) -> None:
    Lesson.objects.filter(id=lessons[0].id).update(removed_at=timezone.now())
    response = VIEWERS[viewer](course).get(f"/api/v1/lessons/{lessons[0].id}/")
    assert response.status_code == 404


@pytest.mark.parametrize("path", ["0198c5f0-7c1a-7bd2-9a51-4d8f0b6a2c99", "nonsense", "%00"])
def test_no_such_lesson(path: str, api: APIClient) -> None:
    response = api.get(f"/api/v1/lessons/{path}/")
    assert response.status_code == 404
    assert set(response.json()["error"]) == {"code", "message", "status", "details", "request_id"}


def test_the_whole_answer(course: Course, lessons: list[Lesson]) -> None:
    enrollment = EnrollmentFactory.create(course=course)
    lesson = lessons[1]
    client = sign_in(enrollment.user)
    expected: dict[str, Any] = {
        "id": str(lesson.id),
        "course_id": str(course.id),
        "section_id": str(lesson.curriculum_id),
        "title": lesson.title,
        "description": "",
        "order": 2,
        "duration_minutes": 10,
        "is_preview": False,
        "video_url": VIDEO,
        "resources": RESOURCES,
        "progress": {
            "enrollment_id": str(enrollment.id),
            "completed": False,
            "watch_time_seconds": 0,
            "position_seconds": 0,
        },
    }
    assert client.get(f"/api/v1/lessons/{lesson.id}/").json() == expected
    LessonProgress.objects.update(
        watch_time_seconds=30, position_seconds=20, is_completed=True, completed_at=timezone.now()
    )
    expected["progress"] |= {"completed": True, "watch_time_seconds": 30, "position_seconds": 20}
    assert client.get(f"/api/v1/lessons/{lesson.id}/").json() == expected


def test_only_enrolled_learners_have_progress(course: Course, lessons: list[Lesson]) -> None:
    for viewer in ("anonymous", "stranger", "suspended", "revoked", "instructor", "staff"):
        response = VIEWERS[viewer](course).get(f"/api/v1/lessons/{lessons[0].id}/")
        assert response.json()["progress"] is None
    assert not LessonProgress.objects.exists()


def test_a_lesson_without_media(course: Course) -> None:
    section = SectionFactory.create(course=course, order=9)
    lesson = LessonFactory.create(curriculum=section, video_url="", resources=[], is_preview=True)
    body = APIClient().get(f"/api/v1/lessons/{lesson.id}/").json()
    assert (body["video_url"], body["resources"]) == (None, [])


def test_queries(
    course: Course, lessons: list[Lesson], api: APIClient, django_assert_num_queries: Any
) -> None:
    client = enrolled(course, "active")
    path = f"/api/v1/lessons/{lessons[0].id}/"
    with django_assert_num_queries(1):
        api.get(path)
    with django_assert_num_queries(5):  # session, lesson, enrolment, progress, opening it
        client.get(path)
    with django_assert_num_queries(4):
        client.get(path)
