"""Files of lessons, from the upload to whoever may have them."""

import datetime as dt
import io
import uuid
import zipfile

import pytest
from django.core.files.storage import storages
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone
from PIL import Image
from rest_framework.test import APIClient

from api.v1.tests.plain_page import get_plain_page
from courses import lesson_files
from courses.models import Lesson
from courses.services.authoring import lesson_files as authoring
from courses.tasks import discard_lesson_files
from tests.factories import (
    EnrollmentFactory,
    InstructorFactory,
    StaffFactory,
    UserFactory,
    make_course,
    sign_in,
)

pytestmark = pytest.mark.django_db

PDF = b"%PDF-1.7\n1 0 obj\n"
LINK = {"title": "Slides", "url": "https://files.example.test/slides.pdf"}


def picture(kind):
    out = io.BytesIO()
    Image.new("RGB", (8, 8)).save(out, kind)
    return out.getvalue()


def archive():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        file.writestr("a.txt", "a")
    return out.getvalue()


@pytest.fixture(autouse=True)
def _empty_folder():
    """Other tests may have left files, too."""
    empty()
    yield
    empty()


def empty():
    for name in stored():
        storages["private"].delete(f"lesson_files/{name}")


@pytest.fixture
def course():
    """Published: its first lesson is a preview, the second isn't."""
    return make_course(sections=1, lessons=2)


@pytest.fixture
def lesson(course):
    return Lesson.objects.get(curriculum__course=course, is_preview=False)


@pytest.fixture
def teacher(course):
    return sign_in(course.instructor)


def base(lesson, reference=None):
    section = lesson.curriculum
    reference = reference or section.course_id
    return f"/api/v1/courses/{reference}/curriculum/{section.id}/lessons/{lesson.id}/"


def upload(client, lesson, content=PDF, name="notes.pdf", title="Notes", **fields):
    body = {"file": SimpleUploadedFile(name, content), "title": title, **fields}
    return client.post(f"{base(lesson)}resources/", body, format="multipart")


def add(client, lesson, **given):
    response = upload(client, lesson, **given)
    assert response.status_code == 201, response.content
    return response.json()


def resources_of(client, lesson):
    return client.get(f"/api/v1/lessons/{lesson.id}/").json()["resources"]


def stored():
    try:
        return storages["private"].listdir("lesson_files")[1]
    except FileNotFoundError:
        return []


def status_of(response):
    if response.streaming:
        content_of(response)
    return response.status_code


def content_of(response):
    return b"".join(response.streaming_content)


def test_a_file_stands_after_the_links_wherever_the_lesson_is_shown(teacher, course, lesson):
    file = add(teacher, lesson)
    assert file == {
        "id": file["id"], "title": "Notes", "size_bytes": len(PDF),
        "content_type": "application/pdf",
        "url": f"http://testserver/api/v1/lessons/{lesson.id}/resources/{file['id']}/",
    }  # fmt: skip
    page = teacher.get(f"/api/v1/courses/{course.id}/").json()
    own = teacher.get(f"/api/v1/courses/{course.id}/curriculum/").json()["results"]
    for shown in (
        page["curriculum"][0]["lessons"][1]["resources"],
        own[0]["lessons"][1]["resources"],
        resources_of(teacher, lesson),
    ):
        assert shown == [LINK, file]
    plain = get_plain_page(reference=str(course.id), viewer=course.instructor)
    assert plain["curriculum"][0]["lessons"][1]["resources"] == [LINK, file]


@pytest.mark.parametrize(
    ("content", "name", "expected"),
    [
        (PDF, "a.exe", ("application/pdf", "notes.pdf")),
        (archive(), "a.zip", ("application/zip", "notes.zip")),
        (picture("PNG"), "a.pdf", ("image/png", "notes.png")),
        (picture("JPEG"), "a", ("image/jpeg", "notes.jpg")),
        (picture("WEBP"), "a.webp", ("image/webp", "notes.webp")),
        ("Häß\n".encode(), "a.TXT", ("text/plain", "notes.txt")),
        (b"# <script>", "a.md", ("text/markdown", "notes.md")),
        (b"a,b\r\n1,2\r\n", "a.csv", ("text/csv", "notes.csv")),
        (b"[1]", "a.json", ("application/json", "notes.json")),
        (b'{"cells": []}', "a.ipynb", ("application/x-ipynb+json", "notes.ipynb")),
    ],
    ids=lambda value: value if isinstance(value, str) else "content",
)  # fmt: skip
def test_what_is_taken_comes_back_as_it_was(teacher, lesson, content, name, expected):
    content_type, saved_as = expected
    file = add(teacher, lesson, content=content, name=name)
    assert (file["content_type"], file["size_bytes"]) == (content_type, len(content))
    response = teacher.get(file["url"])
    assert content_of(response) == content
    assert response["Content-Type"] == content_type
    assert response["Content-Disposition"] == f'attachment; filename="{saved_as}"'
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Cache-Control"] == "private, no-store"


def test_pictures_are_bounded_like_all_others(teacher, lesson):
    out = io.BytesIO()
    Image.new("1", (4_001, 4_000)).save(out, "PNG")
    response = upload(teacher, lesson, content=out.getvalue(), name="a.png")
    assert response.status_code == 422
    assert "16 megapixels" in response.json()["error"]["details"]["file"][0]


def test_nothing_is_made_of_very_large_data(teacher, lesson, monkeypatch):
    monkeypatch.setattr(lesson_files, "json", None)
    flood = b"[" + b"{}," * 300_000 + b"1]"
    assert upload(teacher, lesson, content=flood, name="a.json").status_code == 201


def test_an_upload_that_lies_on_the_disk_is_stored_as_it_came(teacher, lesson, settings):
    settings.FILE_UPLOAD_MAX_MEMORY_SIZE = 10_000
    content = PDF + bytes(range(256)) * 1_000
    file = add(teacher, lesson, content=content)
    assert content_of(teacher.get(file["url"])) == content


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"", "a.txt"), (b"MZ\x90\x00", "a.pdf"), (b"\xff\xfeh", "a.txt"), (b"a\x00b", "a.txt"),
        (b"<html>", "a.html"), (b"text", "a"), (b"#!/bin/sh", "a.sh"), (b"{", "a.json"),
        (b"[" * 100_000, "a.json"), (b"[]", "a.ipynb"), (b"PK\x03\x04 no archive", "a.zip"),
        (picture("PNG")[:30], "a.png"), (picture("GIF"), "a.png"), (b"\x7fELF", "a.csv"),
    ],
)  # fmt: skip
def test_what_is_refused_changes_nothing(teacher, lesson, content, name):
    response = upload(teacher, lesson, content=content, name=name)
    assert response.status_code == 422, response.content
    assert list(response.json()["error"]["details"]) == ["file"]
    assert (resources_of(teacher, lesson), stored()) == ([LINK], [])


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({"title": "x"}, 400, "file"), ({"title": "x", "file": "text"}, 422, "file"),
        ({"title": ""}, 422, "title"), ({"title": "x" * 201}, 422, "title"),
        ({"title": "a\x00b"}, 422, "title"), ({"title": None}, 400, "title"),
    ],
)  # fmt: skip
def test_bad_input_of_every_field(teacher, lesson, body, status, field):
    if field == "title":
        body = {**body, "file": SimpleUploadedFile("a.pdf", PDF)}
    body = {name: value for name, value in body.items() if value is not None}
    response = teacher.post(f"{base(lesson)}resources/", body, format="multipart")
    assert response.status_code == status, response.content
    assert list(response.json()["error"]["details"]) == [field]
    assert stored() == []


def test_sizes(teacher, lesson, settings):
    settings.LESSON_FILE_MAX_BYTES = 1000
    largest = PDF.ljust(1000)
    add(teacher, lesson, content=largest)
    assert upload(teacher, lesson, content=largest + b" ").status_code == 422
    assert upload(teacher, lesson, content=largest * 2).status_code == 413
    assert len(stored()) == 1


def test_there_is_an_end(teacher, lesson, monkeypatch):
    monkeypatch.setattr(authoring, "MAX_RESOURCES", 2)
    add(teacher, lesson)
    response = upload(teacher, lesson)
    assert (response.status_code, response.json()["error"]["code"]) == (409, "CURRICULUM_FULL")
    assert len(stored()) == 1


def test_only_its_author_adds_and_takes_away(teacher, lesson):
    file = add(teacher, lesson)
    path = f"{base(lesson)}resources/{file['id']}/"
    for client, status in (
        (APIClient(), 401),
        (sign_in(UserFactory.create()), 403),
        (sign_in(InstructorFactory.create()), 403),
    ):
        assert upload(client, lesson).status_code == status
        assert client.delete(path).status_code == status
    assert len(stored()) == 1
    other = make_course(sections=1, lessons=1, instructor=lesson.curriculum.course.instructor)
    elsewhere = f"{base(lesson, other.id)}resources/"
    assert teacher.delete(f"{elsewhere}{file['id']}/").status_code == 404
    assert sign_in(StaffFactory.create()).delete(path).status_code == 204


def test_only_who_may_open_the_lesson_gets_it(teacher, course, lesson):
    url = add(teacher, lesson)["url"]
    learner, suspended = UserFactory.create_batch(2)
    EnrollmentFactory.create(user=learner, course=course)
    EnrollmentFactory.create(user=suspended, course=course, status="suspended")
    expected = [
        (APIClient(), 403), (sign_in(UserFactory.create()), 403), (sign_in(suspended), 403),
        (sign_in(InstructorFactory.create()), 403), (sign_in(learner), 200), (teacher, 200),
        (sign_in(StaffFactory.create()), 200),
    ]  # fmt: skip
    for client, status in expected:
        assert status_of(client.get(url)) == status
    Lesson.objects.filter(id=lesson.id).update(is_preview=True)
    assert status_of(APIClient().get(url)) == 200
    preview = APIClient().get(f"/api/v1/courses/{course.id}/").json()["curriculum"][0]["lessons"][1]
    assert preview["resources"][1]["url"] == url
    Lesson.objects.filter(id=lesson.id).update(removed_at=timezone.now())
    assert teacher.get(url).json()["error"]["code"] == "LESSON_NOT_FOUND"


def test_a_file_is_had_through_its_own_lesson_alone(teacher, course, lesson):
    file = add(teacher, lesson)
    preview = Lesson.objects.get(curriculum__course=course, is_preview=True)
    for path in (f"{preview.id}/resources/{file['id']}", f"{lesson.id}/resources/{uuid.uuid4()}"):
        response = teacher.get(f"/api/v1/lessons/{path}/")
        assert response.json()["error"]["code"] == "RESOURCE_NOT_FOUND"


def test_its_page_costs_no_query_more(teacher, course, lesson, django_assert_num_queries):
    add(teacher, lesson)
    Lesson.objects.filter(id=lesson.id).update(is_preview=True)
    with django_assert_num_queries(1):
        APIClient().get(f"/api/v1/courses/{course.id}/")


class TestChanging:
    def patch(self, client, lesson, resources, status=200):
        response = client.patch(base(lesson), {"resources": resources}, format="json")
        assert response.status_code == status, response.content
        return response.json()

    def test_setting_links_leaves_files(self, teacher, lesson):
        file = add(teacher, lesson)
        assert self.patch(teacher, lesson, [])["resources"] == [file]
        other = {"title": "Map", "url": "https://files.example.test/map"}
        assert self.patch(teacher, lesson, [other])["resources"] == [other, file]

    def test_what_was_read_may_be_sent_back_in_another_order(self, teacher, lesson):
        file = add(teacher, lesson)
        sent = [{**file, "title": "Renamed", "content_type": "text/html", "size_bytes": 1}, LINK]
        changed = self.patch(teacher, lesson, sent)["resources"]
        assert changed == [{**file, "title": "Renamed"}, LINK]
        assert len(self.patch(teacher, lesson, [file, file, LINK])["resources"]) == 2

    @pytest.mark.parametrize("bad", ["x", str(uuid.uuid4()), ""], ids=["no id", "unknown", "empty"])
    def test_no_other_file_can_be_named(self, teacher, lesson, bad):
        body = self.patch(teacher, lesson, [{"id": bad, "title": "x"}], status=422)
        assert list(body["error"]["details"]) == ["resources"]
        self.patch(teacher, lesson, [{"id": 5, "title": "x"}], status=400)
        new = {"title": "New", "resources": [{"id": str(uuid.uuid4()), "title": "x"}]}
        path = base(lesson).removesuffix(f"{lesson.id}/")
        assert teacher.post(path, new, format="json").status_code == 422

    def test_nor_one_of_another_lesson(self, teacher, course, lesson):
        file = add(teacher, lesson)
        preview = Lesson.objects.get(curriculum__course=course, is_preview=True)
        self.patch(teacher, preview, [file], status=422)
        assert len(resources_of(teacher, preview)) == 1


class TestGoing:
    def sweep(self, monkeypatch, days):
        now = timezone.now() + dt.timedelta(days=days)
        monkeypatch.setattr(lesson_files.timezone, "now", lambda: now)
        return discard_lesson_files()

    def test_a_file_taken_away_is_gone_at_once_and_deleted_later(
        self, teacher, lesson, monkeypatch
    ):
        file, kept = add(teacher, lesson), add(teacher, lesson)
        assert teacher.delete(f"{base(lesson)}resources/{file['id']}/").status_code == 204
        assert resources_of(teacher, lesson) == [LINK, kept]
        assert teacher.get(file["url"]).status_code == 404
        assert teacher.delete(f"{base(lesson)}resources/{file['id']}/").status_code == 404
        assert self.sweep(monkeypatch, days=0.9) == 0
        assert self.sweep(monkeypatch, days=1.1) == 1
        assert stored() == [kept["id"]]
        assert self.sweep(monkeypatch, days=1.1) == 0

    def test_a_copy_of_the_course_keeps_it(self, teacher, course, lesson, monkeypatch):
        file = add(teacher, lesson)
        copy = teacher.post(f"/api/v1/courses/{course.id}/duplicate/").json()
        teacher.delete(f"{base(lesson)}resources/{file['id']}/")
        assert self.sweep(monkeypatch, days=2) == 0
        again = Lesson.objects.get(curriculum__course=copy["id"], title=lesson.title)
        (_, shared) = resources_of(teacher, again)
        assert str(again.id) in shared["url"]
        assert content_of(teacher.get(shared["url"])) == PDF
        teacher.delete(f"/api/v1/courses/{copy['id']}/")
        assert self.sweep(monkeypatch, days=2) == 1

    def test_without_any_file_there_is_nothing_to_do(self, settings):
        settings.MEDIA_ROOT = "/nonexistent"
        assert discard_lesson_files() == 0

    def test_an_upload_that_fails_late_leaves_nothing(self, teacher, lesson, monkeypatch):
        def fail(*args):
            raise RuntimeError

        monkeypatch.setattr(authoring, "_save", fail)
        teacher.raise_request_exception = False
        assert upload(teacher, lesson).status_code == 500
        assert stored() == []

    def test_an_export_leaves_it_out(self, teacher, course, lesson):
        add(teacher, lesson)
        document = teacher.get(f"/api/v1/courses/{course.id}/export/").json()
        assert document["curriculum"][0]["lessons"][1]["resources"] == [LINK]
