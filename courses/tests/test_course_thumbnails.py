"""Thumbnails of courses: what is accepted, what becomes of it, and what is left behind."""

import datetime as dt
import io
import re
import struct
import threading
import zlib
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from PIL import Image
from rest_framework.test import APIClient

from core import pictures
from courses import media
from courses.authors import Author
from courses.models import Course
from courses.services import thumbnails
from tests.admin_browser import AdminBrowser
from tests.factories import CourseFactory, InstructorFactory, StaffFactory, UserFactory
from tests.factories.people import sign_in

pytestmark = pytest.mark.django_db

NAME = re.compile(r"course_thumbnails/sized/[0-9a-f]{32}-[0-9a-f]{12}-1280\.webp")


@pytest.fixture
def course() -> Course:
    return CourseFactory.create()


@pytest.fixture
def client(course: Course) -> APIClient:
    return sign_in(course.instructor)


def url_of(course: Course) -> str:
    return f"/api/v1/courses/{course.id}/thumbnail/"


def picture(
    size: tuple[int, int] = (1600, 900),
    kind: str = "PNG",
    mode: str = "RGB",
    color: Any = "teal",
    **options: Any,
) -> bytes:
    out = io.BytesIO()
    Image.new(mode, size, color).save(out, format=kind, **options)
    return out.getvalue()


def send(
    client: APIClient, course: Course, content: bytes, *, method: str = "put", name: str = "a.png"
) -> Any:
    upload = SimpleUploadedFile(name, content, "image/png")
    return getattr(client, method)(url_of(course), {"thumbnail": upload}, format="multipart")


def stored() -> set[str]:
    folder = Path(default_storage.path("course_thumbnails/sized"))
    names = {entry.name for entry in folder.iterdir()} if folder.exists() else set()
    return {f"course_thumbnails/sized/{name}" for name in names}


def name_of(course: Course) -> str:
    return str(Course.objects.get(id=course.id).thumbnail)


def names_of(course: Course) -> set[str]:
    name = name_of(course)
    return {name.replace("-1280.webp", f"-{width}.webp") for width in media.WIDTHS}


def open_stored(name: str) -> Image.Image:
    with default_storage.open(name) as file:
        image = Image.open(io.BytesIO(file.read()))
        image.load()
        return image


class TestUpload:
    @pytest.mark.parametrize("method", ["put", "post"])
    def test_it_becomes_webp_in_three_widths(
        self, client: APIClient, course: Course, method: str
    ) -> None:
        response = send(client, course, picture(), method=method)
        assert response.status_code == 200, response.content
        name = name_of(course)
        assert NAME.fullmatch(name)
        stem = f"http://testserver/media/{name.removesuffix('-1280.webp')}"
        assert response.json() == {
            "thumbnail": f"{stem}-1280.webp",
            "thumbnails": {width: f"{stem}-{width}.webp" for width in ("320", "640", "1280")},
        }
        sizes = {}
        for file in names_of(course):
            image = open_stored(file)
            assert image.format == "WEBP"
            sizes[image.width] = image.height
        assert sizes == {320: 180, 640: 360, 1280: 720}
        own = client.get(f"/api/v1/instructor/courses/{course.id}/").json()
        assert own["thumbnails"] == response.json()["thumbnails"]
        detail = client.get(f"/api/v1/courses/{course.id}/").json()
        assert detail["thumbnail"] == response.json()["thumbnail"]
        with closing(client.get(f"/media/{name}")) as answer:
            assert answer.status_code == 200

    def test_by_slug_too(self, client: APIClient, course: Course) -> None:
        upload = SimpleUploadedFile("a.png", picture())
        response = client.put(
            f"/api/v1/courses/{course.slug}/thumbnail/", {"thumbnail": upload}, format="multipart"
        )
        assert response.status_code == 200

    @pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
    def test_formats(self, client: APIClient, course: Course, kind: str) -> None:
        assert send(client, course, picture(kind=kind)).status_code == 200

    @pytest.mark.parametrize(("mode", "kind"), [("L", "PNG"), ("P", "PNG"), ("CMYK", "JPEG"),
                                                ("RGBA", "PNG"), ("LA", "PNG"), ("I;16", "PNG"),
                                                ("1", "PNG")])  # fmt: skip
    def test_colour_modes(self, client: APIClient, course: Course, mode: str, kind: str) -> None:
        content = picture(mode=mode, kind=kind, color=0)
        assert send(client, course, content).status_code == 200

    def test_it_is_never_enlarged(self, client: APIClient, course: Course) -> None:
        send(client, course, picture((700, 400)))
        name = name_of(course)
        widths = {file.rpartition("-")[2]: open_stored(file).width for file in names_of(course)}
        assert widths == {"320.webp": 320, "640.webp": 640, "1280.webp": 700}
        assert name in stored()

    def test_metadata_is_dropped_and_the_picture_upright(
        self, client: APIClient, course: Course
    ) -> None:
        exif = Image.Exif()
        exif[0x0112] = 6  # turned by 90 degrees
        exif[0x010F] = "SECRET-CAMERA"
        content = picture((900, 800), kind="JPEG", exif=exif, comment=b"SECRET-COMMENT")
        assert b"SECRET-CAMERA" in content
        send(client, course, content)
        for name in names_of(course):
            with default_storage.open(name) as file:
                assert b"SECRET" not in file.read()
        full = open_stored(name_of(course))
        assert full.size == (800, 900)
        assert not full.getexif()
        assert "icc_profile" not in full.info

    def test_an_animation_keeps_its_first_frame(self, client: APIClient, course: Course) -> None:
        frames = [Image.new("RGB", (640, 360), color) for color in ("red", "blue")]
        out = io.BytesIO()
        frames[0].save(out, format="WEBP", save_all=True, append_images=frames[1:], lossless=True)
        send(client, course, out.getvalue())
        image = open_stored(name_of(course))
        assert getattr(image, "n_frames", 1) == 1
        red, _, blue = image.convert("RGB").getpixel((5, 5))  # type: ignore[misc]
        assert red > 200 > blue

    def test_the_course_counts_as_updated_and_nothing_else_changes(
        self, client: APIClient, course: Course
    ) -> None:
        changing = {"thumbnail", "last_updated", "updated_at"}
        Course.objects.filter(id=course.id).update(
            last_updated=dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
        )
        client.get("/api/v1/courses/")
        before: Any = Course.objects.filter(id=course.id).values().get()
        other = CourseFactory.create()
        other_row = Course.objects.filter(id=other.id).values().get()
        send(client, course, picture())
        after: Any = Course.objects.filter(id=course.id).values().get()
        assert {name for name in after if after[name] != before[name]} >= {"last_updated"}
        for name in set(after) - changing - {"search_document", "search_text"}:
            assert after[name] == before[name], name
        assert Course.objects.filter(id=other.id).values().get() == other_row
        assert client.get("/api/v1/courses/").json()["results"]


# Files go after the commit, so these tests commit.
@pytest.mark.django_db(transaction=True)
class TestReplacing:
    def test_the_old_files_go(self, client: APIClient, course: Course) -> None:
        send(client, course, picture(color="red"))
        old = names_of(course)
        send(client, course, picture(color="blue"))
        new = names_of(course)
        assert not old & new
        assert new <= stored()
        assert not old & stored()

    def test_the_same_picture_keeps_its_address(self, client: APIClient, course: Course) -> None:
        first = send(client, course, picture()).json()
        before = stored()
        assert send(client, course, picture()).json() == first
        assert stored() == before

    def test_the_same_picture_heals_a_lost_file(self, client: APIClient, course: Course) -> None:
        send(client, course, picture())
        default_storage.delete(name_of(course))
        send(client, course, picture())
        assert names_of(course) <= stored()

    def test_equal_pictures_of_two_courses_are_two_files(
        self, client: APIClient, course: Course
    ) -> None:
        other = CourseFactory.create(instructor=course.instructor)
        send(client, course, picture())
        send(client, other, picture())
        client.delete(url_of(course))
        assert names_of(other) <= stored()

    def test_files_that_another_course_shows_stay(self, client: APIClient, course: Course) -> None:
        send(client, course, picture())
        shared = names_of(course)
        CourseFactory.create(thumbnail=name_of(course))
        assert client.delete(url_of(course)).status_code == 204
        assert shared <= stored()

    def test_of_two_at_once_one_stays_and_the_other_leaves_nothing(self, course: Course) -> None:
        author = Author(id=course.instructor_id, is_instructor=True)
        before = stored()

        def upload(color: str) -> None:
            try:
                thumbnails.set_thumbnail(
                    author=author,
                    reference=str(course.id),
                    upload=SimpleUploadedFile("a.png", picture(color=color)),
                )
            finally:
                connection.close()

        threads = [threading.Thread(target=upload, args=(c,)) for c in ("red", "blue", "green")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert stored() - before == names_of(course)

    def test_a_failing_write_leaves_no_files(
        self, client: APIClient, course: Course, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        before = stored()

        def fail(**names: Any) -> None:
            raise RuntimeError("no")

        monkeypatch.setattr(thumbnails, "mark_changed", fail)
        client.raise_request_exception = False
        assert send(client, course, picture()).status_code == 500
        assert stored() == before
        assert not Course.objects.get(id=course.id).thumbnail

    def test_a_failing_storage_leaves_no_files(
        self, client: APIClient, course: Course, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        before, save = stored(), default_storage.save

        def fail_for_the_last(name: str, content: Any) -> str:
            if name.endswith("-1280.webp"):
                raise OSError("disk full")
            return save(name, content)

        monkeypatch.setattr(default_storage, "save", fail_for_the_last)
        client.raise_request_exception = False
        assert send(client, course, picture()).status_code == 500
        assert stored() == before


@pytest.mark.django_db(transaction=True)
class TestRemoving:
    def test_it_goes_with_its_files(self, client: APIClient, course: Course) -> None:
        send(client, course, picture())
        old = names_of(course)
        assert client.delete(url_of(course)).status_code == 204
        assert client.get(f"/api/v1/courses/{course.id}/").json()["thumbnail"] is None
        assert not old & stored()

    def test_again_is_fine(self, client: APIClient, course: Course) -> None:
        before = Course.objects.filter(id=course.id).values().get()
        assert client.delete(url_of(course)).status_code == 204
        assert Course.objects.filter(id=course.id).values().get() == before

    def test_a_deleted_course_leaves_no_files(self, client: APIClient) -> None:
        course = CourseFactory.create(status="draft", published_at=None)
        owner = sign_in(course.instructor)
        send(owner, course, picture())
        old = names_of(course)
        assert owner.delete(f"/api/v1/courses/{course.id}/").status_code == 204
        assert not old & stored()


def bomb() -> bytes:
    """A PNG of a few hundred bytes that announces two billion pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        crc = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", crc)

    header = struct.pack(">IIBBBBB", 50_000, 40_000, 8, 2, 0, 0, 0)
    pixels = zlib.compress(b"\0" * 1_000_000)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels)


class TestRefusals:
    @pytest.mark.parametrize(
        ("content", "reason"),
        [
            (b"", "valid JPEG, PNG or WebP"),
            (b"<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>", "valid JPEG"),
            (b"%PDF-1.7", "valid JPEG"),
            (picture(kind="GIF"), "valid JPEG"),
            (picture(kind="BMP"), "valid JPEG"),
            (picture(kind="TIFF"), "valid JPEG"),
            (picture()[:-200], "valid JPEG"),
            (picture((639, 700)), "at least 640 pixels wide and 360 high"),
            (picture((700, 359)), "at least 640"),
            (picture((1604, 400)), "4 times"),
            (picture((640, 2600)), "4 times"),
            (picture((8000, 5001), mode="1", color=0), "too many pixels"),
            (bomb(), "too many pixels"),
        ],
        ids=["empty", "svg", "pdf", "gif", "bmp", "tiff", "cut", "narrow", "low", "wide", "tall",
             "pixels", "bomb"],
    )  # fmt: skip
    def test_content(self, client: APIClient, course: Course, content: bytes, reason: str) -> None:
        before = stored()
        response = send(client, course, content, name="a.jpg")
        assert response.status_code == 422
        assert reason in response.json()["error"]["details"]["thumbnail"][0]
        assert stored() == before
        assert not Course.objects.get(id=course.id).thumbnail

    def test_who_waits_too_long_for_others_comes_back_later(
        self, client: APIClient, course: Course, settings: Any
    ) -> None:
        settings.HEAVY_WAIT_SECONDS = 0
        content = picture()
        with pictures._gate.passed():
            response = send(client, course, content)
        assert (response.status_code, response.headers["Retry-After"]) == (503, "5")
        assert send(client, course, content).status_code == 200

    def test_too_many_bytes(self, client: APIClient, course: Course, settings: Any) -> None:
        content = picture()
        settings.COURSE_THUMBNAIL_MAX_BYTES = len(content) - 1
        assert send(client, course, content).status_code == 422
        settings.COURSE_THUMBNAIL_MAX_BYTES = len(content)
        assert send(client, course, content).status_code == 200
        settings.COURSE_THUMBNAIL_MAX_BYTES = 100
        response = send(client, course, content)
        assert (response.status_code, response.json()["error"]["code"]) == (
            413, "PAYLOAD_TOO_LARGE",
        )  # fmt: skip

    def test_forms_without_a_picture(self, client: APIClient, course: Course) -> None:
        assert client.put(url_of(course), {}, format="multipart").status_code == 400
        response = client.put(url_of(course), {"thumbnail": "text"}, format="multipart")
        assert response.status_code == 422
        assert client.put(url_of(course), {"thumbnail": "x"}, format="json").status_code == 415

    @pytest.mark.parametrize("method", ["put", "delete"])
    def test_who_may(self, api: APIClient, course: Course, method: str) -> None:
        draft = CourseFactory.create(status="draft", published_at=None)

        def answer(client: APIClient, target: Course) -> tuple[int, str]:
            if method == "put":
                response = send(client, target, picture())
            else:
                response = client.delete(url_of(target))
            code = response.json()["error"]["code"] if response.status_code >= 400 else ""
            return response.status_code, code

        assert answer(api, course)[0] == 401
        learner = sign_in(UserFactory.create())
        assert answer(learner, course) == (403, "INSTRUCTOR_REQUIRED")
        teacher = sign_in(InstructorFactory.create())
        assert answer(teacher, course) == (403, "NOT_COURSE_INSTRUCTOR")
        assert answer(teacher, draft) == (404, "COURSE_NOT_FOUND")
        assert answer(sign_in(StaffFactory.create()), draft)[0] in {200, 204}
        missing = Course(id=InstructorFactory.create().id)
        assert answer(teacher, missing) == (404, "COURSE_NOT_FOUND")


# Files go after the commit, so these tests commit.
@pytest.mark.django_db(transaction=True)
class TestAdmin:
    """What staff upload in the admin goes the same way."""

    @pytest.fixture
    def staff(self) -> Client:
        client = AdminBrowser()
        client.force_login(StaffFactory.create())
        return client

    def post(self, staff: Client, course: Course, **fields: Any) -> Any:
        values: dict[str, Any] = {
            "title": course.title, "slug": course.slug, "description": course.description,
            "short_description": "", "level": course.level, "language": course.language,
            "price": "10", "original_price": "", "outcomes": "[]", "requirements": "[]",
            "preview_video_url": "", "category": course.category_id,
            "instructor": course.instructor_id,
        }  # fmt: skip
        for prefix in ("curriculum", "stats", "submissions"):
            rows = 1 if prefix == "stats" else 0
            values |= {f"{prefix}-TOTAL_FORMS": rows, f"{prefix}-INITIAL_FORMS": rows}
        values |= {"stats-0-course": course.id}
        return staff.post(f"/admin/courses/course/{course.id}/change/", {**values, **fields})

    def upload(self, color: str) -> SimpleUploadedFile:
        return SimpleUploadedFile("a.png", picture(color=color), "image/png")

    def test_set_replaced_kept_and_cleared(self, staff: Client, course: Course) -> None:
        assert self.post(staff, course, thumbnail=self.upload("red")).status_code == 302
        first = names_of(course)
        assert NAME.fullmatch(name_of(course))
        assert first <= stored()
        assert self.post(staff, course, thumbnail=self.upload("blue")).status_code == 302
        second = names_of(course)
        assert second <= stored()
        assert not first & stored()
        assert self.post(staff, course).status_code == 302
        assert names_of(course) == second <= stored()
        assert self.post(staff, course, **{"thumbnail-clear": "on"}).status_code == 302
        assert not name_of(course)
        assert not second & stored()

    def test_refused(self, staff: Client, course: Course) -> None:
        before = stored()
        small = SimpleUploadedFile("a.png", picture((100, 100)), "image/png")
        response = self.post(staff, course, thumbnail=small)
        assert response.status_code == 200
        assert b"at least 640 pixels" in response.content
        assert stored() == before
        assert not name_of(course)

    def test_pillow_is_asked_for_our_formats_alone(
        self, staff: Client, course: Course, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        asked: list[Any] = []
        original = Image.open

        def spy(file: Any, mode: Any = "r", formats: Any = None) -> Any:
            asked.append(formats)
            return original(file, mode, formats)

        monkeypatch.setattr("PIL.Image.open", spy)
        for content in (picture(kind="TIFF"), picture((8000, 5001), mode="1", color=0)):
            upload = SimpleUploadedFile("a.png", content, "image/png")
            assert self.post(staff, course, thumbnail=upload).status_code == 200
        # Of the first not even its header is read.
        assert asked == [["PNG"]]
        assert not name_of(course)

    def test_who_waits_too_long_is_told_so(
        self, staff: Client, course: Course, settings: Any
    ) -> None:
        settings.HEAVY_WAIT_SECONDS = 0
        with pictures._gate.passed():
            response = self.post(staff, course, thumbnail=self.upload("blue"))
        assert b"try again in a few seconds" in response.content


class TestNames:
    def test_sizes_by_name(self) -> None:
        stem = f"course_thumbnails/sized/{'a' * 32}-{'b' * 12}"
        assert media.thumbnail_urls(f"{stem}-1280.webp") == {
            str(width): f"http://testserver/media/{stem}-{width}.webp" for width in media.WIDTHS
        }

    @pytest.mark.parametrize("name", [None, "", "course_thumbnails/a.png",
                                      "course_thumbnails/demo-1/web.webp"])  # fmt: skip
    def test_pictures_put_there_otherwise_have_no_sizes(self, name: str | None) -> None:
        assert media.thumbnail_urls(name) == {}

    def test_no_query(self, django_assert_num_queries: Any) -> None:
        with django_assert_num_queries(0):
            media.thumbnail_urls(f"course_thumbnails/sized/{'a' * 32}-{'b' * 12}-1280.webp")


class TestImportedPictures:
    def make(self, content: bytes) -> media.Thumbnail:
        return media.make_thumbnail(stream=io.BytesIO(content), size=len(content), is_import=True)

    def test_one_of_ours_keeps_its_bytes(self) -> None:
        full = self.make(picture()).files[1280]
        assert self.make(full).files[1280] == full

    @pytest.mark.parametrize("mode", ["RGB", "RGBA"])
    def test_alpha_or_not(self, mode: str) -> None:
        color = (200, 10, 10, 90)[: len(mode)]
        full = self.make(picture((900, 500), mode=mode, color=color)).files[1280]
        assert self.make(full).files[1280] == full

    @pytest.mark.parametrize(
        "spoil",
        [
            lambda full: full + b"#!/bin/sh evil",
            lambda full: (
                full[:4] + struct.pack("<I", len(full) + 4) + full[8:] + b"EXIF\4\0\0\0evil"
            ),
        ],
        ids=["trailing bytes", "a chunk of metadata"],
    )
    def test_one_with_more_than_the_picture_is_made_anew(self, spoil: Any) -> None:
        spoiled = spoil(self.make(picture()).files[1280])
        assert b"evil" in spoiled
        assert b"evil" not in self.make(spoiled).files[1280]

    def test_metadata_never_comes_along(self) -> None:
        exif = Image.Exif()
        exif[0x010F] = "SECRET"
        content = picture((900, 500), kind="WEBP", exif=exif)
        assert b"SECRET" in content
        assert b"SECRET" not in self.make(content).files[1280]

    def test_a_wide_one_is_cut_to_size(self) -> None:
        content = pictures.to_webp(Image.new("RGB", (2000, 900)))
        assert Image.open(io.BytesIO(self.make(content).files[1280])).width == 1280
