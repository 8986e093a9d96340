"""How much one course may hold, and one instructor have."""

import io
import threading
from functools import partial

import pytest
from django.core.cache import cache
from django.core.files.storage import storages
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from PIL import Image

from courses import portability
from courses.errors import QuotaExceeded
from courses.models import Course, Lesson
from courses.services import authoring
from courses.services.authoring.limits import weigh
from courses.tests.authoring.conftest import author_of, error_of, lessons_of, sections_of
from courses.tests.portability.making import as_json, minimal
from tests.factories import InstructorFactory, make_course, sign_in

pytestmark = pytest.mark.django_db


def base(course):
    return f"/api/v1/courses/{course.id}/curriculum/"


def details_of(response):
    return response.json()["error"]["details"]


def size_of(course):
    sections = sections_of(course)
    return sum(map(weigh, sections)) + sum(
        weigh(lesson) for section in sections for lesson in lessons_of(section)
    )


class TestCourses:
    def test_lessons_of_a_course(self, client, draft, settings):
        settings.COURSE_MAX_LESSONS = 5
        first, second = sections_of(draft)
        assert client.post(f"{base(draft)}{first.id}/lessons/", {"title": "5"}).status_code == 201
        response = client.post(f"{base(draft)}{second.id}/lessons/", {"title": "6"})
        assert error_of(response) == (409, "CURRICULUM_FULL")
        assert details_of(response) == {"limit": 5, "of": "lessons of the course"}
        gone = f"{base(draft)}{first.id}/lessons/{lessons_of(first)[0].id}/"
        assert client.delete(gone).status_code == 204
        response = client.post(f"{base(draft)}{second.id}/lessons/", {"title": "6"})
        assert response.status_code == 201

    @pytest.mark.parametrize("what", ["new lesson", "lesson", "links", "new section", "section"])
    def test_text_of_a_course(self, client, draft, settings, what):
        section = sections_of(draft)[0]
        lesson = lessons_of(section)[0]
        more = {"description": "ä" * 300}
        links = {"resources": [{"title": "x" * 200, "url": "https://e.test/" + "x" * 450}]}
        lessons = f"{base(draft)}{section.id}/lessons/"
        call = {
            "new lesson": partial(client.post, lessons, {"title": "New", **more}),
            "lesson": partial(client.patch, f"{lessons}{lesson.id}/", more),
            "links": partial(client.patch, f"{lessons}{lesson.id}/", links),
            "new section": partial(client.post, base(draft), {"title": "New", **more}),
            "section": partial(client.patch, f"{base(draft)}{section.id}/", more),
        }[what]
        before = size_of(draft)
        settings.COURSE_MAX_BYTES = before + 500
        response = call()
        assert error_of(response) == (422, "COURSE_TOO_LARGE")
        details = details_of(response)
        assert details["limit_bytes"] == before + 500
        assert details["size_bytes"] > before + 500
        assert size_of(draft) == before
        settings.COURSE_MAX_BYTES = before + 1_000
        assert call().status_code in {200, 201}
        assert before + 500 < size_of(draft) <= before + 1_000

    def test_a_larger_one_from_before_may_be_made_smaller(self, client, draft, settings):
        section = sections_of(draft)[0]
        lesson = lessons_of(section)[0]
        Lesson.objects.filter(id=lesson.id).update(description="x" * 5_000)
        settings.COURSE_MAX_BYTES = 2_000
        path = f"{base(draft)}{section.id}/lessons/{lesson.id}/"
        assert client.patch(path, {"description": "x" * 4_000}).status_code == 200
        assert client.patch(path, {"is_preview": True}).status_code == 200
        assert client.patch(f"{base(draft)}{section.id}/", {"title": ""}).status_code == 422
        response = client.patch(path, {"description": "x" * 4_001})
        assert error_of(response) == (422, "COURSE_TOO_LARGE")
        copying = f"/api/v1/courses/{draft.id}/duplicate/"
        assert error_of(client.post(copying)) == (422, "COURSE_TOO_LARGE")
        settings.COURSE_MAX_BYTES = 10_000
        settings.COURSE_MAX_LESSONS = 3
        assert error_of(client.post(copying)) == (409, "CURRICULUM_FULL")
        assert Course.objects.count() == 1

    def test_an_import_knows_the_same(self, client, settings):
        lessons = [{"title": f"Lesson {number}", "description": "d" * 100} for number in range(6)]
        content = as_json(minimal(curriculum=[{"title": "S", "lessons": lessons}]))

        def send():
            path = "/api/v1/courses/import/"
            return client.post(path, content, content_type="application/json")

        settings.COURSE_MAX_LESSONS = 5
        response = send()
        assert error_of(response) == (422, "COURSE_FILE_INVALID")
        assert details_of(response) == {"$.curriculum": ["Must have at most 5 lessons altogether."]}
        settings.COURSE_MAX_LESSONS = 6
        settings.COURSE_MAX_BYTES = 600
        assert "of text altogether" in details_of(send())["$.curriculum"][0]
        settings.COURSE_MAX_BYTES = 700
        assert send().status_code == 201
        assert size_of(Course.objects.get()) <= 700


class TestQuotas:
    @pytest.mark.parametrize("way", ["create", "duplicate", "import"])
    @pytest.mark.parametrize("quota", ["drafts", "courses"])
    @pytest.mark.usefixtures("course")
    def test_courses_and_drafts(self, client, draft, settings, way, quota):
        call = {
            "create": partial(client.post, "/api/v1/courses/", {"title": "One more"}),
            "duplicate": partial(client.post, f"/api/v1/courses/{draft.id}/duplicate/"),
            "import": partial(client.post, "/api/v1/courses/import/", minimal()),
        }[way]
        used = {"drafts": 1, "courses": 2}[quota]
        setattr(settings, f"INSTRUCTOR_MAX_{quota.upper()}", used)
        response = call()
        assert error_of(response) == (422, "QUOTA_EXCEEDED")
        assert details_of(response) == {
            "quota": quota, "limit": used, "used": used, "left": 0, "asked": 1,
        }  # fmt: skip
        assert Course.objects.count() == 2
        setattr(settings, f"INSTRUCTOR_MAX_{quota.upper()}", used + 1)
        assert call().status_code == 201

    def test_others_and_staff_have_theirs(self, people, draft, settings):
        settings.INSTRUCTOR_MAX_DRAFTS = 1
        assert people["owner"].post("/api/v1/courses/", {"title": "x"}).status_code == 422
        assert people["other"].post("/api/v1/courses/", {"title": "x"}).status_code == 201
        for _ in range(2):
            assert people["staff"].post("/api/v1/courses/", {"title": "x"}).status_code == 201

    @pytest.mark.parametrize("way", ["duplicate", "import"])
    def test_imports_and_copies_of_a_day(self, client, draft, settings, way):
        settings.THROTTLE_RATES = {**settings.THROTTLE_RATES, "import": "2/day"}
        cache.clear()
        copy = partial(client.post, f"/api/v1/courses/{draft.id}/duplicate/")
        bad = partial(client.post, "/api/v1/courses/import/", minimal(title=""))
        assert copy().status_code == 201
        assert bad().status_code == 422
        response = copy() if way == "duplicate" else bad()
        assert error_of(response) == (429, "RATE_LIMITED")
        assert details_of(response) == {
            "quota": "imports_and_copies", "limit": 2, "left": 0, "period_seconds": 86_400,
        }  # fmt: skip
        assert 0 < int(response.headers["Retry-After"]) <= 86_400

    def test_uploads_of_a_day(self, client, draft, settings):
        settings.THROTTLE_RATES = {**settings.THROTTLE_RATES, "upload": "1/day"}
        cache.clear()
        out = io.BytesIO()
        Image.new("RGB", (640, 360)).save(out, "PNG")
        path = f"/api/v1/courses/{draft.id}/thumbnail/"
        for status in (200, 429):
            upload = SimpleUploadedFile("a.png", out.getvalue())
            response = client.put(path, {"thumbnail": upload}, format="multipart")
            assert response.status_code == status
        assert details_of(response)["quota"] == "uploads"
        assert error_of(send_file(client, draft)) == (429, "RATE_LIMITED")

    def test_bytes_of_lesson_files(self, client, draft, settings):
        settings.INSTRUCTOR_FILES_MAX_BYTES = 250
        assert send_file(client, draft, size=100).status_code == 201
        assert client.post(f"/api/v1/courses/{draft.id}/duplicate/").status_code == 201
        assert send_file(client, draft, size=100).status_code == 201
        response = send_file(client, draft, size=51)
        assert error_of(response) == (422, "QUOTA_EXCEEDED")
        assert details_of(response) == {
            "quota": "lesson_file_bytes", "limit": 250, "used": 200, "left": 50, "asked": 51,
        }  # fmt: skip
        assert send_file(client, draft, size=50).status_code == 201
        assert len(storages["private"].listdir("lesson_files")[1]) == 3
        other = make_course(instructor=InstructorFactory.create())
        assert send_file(sign_in(other.instructor), other, size=100).status_code == 201


@pytest.mark.django_db(transaction=True)
def test_at_once_there_are_no_more_than_there_may_be(settings):
    settings.INSTRUCTOR_MAX_DRAFTS = 4
    author = author_of(InstructorFactory.create())
    refused = []

    def write(number):
        try:
            if number % 2:
                authoring.create_course(author=author, fields={"title": f"Course {number}"})
            else:
                portability.import_course(author=author, content=as_json(minimal()))
        except QuotaExceeded as exc:
            refused.append(exc)
        finally:
            connection.close()

    threads = [threading.Thread(target=write, args=[number]) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (Course.objects.count(), len(refused)) == (4, 4)


@pytest.fixture(autouse=True)
def _empty_folder():
    """Other tests may have left files, too."""
    empty()
    yield
    empty()


def empty():
    storage = storages["private"]
    if storage.exists("lesson_files"):
        for name in storage.listdir("lesson_files")[1]:
            storage.delete(f"lesson_files/{name}")


def send_file(client, course, size=100):
    section = sections_of(course)[0]
    lesson = lessons_of(section)[0]
    file = SimpleUploadedFile("notes.pdf", b"%PDF-1.7\n".ljust(size, b" "))
    path = f"{base(course)}{section.id}/lessons/{lesson.id}/resources/"
    return client.post(path, {"file": file, "title": "Notes"}, format="multipart")
