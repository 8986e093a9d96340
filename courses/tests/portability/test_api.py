"""Import and export over HTTP."""

import io
import zipfile
from typing import Any

import pytest
from rest_framework.test import APIClient

from courses import media
from courses.models import Course
from courses.portability import serializers
from courses.tests.portability.making import (
    as_json,
    as_zip,
    everything,
    full_document,
    minimal,
    picture,
)
from tests.factories import (
    CategoryFactory,
    CourseFactory,
    InstructorFactory,
    StaffFactory,
    UserFactory,
    make_course,
)
from tests.factories.people import sign_in
from users.models import User

pytestmark = pytest.mark.django_db

IMPORT = "/api/v1/courses/import/"


class TestAPI:
    def test_import_json(self, client: APIClient, teacher: User) -> None:
        document = full_document(CategoryFactory.create().slug)
        response = client.post(IMPORT, document, format="json")
        assert response.status_code == 201, response.content
        body = response.json()
        assert response["Location"] == f"http://testserver/api/v1/courses/{body['id']}/"
        course = Course.objects.get(id=body["id"])
        assert course.instructor_id == teacher.id
        assert body == {
            "id": str(course.id), "title": course.title, "slug": "groesse-und-mass",
            "status": "draft", "thumbnail": None, "sections_count": 2, "lessons_count": 2,
        }  # fmt: skip
        assert set(body) == set(serializers.ImportedCourseSerializer().fields)
        assert client.get(response["Location"]).status_code == 200

    @pytest.mark.parametrize("is_form", [True, False])
    def test_import_zip(self, client: APIClient, is_form: bool) -> None:
        content = as_zip(minimal(thumbnail="media/a.png"), ("media/a.png", picture()))
        if is_form:
            # Neither name nor type is believed.
            upload = io.BytesIO(content)
            upload.name = "course.txt"
            response = client.post(IMPORT, {"file": upload}, format="multipart")
        else:
            response = client.post(IMPORT, content, content_type="application/zip")
        assert response.status_code == 201, response.content
        name = Course.objects.get(id=response.json()["id"]).thumbnail.name
        assert response.json()["thumbnail"] == f"http://testserver/media/{name}"
        assert len(media.thumbnail_urls(name)) == 3

    def test_import_json_by_form(self, client: APIClient) -> None:
        response = client.post(IMPORT, {"file": io.BytesIO(as_json(minimal()))}, format="multipart")
        assert response.status_code == 201

    @pytest.mark.parametrize(
        ("content", "status", "code", "path"),
        [
            (b'{\n"title":\n}', 400, "COURSE_FILE_MALFORMED", "$"),
            (b"", 400, "COURSE_FILE_MALFORMED", "$"),
            (as_json({"format": "learnflow-course/1"}), 400, "COURSE_FILE_MALFORMED", "$.title"),
            (as_json(minimal(price=-1)), 422, "COURSE_FILE_INVALID", "$.price"),
            (as_json(minimal(title="\x00")), 422, "COURSE_FILE_INVALID", "$.title"),
        ],
    )
    def test_refusals(
        self, client: APIClient, content: bytes, status: int, code: str, path: str
    ) -> None:
        before = everything()
        response = client.post(IMPORT, content, content_type="application/json")
        error = response.json()["error"]
        assert (response.status_code, error["code"], list(error["details"])) == (
            status, code, [path],
        )  # fmt: skip
        assert everything() == before

    def test_forms_without_a_file(self, client: APIClient) -> None:
        assert client.post(IMPORT, {}, format="multipart").status_code == 400
        assert client.post(IMPORT, {"other": "x"}, format="multipart").status_code == 400
        assert client.post(IMPORT, {"file": "x"}, format="multipart").status_code == 422
        empty = {"file": io.BytesIO(b"")}
        assert client.post(IMPORT, empty, format="multipart").status_code == 400
        assert client.post(IMPORT, b"<a/>", content_type="text/xml").status_code == 415

    @pytest.mark.parametrize("kind", ["application/json", "application/zip", "form"])
    def test_far_too_large_is_413(self, client: APIClient, settings: Any, kind: str) -> None:
        settings.COURSE_FILE_MAX_BYTES = 1000
        content = b" " * 2001
        if kind == "form":
            response = client.post(IMPORT, {"file": io.BytesIO(content)}, format="multipart")
        else:
            response = client.post(IMPORT, content, content_type=kind)
        assert response.status_code == 413
        assert response.json()["error"]["code"] == "PAYLOAD_TOO_LARGE"

    def test_who_may_import(self, api: APIClient) -> None:
        assert api.post(IMPORT, minimal(), format="json").status_code == 401
        learner = sign_in(UserFactory.create())
        response = learner.post(IMPORT, minimal(), format="json")
        assert (response.status_code, response.json()["error"]["code"]) == (
            403, "INSTRUCTOR_REQUIRED",
        )  # fmt: skip
        staff = sign_in(StaffFactory.create())
        assert staff.post(IMPORT, minimal(), format="json").status_code == 201

    def test_export(self, client: APIClient, teacher: User) -> None:
        course = make_course(instructor=teacher)
        for query in ("", "?format=json"):
            response = client.get(f"/api/v1/courses/{course.slug}/export/{query}")
            assert response.status_code == 200
            assert response["Content-Type"] == "application/json"
            assert response["Content-Disposition"] == f'attachment; filename="{course.slug}.json"'
            assert response["Cache-Control"] == "private, no-store"
            assert response.json()["title"] == course.title
        response = client.get(f"/api/v1/courses/{course.id}/export/?format=zip")
        assert response["Content-Type"] == "application/zip"
        assert zipfile.is_zipfile(io.BytesIO(response.content))
        assert client.get(f"/api/v1/courses/{course.id}/export/?format=xml").status_code == 422

    def test_who_may_export(self, api: APIClient) -> None:
        course, draft = make_course(), CourseFactory.create(status="draft", published_at=None)

        def answer(client: APIClient, target: Course) -> tuple[int, str]:
            response = client.get(f"/api/v1/courses/{target.id}/export/")
            is_error = response.status_code >= 400
            return response.status_code, response.json()["error"]["code"] if is_error else ""

        assert answer(api, course)[0] == 401
        assert answer(sign_in(UserFactory.create()), course) == (403, "INSTRUCTOR_REQUIRED")
        other = sign_in(InstructorFactory.create())
        assert answer(other, course) == (403, "NOT_COURSE_INSTRUCTOR")
        assert answer(other, draft) == (404, "COURSE_NOT_FOUND")
        assert answer(sign_in(draft.instructor), draft) == (200, "")
        assert answer(sign_in(StaffFactory.create()), draft) == (200, "")

    @pytest.mark.parametrize("word", ["import", "export"])
    def test_both_words_are_reserved(self, client: APIClient, word: str) -> None:
        body = {"title": "A course", "slug": word}
        assert client.post("/api/v1/courses/", body, format="json").status_code == 422
