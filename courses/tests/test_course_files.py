"""Whole courses as files: out and in again, unchanged; and what is refused, named by its place."""

import io
import json
import struct
import uuid
import zipfile
from collections.abc import Callable
from dataclasses import fields
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command
from PIL import Image
from rest_framework.test import APIClient

from core.models import AuditEntry
from courses import authoring_serializers as authoring
from courses import media, portability
from courses.authors import Author
from courses.errors import CourseFileInvalid, CourseFileMalformed, InstructorRequired
from courses.models import Category, Course, CourseStats, Curriculum, Lesson
from courses.portability import importing, serializers
from courses.portability.checks import SCHEMA_FILE
from courses.portability.document import CourseDocument, LessonDocument, SectionDocument
from courses.portability.faults import MAX_FAULTS
from courses.services.authoring.lessons import MAX_LESSONS
from courses.services.authoring.sections import MAX_SECTIONS
from tests.factories import (
    CategoryFactory,
    CourseFactory,
    InstructorFactory,
    LessonFactory,
    StaffFactory,
    UserFactory,
    make_course,
)
from tests.factories.people import sign_in
from users.models import User

pytestmark = pytest.mark.django_db

IMPORT = "/api/v1/courses/import/"


@pytest.fixture
def teacher() -> User:
    return InstructorFactory.create()


@pytest.fixture
def author(teacher: User) -> Author:
    return Author(id=teacher.id, is_instructor=True, is_staff=False)


@pytest.fixture
def client(teacher: User) -> APIClient:
    return sign_in(teacher)


def minimal(**changes: Any) -> dict[str, Any]:
    return {"format": "learnflow-course/1", "title": "A course", **changes}


def full_document(category: str) -> dict[str, Any]:
    return {
        "format": "learnflow-course/1",
        "title": "Größe & <b>Maß</b> 🎓",
        "slug": "groesse-und-mass",
        "short_description": "In short.\n",
        "description": "  Spaces stay.\t\r\nSo do lines.\u2028",
        "category": category,
        "level": "advanced",
        "language": "Deutsch",
        "currency": "usd",
        "price": 89.99,
        "original_price": 99999999.99,
        "preview_video_url": "https://videos.example.test/preview.mp4",
        "outcomes": ["Know", "Know"],
        "requirements": [],
        "thumbnail": None,
        "curriculum": [
            {
                "title": "First",
                "description": "",
                "lessons": [
                    {
                        "title": "Welcome",
                        "description": "Hello",
                        "video_url": "",
                        "duration_minutes": 0,
                        "is_preview": True,
                        "resources": [{"title": "Slides", "url": "https://a.test/s.pdf?x=1#p"}],
                    },
                    {
                        "title": "Second",
                        "description": "",
                        "video_url": "https://videos.example.test/2.mp4",
                        "duration_minutes": 1440,
                        "is_preview": False,
                        "resources": [],
                    },
                ],
            },
            {"title": "Empty", "description": "Nothing yet", "lessons": []},
        ],
    }


def as_json(document: Any) -> bytes:
    return json.dumps(document).encode()


def as_zip(document: Any, *files: tuple[str, bytes]) -> bytes:
    return zipped(("course.json", as_json(document)), *files)


def zipped(*files: tuple[str | zipfile.ZipInfo, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files:
            archive.writestr(name, content)
    return out.getvalue()


def picture(size: tuple[int, int] = (900, 500), color: str = "teal") -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, color).save(out, format="PNG")
    return out.getvalue()


def stored() -> set[str]:
    folder = Path(default_storage.path("course_thumbnails/sized"))
    return {entry.name for entry in folder.iterdir()} if folder.exists() else set()


def everything() -> dict[str, Any]:
    """All that an import could leave behind."""
    kinds = (Course, CourseStats, Curriculum, Lesson, Category, AuditEntry)
    rows = {kind.__name__: list(kind.objects.order_by("pk").values()) for kind in kinds}
    return {**rows, "files": stored()}


def faults_of(content: bytes) -> dict[str, Any]:
    """Return what a refusal names; holds that a refused file changes nothing."""
    author = Author(id=uuid.uuid4(), is_instructor=True, is_staff=False)
    before = everything()
    with pytest.raises((CourseFileInvalid, CourseFileMalformed)) as refused:
        portability.import_course(author=author, content=content)
    assert everything() == before
    return {**refused.value.details, "kind": type(refused.value)}


def export(author: Author, course_id: uuid.UUID) -> dict[str, Any]:
    file = portability.export_json(author=author, reference=str(course_id))
    document: dict[str, Any] = json.loads(file.content)
    return document


class TestRoundTrip:
    def test_json(self, author: Author) -> None:
        given = full_document(CategoryFactory.create().slug)
        course = portability.import_course(author=author, content=as_json(given))
        assert export(author, course.id) == given

    def test_json_bytes_are_stable_but_for_the_slug(self, author: Author) -> None:
        given = full_document(CategoryFactory.create().slug)
        first = portability.import_course(author=author, content=as_json(given))
        once = portability.export_json(author=author, reference=str(first.id))
        second = portability.import_course(author=author, content=once.content)
        twice = portability.export_json(author=author, reference=str(second.id))
        assert (first.slug, second.slug) == ("groesse-und-mass", "groesse-und-mass-2")
        assert twice.content == once.content.replace(first.slug.encode(), second.slug.encode())
        assert (once.name, twice.name) == ("groesse-und-mass.json", "groesse-und-mass-2.json")

    def test_zip_with_its_picture(self, author: Author) -> None:
        document = minimal(slug="pictured", thumbnail="media/any.png")
        content = as_zip(document, ("media/any.png", picture()))
        first = portability.import_course(author=author, content=content)
        once = portability.export_zip(author=author, reference=str(first.id)).content
        Course.objects.filter(id=first.id).delete()
        second = portability.import_course(author=author, content=once)
        twice = portability.export_zip(author=author, reference=str(second.id)).content
        assert twice == once
        with zipfile.ZipFile(io.BytesIO(once)) as archive:
            assert archive.namelist() == ["course.json", "media/thumbnail.webp"]
            assert json.loads(archive.read("course.json"))["thumbnail"] == "media/thumbnail.webp"
            with default_storage.open(first.thumbnail) as file:
                assert archive.read("media/thumbnail.webp") == file.read()

    def test_a_picture_from_elsewhere(self, author: Author) -> None:
        name = default_storage.save("course_thumbnails/by-hand.png", ContentFile(picture((90, 50))))
        course = CourseFactory.create(instructor_id=author.id, thumbnail=name)
        once = portability.export_zip(author=author, reference=str(course.id)).content
        copy = portability.import_course(author=author, content=once)
        twice = portability.export_zip(author=author, reference=str(copy.id)).content
        assert twice == once.replace(course.slug.encode(), copy.slug.encode()) or (
            media_of(once) == media_of(twice)
        )

    def test_a_course_of_the_shop(self, author: Author) -> None:
        course = make_course(sections=3, lessons=3, instructor_id=author.id)
        section = course.curriculum.order_by("order")[1]
        removed = section.lessons.order_by("order")[1]
        Lesson.objects.filter(id=removed.id).update(removed_at="2026-01-01T00:00:00Z")
        Curriculum.objects.filter(id=section.id).update(order=40)
        once = export(author, course.id)
        copy = portability.import_course(author=author, content=as_json(once))
        assert {**export(author, copy.id), "slug": course.slug} == once
        titles = [[one["title"] for one in part["lessons"]] for part in once["curriculum"]]
        assert [len(part) for part in titles] == [3, 3, 2]
        assert removed.title not in titles[2]
        assert once["curriculum"][2]["title"] == section.title

    def test_a_price_nobody_named(self, author: Author) -> None:
        draft = portability.import_course(author=author, content=as_json(minimal()))
        free = portability.import_course(author=author, content=as_json(minimal(price=0)))
        assert export(author, draft.id)["price"] is None
        assert export(author, free.id)["price"] == 0
        assert not Course.objects.get(id=draft.id).is_priced
        assert Course.objects.get(id=free.id).is_priced

    def test_what_is_left_out_has_its_default(self, author: Author) -> None:
        course = portability.import_course(author=author, content=as_json(minimal()))
        assert export(author, course.id) == {
            "format": "learnflow-course/1", "title": "A course", "slug": "a-course",
            "short_description": "", "description": "", "category": None, "level": "beginner",
            "language": "English", "currency": "usd", "price": None, "original_price": None,
            "preview_video_url": "", "outcomes": [], "requirements": [], "thumbnail": None,
            "curriculum": [],
        }  # fmt: skip


def media_of(content: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return archive.read("media/thumbnail.webp")


class TestImport:
    def test_a_draft_of_the_importer_whole(self, author: Author) -> None:
        category = CategoryFactory.create()
        before = Category.objects.get(id=category.id).course_count
        content = as_json(full_document(category.slug))
        result = portability.import_course(author=author, content=content)
        course = Course.objects.get(id=result.id)
        assert (course.instructor_id, course.status, course.published_at) == (
            author.id, "draft", None,
        )  # fmt: skip
        assert not course.is_featured
        assert (course.category_id, course.price) == (category.id, Decimal("89.99"))
        assert course.duration_minutes == 1440
        assert CourseStats.objects.get(course=course).student_count == 0
        sections = list(course.curriculum.order_by("order").values_list(
            "order", "total_lessons", "total_duration_minutes"))  # fmt: skip
        assert sections == [(1, 2, 1440), (2, 0, 0)]
        assert list(Lesson.objects.order_by("order").values_list("order", flat=True)) == [1, 2]
        assert (result.sections_count, result.lessons_count) == (2, 2)
        assert Category.objects.get(id=category.id).course_count == before
        entry = AuditEntry.objects.get(action="course.imported")
        assert (entry.actor_id, entry.target_id) == (author.id, str(course.id))

    def test_nobody_sees_it_yet(self, author: Author, api: APIClient) -> None:
        course = portability.import_course(author=author, content=as_json(minimal()))
        assert api.get(f"/api/v1/courses/{course.id}/").status_code == 404
        assert api.get("/api/v1/courses/").json()["count"] == 0

    @pytest.mark.parametrize("taken", ["a-course", "import", "Groß_Klein"])
    def test_slugs_that_cant_be_had(self, author: Author, taken: str) -> None:
        CourseFactory.create(slug="a-course")
        document = minimal() if taken == "a-course" else minimal(title=taken)
        slug = portability.import_course(author=author, content=as_json(document)).slug
        assert slug == {
            "a-course": "a-course-2", "import": "import-2", "Groß_Klein": "gro-klein",
        }[taken]  # fmt: skip

    def test_a_slug_written_in_capitals_is_made_small(self, author: Author) -> None:
        content = as_json(minimal(slug="My_Course"))
        assert portability.import_course(author=author, content=content).slug == "my-course"

    def test_a_byte_order_mark_is_no_fault(self, author: Author) -> None:
        content = b"\xef\xbb\xbf" + as_json(minimal())
        assert portability.import_course(author=author, content=content).title == "A course"

    def test_folders_in_a_zip_are_no_fault(self, author: Author) -> None:
        content = zipped(
            ("media/", b""), ("course.json", as_json(minimal(thumbnail="media/a.png"))),
            ("media/a.png", picture()),
        )  # fmt: skip
        assert portability.import_course(author=author, content=content).thumbnail

    @pytest.mark.parametrize("sections", [1, 20])
    def test_a_number_of_statements_that_doesnt_grow(
        self, author: Author, sections: int, django_assert_max_num_queries: Any
    ) -> None:
        lessons = [{"title": f"L{number}"} for number in range(sections)]
        parts = [{"title": f"S{number}", "lessons": lessons} for number in range(sections)]
        content = as_json(minimal(curriculum=parts))
        with django_assert_max_num_queries(20):
            portability.import_course(author=author, content=content)

    @pytest.mark.parametrize("sections", [1, 20])
    def test_export_statements(
        self, author: Author, sections: int, django_assert_num_queries: Any
    ) -> None:
        course = make_course(sections=sections, instructor_id=author.id)
        # Savepoint and its release, the course, its category, sections, lessons.
        with django_assert_num_queries(6):
            portability.export_json(author=author, reference=str(course.id))

    def test_learners_may_not(self) -> None:
        learner = Author(id=uuid.uuid4(), is_instructor=False, is_staff=False)
        with pytest.raises(InstructorRequired):
            portability.import_course(author=learner, content=b"{")

    def test_a_failure_midway_leaves_nothing(
        self, author: Author, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(**names: Any) -> None:
            raise RuntimeError("no")

        monkeypatch.setattr(importing, "record_audit", fail)
        before = everything()
        content = as_zip(minimal(thumbnail="media/a.png"), ("media/a.png", picture()))
        with pytest.raises(RuntimeError):
            portability.import_course(author=author, content=content)
        assert everything() == before


class TestJSONFaults:
    @pytest.mark.parametrize(
        ("content", "where"),
        [
            (b"", "line 1, column 1"),
            (b"{", "line 1"),
            (b'{\n  "title": "x",\n}', "line 2, column 15"),
            (b'{\n "title": NaN}', "line 2, column 11"),
            (b'{"title": "\\ud800"}', "line 1"),
            (b'{"title": "\xff"}', "line 1"),
            (b"[" * 100_000, "line 1"),
            (b"\x00\x01", "line 1, column 1"),
            (b'{"a": 1} {', "line 1"),
            (b"1e999", "line 1"),
        ],
    )
    def test_by_line_and_column(self, content: bytes, where: str) -> None:
        faults = faults_of(content)
        assert faults["kind"] is CourseFileMalformed
        assert where in faults["$"][0]

    def test_nesting_that_parsers_survive_differently(self) -> None:
        faults = faults_of(b"[" * 1010 + b"]" * 1010)
        assert faults["$"]

    def test_every_fault_at_once_by_its_path(self) -> None:
        document = minimal(
            title=" ",
            level="expert",
            price=-1,
            original_price=1.005,
            category="nowhere",
            preview_video_url="javascript:alert(1)",
            outcomes=["fine", 5, ""],
            slug="featured",
            currency="eur",
            thumbnail="../../etc/passwd",
            unknown=1,
            curriculum=[
                {"title": "One", "lessons": [{"title": "x", "resources": [{"title": "y"}]}]},
                {"title": "Two", "lessons": 5},
                {
                    "title": "Three",
                    "lessons": [{"title": "x" * 256, "duration_minutes": "long", "is_preview": 1}],
                },
                [],
            ],
        )
        faults = faults_of(as_json(document))
        assert faults.pop("kind") is CourseFileMalformed
        assert faults == {
            "$.title": ["Must not be empty."],
            "$.level": ["Must be one of beginner, intermediate, advanced."],
            "$.price": ["Must be at least 0."],
            "$.original_price": ["Must have at most two decimal places."],
            "$.category": ["There is no category with this slug."],
            "$.preview_video_url": ["Must be an http or https address, or empty."],
            "$.outcomes[1]": ["Must be a text."],
            "$.outcomes[2]": ["Must not be empty."],
            "$.slug": ["Is a reserved word."],
            "$.currency": ["Prices are in usd here."],
            "$.thumbnail": [
                "Must name a file in the ZIP's folder media, as media/thumbnail.webp.",
                "No such file came with the course.",
            ],
            "$.unknown": ["Is not known."],
            "$.curriculum[0].lessons[0].resources[0].url": ["Is required."],
            "$.curriculum[1].lessons": ["Must be a list."],
            "$.curriculum[2].lessons[0].title": ["Must have at most 255 characters."],
            "$.curriculum[2].lessons[0].duration_minutes": ["Must be a whole number."],
            "$.curriculum[2].lessons[0].is_preview": ["Must be true or false."],
            "$.curriculum[3]": ["Must be an object."],
        }

    @pytest.mark.parametrize("document", [None, [], 5, "text", True])
    def test_no_object(self, document: Any) -> None:
        assert faults_of(as_json(document))["$"] == ["Must be an object."]

    @pytest.mark.parametrize(
        ("field", "bad"),
        [
            ("format", ["learnflow-course/2", None, 1]),
            ("title", ["", " \n", None, 5, "x" * 256, "a\x00b", {}]),
            ("slug", ["", "with space", "ü", "line\n", "x" * 256, None, 5, "import", "export",
                      "019b76da-a800-7c3e-8f5d-3c1f0a5b7e21"]),
            ("short_description", ["x" * 501, None, 5, "\x00"]),
            ("description", ["x" * 50_001, None, []]),
            ("category", ["nowhere", "", 5, "\x00", "x" * 101]),
            ("level", ["", "Beginner", None, 5, []]),
            ("language", ["", " ", "x" * 51, None, 5]),
            ("currency", ["eur", "", None, 5]),
            ("price", [-0.01, 1.001, 100_000_000, "5", True, [], 1e-300]),
            ("original_price", [-1, 0.001, 100_000_000, "5", False]),
            ("preview_video_url", ["ftp://a.test/", "//a.test", "javascript:alert(1)", "x", 5,
                                   None, f"https://a.test/{'x' * 500}", "https://a b.test/"]),
            ("outcomes", ["x", None, {}, [""], [None], ["x" * 501], ["x"] * 51, [["x"]]]),
            ("requirements", ["x", None, {}, [" "], [5], ["x"] * 51]),
            ("thumbnail", ["", "media/", "media/../a.png", "/a.png", "media/a.png", 5, "a.png"]),
            ("curriculum", [None, {}, "x", [None], [{}], [{"title": ""}],
                            [{"title": "x"}] * 101, [{"title": "x", "order": 1}],
                            [{"title": "x", "description": None}]]),
        ],
    )  # fmt: skip
    def test_each_field(self, field: str, bad: list[Any]) -> None:
        for value in bad:
            faults = faults_of(as_json(minimal(**{field: value})))
            named = [path for path in faults if path.startswith(f"$.{field}")]
            assert named, (value, faults)
            assert len(faults) == len(named) + 1, (value, faults)

    @pytest.mark.parametrize(
        ("field", "bad"),
        [
            ("title", ["", None, 5, "x" * 256]),
            ("description", [None, 5, "x" * 50_001]),
            ("video_url", ["x", "data:text/html,x", None, 5, f"https://a.test/{'x' * 500}"]),
            ("duration_minutes", [-1, 1441, 1.5, "5", None, True, 10**30]),
            ("is_preview", ["true", 1, None]),
            ("resources", [None, {}, [5], [{"title": "x"}], [{"url": "https://a.test"}],
                           [{"title": "", "url": "https://a.test"}],
                           [{"title": "x" * 201, "url": "https://a.test"}],
                           [{"title": "x", "url": ""}], [{"title": "x", "url": "javascript:x"}],
                           [{"title": "x", "url": "https://a.test", "more": 1}],
                           [{"title": "x", "url": "https://a.test"}] * 51]),
        ],
    )  # fmt: skip
    def test_each_field_of_a_lesson(self, field: str, bad: list[Any]) -> None:
        start = f"$.curriculum[0].lessons[1].{field}"
        for value in bad:
            lessons = [{"title": "fine"}, {"title": "x", field: value}]
            document = minimal(curriculum=[{"title": "x", "lessons": lessons}])
            faults = faults_of(as_json(document))
            assert any(path.startswith(start) for path in faults), (value, faults)

    def test_prices_that_contradict_each_other(self) -> None:
        faults = faults_of(as_json(minimal(price=10, original_price=9.99)))
        assert faults["$.original_price"] == ["Must not be below the price."]
        assert faults["kind"] is CourseFileInvalid

    def test_names_given_twice(self) -> None:
        content = b"""{"format": "learnflow-course/1", "title": "a", "title": "b",
            "curriculum": [{"title": "x", "lessons": [], "lessons": []}]}"""
        faults = faults_of(content)
        assert faults["$.title"] == ["Is there more than once."]
        assert faults["$.curriculum[0].lessons"] == ["Is there more than once."]

    def test_a_hostile_name_is_repeated_in_part_only(self) -> None:
        faults = faults_of(as_json(minimal(**{"x\n\u202e" + "y" * 10_000: 1})))
        path = next(path for path in faults if path.startswith("$["))
        assert len(path) < 100
        assert path.isprintable()

    def test_thousands_of_faults_are_named_in_part(self) -> None:
        sections = [{"title": "x", "lessons": [5] * 200}] * 50
        faults = faults_of(as_json(minimal(curriculum=sections)))
        assert faults["..."]
        assert len(faults) == MAX_FAULTS + 2

    @pytest.mark.parametrize(
        "document",
        [
            minimal(outcomes=["x"] * 100_001),
            minimal(curriculum=[{"title": "x", "lessons": [{"title": "x"}] * 201}]),
            minimal(curriculum=[{"title": "x", "lessons": [{"title": "x"}] * 200}] * 26),
            minimal(**{f"x{number}": 1 for number in range(100_001)}),
            [[[]] * 200] * 600,
        ],
        ids=["values", "lessons", "all lessons", "names", "nested"],
    )
    def test_huge_counts(self, document: Any) -> None:
        faults = faults_of(as_json(document))
        said = " ".join(text for texts in faults.values() if isinstance(texts, list)
                        for text in texts)  # fmt: skip
        assert "at most" in said or "more than" in said

    def test_too_many_bytes(self, settings: Any) -> None:
        settings.COURSE_FILE_MAX_BYTES = 1024 * 1024
        assert "larger than 1 MiB" in faults_of(b" " * (1024 * 1024 + 1))["$"][0]


def linked(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.create_system = 3
    info.external_attr = 0o120777 << 16
    return info


def packed(name: str, compression: int) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.compress_type = compression
    return info


def announce(content: bytes, size: int) -> bytes:
    """Let the last member's directory entry announce another size."""
    at = content.rindex(b"PK\x01\x02")
    return content[: at + 24] + struct.pack("<I", size) + content[at + 28 :]


def encrypt(content: bytes) -> bytes:
    """Set the flag of encryption in the last member's directory entry."""
    at = content.rindex(b"PK\x01\x02")
    return content[: at + 8] + struct.pack("<H", 1) + content[at + 10 :]


GOOD = ("course.json", as_json(minimal()))


class TestZipFaults:
    @pytest.mark.parametrize(
        "name",
        ["../course.json", "/etc/passwd", "media/../../x", "media\\..\\x", "C:/x", "./x",
         "media//x", "..", "media/./x"],
    )  # fmt: skip
    def test_names_that_lead_elsewhere(self, name: str) -> None:
        faults = faults_of(zipped(GOOD, (name, b"x")))
        assert faults[name] == ["Is a name that leads out of the archive's folder."]

    @pytest.mark.filterwarnings("ignore:Duplicate name")
    @pytest.mark.parametrize("again", ["course.json", "COURSE.JSON"])
    def test_names_there_twice(self, again: str) -> None:
        faults = faults_of(zipped(GOOD, (again, b"{}")))
        assert faults[again] == ["Is in the ZIP file more than once."]

    def test_links(self) -> None:
        content = zipped(GOOD, (linked("media/a.png"), b"/etc/passwd"))
        assert faults_of(content)["media/a.png"] == ["Is a link."]

    @pytest.mark.parametrize("compression", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
    def test_other_compressions(self, compression: int) -> None:
        faults = faults_of(zipped(GOOD, (packed("media/a.png", compression), b"x" * 100)))
        assert faults["media/a.png"] == ["Is packed in another way than stored or deflated."]

    def test_encryption(self) -> None:
        assert faults_of(encrypt(zipped(GOOD)))["course.json"] == ["Is encrypted."]

    def test_bombs(self, settings: Any) -> None:
        settings.COURSE_FILE_MAX_BYTES = 1024 * 1024
        content = zipped(GOOD, ("media/a.png", b"\0" * 2_000_000))
        assert len(content) < 10_000
        assert "larger than 1 MiB" in faults_of(content)["media/a.png"][0]

    def test_bombs_of_many_parts(self, settings: Any) -> None:
        settings.COURSE_FILE_MAX_BYTES = 1024 * 1024
        parts = [(f"media/{number}.png", b"\0" * 1_000_000) for number in range(5)]
        assert "larger than 2 MiB" in faults_of(zipped(GOOD, *parts))["$"][0]

    @pytest.mark.parametrize("size", [10, 5000])
    def test_members_that_lie_about_their_size(self, size: int) -> None:
        content = announce(zipped(GOOD, ("media/a.png", b"\0" * 1000)), size)
        assert faults_of(content)["$"] == ["Not a readable ZIP file."]

    def test_too_many_members(self) -> None:
        parts = [(f"media/{number}.png", b"") for number in range(1000)]
        assert "at most 20" in faults_of(zipped(GOOD, *parts))["$"][0]

    def test_files_that_dont_belong(self) -> None:
        content = as_zip(minimal(), ("media/a.png", picture()), ("readme.txt", b"hello"))
        faults = faults_of(content)
        assert faults["media/a.png"] == faults["readme.txt"] == ["Is not part of the course."]

    def test_no_course(self) -> None:
        assert faults_of(zipped(("other.json", b"{}")))["course.json"]
        assert faults_of(zipped())["course.json"] == ["Is missing from the ZIP file."]

    def test_a_picture_that_isnt_one(self) -> None:
        content = as_zip(minimal(thumbnail="media/a.png"), ("media/a.png", b"<svg/>"))
        faults = faults_of(content)
        assert faults == {
            "$.thumbnail": ["Upload a valid JPEG, PNG or WebP image."], "kind": CourseFileInvalid,
        }  # fmt: skip

    def test_faults_of_picture_and_text_are_named_together(self) -> None:
        content = as_zip(minimal(thumbnail="media/a.png", price=-1), ("media/a.png", b"x"))
        assert {"$.thumbnail", "$.price"} <= set(faults_of(content))

    @pytest.mark.parametrize("cut", [5, 40, -1, -30])
    def test_damaged(self, cut: int) -> None:
        assert faults_of(as_zip(minimal())[:cut])["kind"] is CourseFileMalformed

    def test_flipped_bits(self, author: Author) -> None:
        content = bytearray(as_zip(full_document(CategoryFactory.create().slug)))
        for position in range(0, len(content), 7):
            damaged = bytearray(content)
            damaged[position] ^= 0xFF
            try:
                portability.check_file(content=bytes(damaged))
            except (CourseFileInvalid, CourseFileMalformed):
                continue


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
            assert response["Cache-Control"] == "private, no-cache"
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


class TestCommands:
    def test_out_and_in(
        self, tmp_path: Path, teacher: User, capsys: pytest.CaptureFixture[str]
    ) -> None:
        course = make_course()
        file = tmp_path / "course.zip"
        call_command("export_course", course.slug, output=file)
        assert str(file) in capsys.readouterr().out
        call_command("import_course", str(file), check=True)
        assert "no faults" in capsys.readouterr().out
        call_command("import_course", str(file), instructor=teacher.email.upper())
        copy = Course.objects.get(instructor=teacher)
        assert (copy.title, copy.slug) == (course.title, f"{course.slug}-2")
        assert f"{course.slug}-2" in capsys.readouterr().out

    def test_the_name_is_the_slug(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        course = make_course()
        call_command("export_course", str(course.id), "--format", "json")
        assert json.loads((tmp_path / f"{course.slug}.json").read_bytes())["title"] == course.title

    def test_refusals(self, tmp_path: Path, teacher: User) -> None:
        file = tmp_path / "bad.json"
        file.write_bytes(as_json(minimal(price=-1, level="expert")))
        before = everything()
        calls: list[tuple[Callable[[], object], str]] = [
            (lambda: call_command("import_course", str(file), instructor=teacher.email),
             "  $.price: Must be at least 0."),
            (lambda: call_command("import_course", str(file), check=True), "  $.level: Must be"),
            (lambda: call_command("import_course", str(file), instructor="x@y.test"), "nobody"),
            (lambda: call_command("import_course", "missing.json", check=True), "Can't read"),
            (lambda: call_command("export_course", "missing"), "does not exist"),
            (lambda: call_command("export_course", make_course().slug, output=tmp_path),
             "Can't write"),
        ]  # fmt: skip
        for call, text in calls[:5]:
            with pytest.raises(CommandError, match=text.replace("$", r"\$")):
                call()
        assert everything() == before
        with pytest.raises(CommandError, match=calls[5][1]):
            calls[5][0]()

    def test_a_learner_gets_no_course(self, tmp_path: Path) -> None:
        file = tmp_path / "good.json"
        file.write_bytes(as_json(minimal()))
        with pytest.raises(CommandError, match="Only instructors"):
            call_command("import_course", str(file), instructor=UserFactory.create().email)


class TestShape:
    """The schema file, the documents, the API's description and the authoring limits agree."""

    @pytest.fixture
    def schema(self) -> dict[str, Any]:
        loaded: dict[str, Any] = json.loads(SCHEMA_FILE.read_bytes())
        return loaded

    def test_names(self, schema: dict[str, Any]) -> None:
        kinds = [
            (schema, CourseDocument, serializers.CourseDocumentSerializer),
            (schema["$defs"]["section"], SectionDocument, serializers.SectionDocumentSerializer),
            (schema["$defs"]["lesson"], LessonDocument, serializers.LessonDocumentSerializer),
        ]
        for part, document, serializer in kinds:
            names = {field.name for field in fields(document)}
            assert set(part["properties"]) - {"format"} == names
            assert set(serializer().fields) - {"format"} == names

    def test_limits_are_those_of_authoring(self, schema: dict[str, Any]) -> None:
        defs, lesson = schema["$defs"], schema["$defs"]["lesson"]["properties"]
        assert defs["text"]["maxLength"] == authoring.MAX_DESCRIPTION
        assert defs["points"]["maxItems"] == authoring.MAX_POINTS
        assert lesson["duration_minutes"]["maximum"] == authoring.MAX_MINUTES
        assert lesson["resources"]["maxItems"] == authoring.MAX_RESOURCES
        assert schema["properties"]["curriculum"]["maxItems"] == MAX_SECTIONS
        assert defs["section"]["properties"]["lessons"]["maxItems"] == MAX_LESSONS
        assert schema["properties"]["level"]["enum"] == Course.Level.values
        for name in ("title", "slug", "short_description", "language", "preview_video_url"):
            rule = schema["properties"][name]
            rule = defs[rule["$ref"].rpartition("/")[2]] if "$ref" in rule else rule
            assert rule["maxLength"] == Course._meta.get_field(name).max_length

    def test_every_lesson_column_travels(self) -> None:
        lesson = LessonFactory.create()
        own = {"id", "created_at", "updated_at", "curriculum", "order", "removed_at"}
        columns = {field.name for field in lesson._meta.concrete_fields} - own
        assert {field.name for field in fields(LessonDocument)} == columns
