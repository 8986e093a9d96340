"""Who may write what: every address of authoring, for everybody."""

import uuid
from typing import Any

import pytest

from courses.models import Course
from courses.tests.authoring.conftest import error_of, lessons_of, sections_of
from tests.factories import EnrollmentFactory, UserFactory, make_course, sign_in

pytestmark = pytest.mark.django_db

# Method, path below the course, body, and the status its owner gets.
WRITES = [
    ("patch", "", {"title": "Other"}, 200),
    ("delete", "", None, 204),
    ("post", "publish/", None, 200),
    ("post", "unpublish/", None, 200),
    ("post", "duplicate/", None, 201),
    ("get", "curriculum/", None, 200),
    ("post", "curriculum/", {"title": "More"}, 201),
    ("post", "curriculum/reorder/", {"order": "sections"}, 200),
    ("patch", "curriculum/{section}/", {"title": "Other"}, 200),
    ("delete", "curriculum/{section}/", None, 204),
    ("get", "curriculum/{section}/lessons/", None, 200),
    ("post", "curriculum/{section}/lessons/", {"title": "More"}, 201),
    ("post", "curriculum/{section}/lessons/reorder/", {"order": "lessons"}, 200),
    ("patch", "curriculum/{section}/lessons/{lesson}/", {"title": "Other"}, 200),
    ("delete", "curriculum/{section}/lessons/{lesson}/", None, 204),
]
NAMES = [f"{method} {path}" for method, path, _, _ in WRITES]


def send(client, course, write, reference=None):
    method, path, body, _ = write
    sections = sections_of(course)
    lessons = lessons_of(sections[0])
    if body and "order" in body:
        rows = sections if body["order"] == "sections" else lessons
        body = {"order": [str(row.id) for row in reversed(rows)]}
    path = path.format(section=sections[0].id, lesson=lessons[0].id)
    return getattr(client, method)(f"/api/v1/courses/{reference or course.id}/{path}", body)


@pytest.mark.parametrize("write", WRITES, ids=NAMES)
def test_who_may(people, course, draft, write):
    before = Course.objects.order_by("id").values_list("title", "status", "last_updated")
    untouched = list(before)
    for each, hidden in ((course, False), (draft, True)):
        assert error_of(send(people["anonymous"], each, write)) == (401, "NOT_AUTHENTICATED")
        assert error_of(send(people["student"], each, write)) == (403, "INSTRUCTOR_REQUIRED")
        refusal = (404, "COURSE_NOT_FOUND") if hidden else (403, "NOT_COURSE_INSTRUCTOR")
        assert error_of(send(people["other"], each, write)) == refusal
    assert list(before.all()) == untouched
    for kind in ("owner", "staff"):
        assert (
            send(people[kind], make_course(instructor=course.instructor), write).status_code
            == (write[3])
        )


@pytest.mark.parametrize("write", WRITES, ids=NAMES)
def test_the_slug_names_the_course_too(client, course, write):
    assert send(client, course, write, reference=course.slug).status_code == write[3]


@pytest.mark.parametrize("write", WRITES, ids=NAMES)
@pytest.mark.parametrize(
    "reference", ["0198c5f0-7c1a-7bd2-9a51-4d8f0b6a2c99", "no-such-course", "a" * 300]
)
def test_unknown_courses(client, write, reference):
    path = write[1].format(section=uuid.uuid4(), lesson=uuid.uuid4())
    body = {"order": []} if "reorder" in path else write[2]
    response = getattr(client, write[0])(f"/api/v1/courses/{reference}/{path}", body)
    assert error_of(response) == (404, "COURSE_NOT_FOUND")


def test_rows_of_other_courses_are_unknown(client, course, draft):
    """Neither a section nor a lesson can be reached through another course or section."""
    foreign, (own, second) = sections_of(draft)[0], sections_of(course)
    foreign_lesson, second_lesson = lessons_of(foreign)[0], lessons_of(second)[0]
    base = f"/api/v1/courses/{course.id}/curriculum/"
    calls: list[tuple[str, str, dict[str, Any] | None]] = [
        ("patch", f"{foreign.id}/", {"title": "x"}),
        ("delete", f"{foreign.id}/", None),
        ("get", f"{foreign.id}/lessons/", None),
        ("post", f"{foreign.id}/lessons/", {"title": "x"}),
        ("post", f"{foreign.id}/lessons/reorder/", {"order": []}),
    ]
    for method, path, body in calls:
        response = getattr(client, method)(base + path, body)
        assert error_of(response) == (404, "SECTION_NOT_FOUND"), (method, path)
    for lesson in (foreign_lesson, second_lesson):
        for method, body in (("patch", {"title": "x"}), ("delete", None)):
            response = getattr(client, method)(f"{base}{own.id}/lessons/{lesson.id}/", body)
            assert error_of(response) == (404, "LESSON_NOT_FOUND")
    assert client.patch(f"{base}not-an-id/", {}).status_code == 404


def test_learners_of_a_hidden_course_still_dont_write_it(draft):
    learner = UserFactory.create(is_instructor=True)
    EnrollmentFactory.create(user=learner, course=draft)
    response = sign_in(learner).patch(f"/api/v1/courses/{draft.id}/", {"title": "Mine"})
    assert error_of(response) == (404, "COURSE_NOT_FOUND")


def test_who_may_create_and_list(people):
    for method, path in (("post", "courses/"), ("get", "instructor/courses/")):
        statuses = {
            kind: getattr(client, method)(f"/api/v1/{path}", {"title": "New"}).status_code
            for kind, client in people.items()
        }
        done = 201 if method == "post" else 200
        assert statuses == {
            "anonymous": 401, "student": 403, "other": done, "owner": done, "staff": done,
        }  # fmt: skip


def test_who_may_read_a_course_as_its_author(people, course, draft):
    answers = {
        kind: [
            client.get(f"/api/v1/instructor/courses/{each.id}/").status_code
            for each in (course, draft)
        ]
        for kind, client in people.items()
    }
    assert answers == {
        "anonymous": [401, 401], "student": [403, 403], "other": [403, 404],
        "owner": [200, 200], "staff": [200, 200],
    }  # fmt: skip


def test_reading_the_catalogue_needs_no_sign_in(api, course):
    """The shared addresses keep the reader's side as it was."""
    assert api.get("/api/v1/courses/").json()["count"] == 1
    assert api.get(f"/api/v1/courses/{course.slug}/").status_code == 200
    assert api.put(f"/api/v1/courses/{course.slug}/", {}).status_code in {401, 405}


def test_a_sign_in_that_ended_is_told_apart_from_none(api, course):
    api.credentials(HTTP_AUTHORIZATION="Bearer nonsense")
    response = api.patch(f"/api/v1/courses/{course.id}/", {"title": "x"})
    assert error_of(response) == (401, "TOKEN_INVALID")


def test_writing_has_its_own_rate(settings, client, course):
    settings.THROTTLE_RATES = {**settings.THROTTLE_RATES, "catalogue": "1/min", "user": "3/hour"}
    path = f"/api/v1/courses/{course.id}/"
    for _ in range(3):
        assert client.patch(path, {"language": "German"}).status_code == 200
    assert client.get(path).status_code == 200
    assert error_of(client.get(path)) == (429, "RATE_LIMITED")
    assert error_of(client.patch(path, {"language": "German"})) == (429, "RATE_LIMITED")
