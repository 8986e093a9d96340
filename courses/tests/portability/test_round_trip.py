"""Whole courses out and in again, unchanged, and what an import makes."""

import io
import json
import uuid
import zipfile
from decimal import Decimal
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from rest_framework.test import APIClient

from core.models import AuditEntry
from courses import portability
from courses.authors import Author, author_from
from courses.errors import InstructorRequired
from courses.models import Category, Course, CourseStats, Curriculum, Lesson
from courses.portability import importing
from courses.tests.portability.making import (
    as_json,
    as_zip,
    everything,
    export,
    full_document,
    media_of,
    minimal,
    picture,
    zipped,
)
from tests.factories import (
    CategoryFactory,
    CourseFactory,
    StaffFactory,
    make_course,
)

pytestmark = pytest.mark.django_db


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
        assert "changes" not in entry.details, "instructors write what is theirs"

    def test_what_staff_bring_in_is_told_column_by_column(self) -> None:
        clerk = author_from(StaffFactory.create())
        given = full_document(CategoryFactory.create().slug)
        course = portability.import_course(author=clerk, content=as_json(given))
        changes = AuditEntry.objects.get(action="course.imported").details["changes"]
        assert changes[f"course:{course.id}"]["title"] == [None, course.title]
        assert any(name.startswith("lesson:") for name in changes)

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
        learner = Author(id=uuid.uuid4(), is_instructor=False)
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
