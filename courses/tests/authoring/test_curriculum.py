"""Sections and lessons: adding, changing, moving, ordering and removing them."""

import uuid
from functools import partial

import pytest

from courses.authoring_serializers import (
    LessonCreateSerializer,
    LessonUpdateSerializer,
    OwnLessonSerializer,
    OwnSectionSerializer,
    SectionCreateSerializer,
    SectionUpdateSerializer,
)
from courses.models import Course, Curriculum, Lesson
from courses.services.authoring import add_lesson, lessons, reorder_lessons, sections
from courses.tests.authoring.conftest import error_of, lessons_of, sections_of, statements_of
from tests.factories import LessonFactory, SectionFactory, make_course
from tests.shapes import assert_shape

pytestmark = pytest.mark.django_db

LESSON = {
    "title": "Deltas", "description": "Where they end.", "duration_minutes": 25,
    "video_url": "https://videos.example.test/deltas.mp4", "is_preview": True,
    "resources": [{"title": "Map", "url": "https://files.example.test/map.pdf"}],
}  # fmt: skip
BAD_SECTIONS: list[tuple[str, object, int]] = [
    ("title", "", 422), ("title", "x" * 256, 422), ("title", 1, 400), ("title", None, 400),
    ("description", 1, 400), ("description", "x" * 50_001, 422),
    ("order", 0, 422), ("order", -1, 422), ("order", "1", 400), ("order", 10**9, 422),
    ("order", 1.5, 400), ("order", True, 400),
]  # fmt: skip
BAD_LESSONS: list[tuple[str, object, int]] = [
    ("title", "", 422), ("title", "x" * 256, 422), ("title", [], 400), ("title", None, 400),
    ("description", 1, 400), ("description", "x" * 50_001, 422),
    ("video_url", "deltas.mp4", 422), ("video_url", "file:///etc/passwd", 422),
    ("video_url", 5, 400), ("video_url", "https://example.test/" + "x" * 500, 422),
    ("duration_minutes", -1, 422), ("duration_minutes", 1441, 422),
    ("duration_minutes", "10", 400), ("duration_minutes", 1.5, 400),
    ("is_preview", "true", 400), ("is_preview", 1, 400), ("is_preview", None, 400),
    ("resources", {}, 400), ("resources", "x", 400), ("resources", ["x"], 400),
    ("resources", [None], 400),
    ("resources", [{"title": "Map"}], 400),
    ("resources", [{"title": "", "url": "https://e.test/"}], 422),
    ("resources", [{"title": "x" * 201, "url": "https://e.test/"}], 422),
    ("resources", [{"title": "Map", "url": "nowhere"}], 422),
    ("resources", [{"title": "Map", "url": "javascript:alert(1)"}], 422),
    ("resources", [{"title": 5, "url": "https://e.test/"}], 400),
    ("resources", [{"title": "Map", "url": "https://e.test/"}] * 51, 422),
    ("order", 0, 422), ("order", "1", 400), ("order", 10**9, 422), ("order", None, 400),
]  # fmt: skip


def base(course):
    return f"/api/v1/courses/{course.id}/curriculum/"


def titles(client, course):
    """Return the curriculum as its author reads it, and hold its numbers to 1, 2, 3 …"""
    found = client.get(base(course)).json()["results"]
    assert [section["order"] for section in found] == list(range(1, len(found) + 1))
    for section in found:
        orders = [lesson["order"] for lesson in section["lessons"]]
        assert orders == list(range(1, len(orders) + 1))
    return {
        section["title"]: [lesson["title"] for lesson in section["lessons"]] for section in found
    }


@pytest.fixture
def named(teacher):
    """A draft of two sections, A with the lessons a1, a2, a3 and B with b1."""
    course = make_course(instructor=teacher, sections=0, status="draft", published_at=None)
    for place, (name, many) in enumerate([("A", 3), ("B", 1)], start=1):
        section = SectionFactory.create(course=course, title=name, order=place)
        for number in range(1, many + 1):
            title = f"{name.lower()}{number}"
            LessonFactory.create(curriculum=section, title=title, order=number)
    return course


def totals(course):
    course.refresh_from_db()
    rows = Curriculum.objects.filter(course=course).order_by("order")
    return course.duration_minutes, list(
        rows.values_list("total_lessons", "total_duration_minutes")
    )


def test_no_field_is_left_out():
    assert {field for field, _, _ in BAD_SECTIONS} == set(SectionCreateSerializer().fields)
    assert {field for field, _, _ in BAD_LESSONS} == set(LessonCreateSerializer().fields)
    assert set(SectionUpdateSerializer().fields) == set(SectionCreateSerializer().fields)
    moving = set(LessonUpdateSerializer().fields) - set(LessonCreateSerializer().fields)
    assert moving == {"section_id"}


class TestReading:
    def test_the_author_sees_all_media(self, client, course):
        body = client.get(base(course)).json()["results"]
        for section in body:
            assert_shape(section, OwnSectionSerializer())
        hidden = body[1]["lessons"][1]
        assert hidden["is_preview"] is False
        assert hidden["video_url"] == "https://videos.example.test/lesson.mp4"
        path = f"{base(course)}{body[1]['id']}/lessons/"
        assert client.get(path).json()["results"] == body[1]["lessons"]

    def test_no_video_is_null(self, client, course):
        Lesson.objects.update(video_url="")
        lesson = client.get(base(course)).json()["results"][0]["lessons"][0]
        assert lesson["video_url"] is None

    @pytest.mark.parametrize("size", [1, 5])
    def test_its_queries(self, client, teacher, django_assert_num_queries, size):
        course = make_course(instructor=teacher, sections=size, lessons=size)
        with django_assert_num_queries(4):  # session, course, sections, lessons
            client.get(base(course))


class TestSections:
    def test_one_is_added_at_the_end_or_where_it_is_told(self, client, named):
        response = client.post(base(named), {"title": "C", "description": "Last"})
        assert response.status_code == 201
        assert_shape(response.json(), OwnSectionSerializer())
        assert (response.json()["order"], response.json()["lessons"]) == (3, [])
        assert client.post(base(named), {"title": "D", "order": 1}).json()["order"] == 1
        assert client.post(base(named), {"title": "E", "order": 900}).json()["order"] == 5
        assert list(titles(client, named)) == ["D", "A", "B", "C", "E"]

    def test_one_is_changed_and_moved(self, client, named):
        last = sections_of(named)[1]
        body = client.patch(f"{base(named)}{last.id}/", {"title": "Z", "order": 1}).json()
        assert (body["id"], body["title"], body["order"]) == (str(last.id), "Z", 1)
        assert list(titles(client, named)) == ["Z", "A"]

    def test_nothing_sent_changes_nothing(self, client, named):
        section = sections_of(named)[0]
        lesson = lessons_of(section)[0]
        before = named.last_updated
        assert client.patch(f"{base(named)}{section.id}/", {}).status_code == 200
        path = f"{base(named)}{section.id}/lessons/{lesson.id}/"
        assert client.patch(path, {}).status_code == 200
        named.refresh_from_db()
        assert named.last_updated == before

    def test_one_is_removed_from_a_draft_for_good(self, client, named):
        assert client.delete(f"{base(named)}{sections_of(named)[0].id}/").status_code == 204
        assert titles(client, named) == {"B": ["b1"]}
        assert Lesson.objects.count() == 1
        assert totals(named) == (10, [(1, 10)])
        assert client.delete(f"{base(named)}{sections_of(named)[0].id}/").status_code == 204
        assert totals(named) == (0, [])

    @pytest.mark.parametrize(("field", "value", "status"), BAD_SECTIONS)
    def test_bad_input_of_every_field(self, client, named, field, value, status):
        section = sections_of(named)[0]
        for response in (
            client.post(base(named), {"title": "C", field: value}),
            client.patch(f"{base(named)}{section.id}/", {field: value}),
        ):
            assert response.status_code == status
            assert field in response.json()["error"]["details"]
        assert list(titles(client, named)) == ["A", "B"]

    def test_there_is_an_end(self, client, named, monkeypatch):
        monkeypatch.setattr(sections, "MAX_SECTIONS", 2)
        response = client.post(base(named), {"title": "C"})
        assert error_of(response) == (409, "CURRICULUM_FULL")
        assert response.json()["error"]["details"] == {
            "limit": 2,
            "of": "sections of the course",
        }


class TestLessons:
    def test_one_is_added_at_the_end_or_where_it_is_told(self, client, named):
        path = f"{base(named)}{sections_of(named)[0].id}/lessons/"
        response = client.post(path, LESSON)
        assert response.status_code == 201
        body = response.json()
        assert_shape(body, OwnLessonSerializer())
        assert {key: body[key] for key in LESSON} == LESSON
        assert (body["order"], body["section_id"]) == (4, str(sections_of(named)[0].id))
        assert client.post(path, {"title": "first", "order": 1}).json()["order"] == 1
        assert titles(client, named)["A"] == ["first", "a1", "a2", "a3", "Deltas"]
        assert totals(named) == (65, [(5, 55), (1, 10)])

    def test_only_what_is_sent_changes(self, client, named):
        section = sections_of(named)[0]
        lesson = lessons_of(section)[1]
        before = dict(Lesson.objects.filter(id=lesson.id).values().get())
        path = f"{base(named)}{section.id}/lessons/{lesson.id}/"
        body = client.patch(path, {"duration_minutes": 40}).json()
        after = dict(Lesson.objects.filter(id=lesson.id).values().get())
        changed = {key for key, value in after.items() if value != before[key]}
        assert changed == {"duration_minutes", "updated_at"}
        assert_shape(body, OwnLessonSerializer())
        assert totals(named) == (70, [(3, 60), (1, 10)])
        assert client.patch(path, {**LESSON, "order": 1}).json()["id"] == str(lesson.id)
        assert titles(client, named)["A"] == ["Deltas", "a1", "a3"]

    def test_one_moves_to_another_section(self, client, named):
        first, second = sections_of(named)
        moved = lessons_of(first)[0]
        path = f"{base(named)}{first.id}/lessons/{moved.id}/"
        body = client.patch(path, {"section_id": str(second.id), "order": 1}).json()
        assert (body["id"], body["section_id"], body["order"]) == (
            str(moved.id), str(second.id), 1,
        )  # fmt: skip
        assert titles(client, named) == {"A": ["a2", "a3"], "B": ["a1", "b1"]}
        assert totals(named) == (40, [(2, 20), (2, 20)])
        path = f"{base(named)}{second.id}/lessons/{moved.id}/"
        assert client.patch(path, {"section_id": str(first.id)}).status_code == 200
        assert titles(client, named) == {"A": ["a2", "a3", "a1"], "B": ["b1"]}

    def test_it_doesnt_move_to_another_course(self, client, named, draft):
        section = sections_of(named)[0]
        path = f"{base(named)}{section.id}/lessons/{lessons_of(section)[0].id}/"
        response = client.patch(path, {"section_id": str(sections_of(draft)[0].id), "title": "x"})
        assert error_of(response) == (422, "VALIDATION_ERROR")
        assert set(response.json()["error"]["details"]) == {"section_id"}
        assert titles(client, named)["A"] == ["a1", "a2", "a3"]

    def test_one_is_removed_from_a_draft_for_good(self, client, named):
        section = sections_of(named)[0]
        path = f"{base(named)}{section.id}/lessons/{lessons_of(section)[0].id}/"
        assert client.delete(path).status_code == 204
        assert error_of(client.delete(path)) == (404, "LESSON_NOT_FOUND")
        assert titles(client, named)["A"] == ["a2", "a3"]
        assert Lesson.objects.count() == 3
        assert totals(named) == (30, [(2, 20), (1, 10)])

    @pytest.mark.parametrize(("field", "value", "status"), BAD_LESSONS)
    def test_bad_input_of_every_field(self, client, named, field, value, status):
        section = sections_of(named)[0]
        path = f"{base(named)}{section.id}/lessons/"
        lesson = lessons_of(section)[0]
        for response in (
            client.post(path, {"title": "C", field: value}),
            client.patch(f"{path}{lesson.id}/", {field: value}),
        ):
            assert response.status_code == status, response.json()
            assert field in response.json()["error"]["details"]
        assert titles(client, named)["A"] == ["a1", "a2", "a3"]

    @pytest.mark.parametrize(
        ("value", "status"),
        [("x", 422), ("", 422), (5, 400), (None, 400), (str(uuid.uuid4()), 422)],
        ids=["no id", "empty", "number", "null", "unknown"],
    )
    def test_a_section_to_move_to_that_is_none(self, client, named, value, status):
        section = sections_of(named)[0]
        path = f"{base(named)}{section.id}/lessons/{lessons_of(section)[0].id}/"
        response = client.patch(path, {"section_id": value})
        assert response.status_code == status
        assert set(response.json()["error"]["details"]) == {"section_id"}
        assert titles(client, named)["A"] == ["a1", "a2", "a3"]

    def test_nothing_but_title_and_url_is_kept_of_a_resource(self, client, named):
        path = f"{base(named)}{sections_of(named)[0].id}/lessons/"
        resource = {"title": "Map", "url": "https://e.test/map"}
        body = client.post(path, {"title": "C", "resources": [{**resource, "onclick": "x"}]}).json()
        assert body["resources"] == [resource]

    def test_there_is_an_end(self, client, named, monkeypatch):
        monkeypatch.setattr(lessons, "MAX_LESSONS", 3)
        first, second = sections_of(named)
        response = client.post(f"{base(named)}{first.id}/lessons/", {"title": "C"})
        assert error_of(response) == (409, "CURRICULUM_FULL")
        path = f"{base(named)}{second.id}/lessons/{lessons_of(second)[0].id}/"
        response = client.patch(path, {"section_id": str(first.id)})
        assert error_of(response) == (409, "CURRICULUM_FULL")
        assert client.patch(path, {"section_id": str(second.id)}).status_code == 200


class TestOrdering:
    def test_sections_and_lessons(self, client, named):
        a, b = sections_of(named)
        order = [str(b.id), str(a.id)]
        response = client.post(f"{base(named)}reorder/", {"order": order})
        assert [row["id"] for row in response.json()["results"]] == order
        ids = [str(lesson.id) for lesson in lessons_of(a)]
        order = [ids[2], ids[0], ids[1]]
        response = client.post(f"{base(named)}{a.id}/lessons/reorder/", {"order": order})
        assert [row["id"] for row in response.json()["results"]] == order
        assert titles(client, named) == {"B": ["b1"], "A": ["a3", "a1", "a2"]}

    @pytest.mark.parametrize("kind", ["sections", "lessons"])
    def test_each_id_exactly_once(self, client, named, kind):
        section = sections_of(named)[0]
        rows = sections_of(named) if kind == "sections" else lessons_of(section)
        ids = [str(row.id) for row in rows]
        foreign = str(
            LessonFactory.create().id if kind == "lessons" else SectionFactory.create().id
        )
        path = base(named) if kind == "sections" else f"{base(named)}{section.id}/lessons/"
        for order in ([], ids[:-1], [*ids, ids[0]], [*ids, foreign], [foreign, *ids[1:]]):
            response = client.post(f"{path}reorder/", {"order": order})
            assert error_of(response) == (422, "VALIDATION_ERROR")
            assert set(response.json()["error"]["details"]) == {"order"}
        assert titles(client, named) == {"A": ["a1", "a2", "a3"], "B": ["b1"]}

    @pytest.mark.parametrize(
        ("body", "status"),
        [
            ({}, 400), ({"order": "x"}, 400), ({"order": [1]}, 400), ({"order": [None]}, 400),
            ({"order": ["x"]}, 422), ({"order": [str(uuid.uuid4())] * 1001}, 422),
        ],
    )  # fmt: skip
    def test_bad_input(self, client, named, body, status):
        response = client.post(f"{base(named)}reorder/", body)
        assert response.status_code == status
        assert "order" in response.json()["error"]["details"]

    def test_its_cost_doesnt_grow(self, author, teacher):
        """One statement writes the order, however long it is."""
        counts = []
        for size in (2, 30):
            course = make_course(instructor=teacher, sections=1, lessons=size)
            section = sections_of(course)[0]
            order = [lesson.id for lesson in reversed(lessons_of(section))]
            reorder = partial(
                reorder_lessons, author=author, reference=course.slug, section_id=section.id,
                order=order,
            )  # fmt: skip
            statements = statements_of(reorder)
            assert len([sql for sql in statements if 'SET "order"' in sql]) == 1
            assert [lesson.id for lesson in lessons_of(section)] == order
            counts.append(len(statements))
        assert counts[0] == counts[1]

    def test_adding_costs_the_same_in_a_long_section(self, author, teacher):
        counts = []
        for size in (1, 20):
            course = make_course(instructor=teacher, sections=1, lessons=size)
            section_id = sections_of(course)[0].id
            add = partial(
                add_lesson, author=author, reference=course.slug, section_id=section_id,
                fields={"title": "One more", "order": 1},
            )  # fmt: skip
            counts.append(len(statements_of(add)))
        assert counts[0] == counts[1]


def test_the_course_says_when_it_changed(client, named):
    section = sections_of(named)[0]
    path = f"{base(named)}{section.id}/lessons/"
    for call in (
        lambda: client.post(base(named), {"title": "C"}),
        lambda: client.patch(f"{base(named)}{section.id}/", {"title": "Z"}),
        lambda: client.post(path, {"title": "C"}),
        lambda: client.delete(f"{path}{lessons_of(section)[0].id}/"),
    ):
        before = Course.objects.get(id=named.id).last_updated
        call()
        assert Course.objects.get(id=named.id).last_updated > before
