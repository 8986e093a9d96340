"""GET /search/: three kinds, always all there."""

import pytest

from api.v1.search import SearchSerializer
from courses import services
from tests.factories import (
    CategoryFactory,
    CourseFactory,
    EnrollmentFactory,
    InstructorFactory,
    UserFactory,
    sign_in,
)
from tests.shapes import assert_shape

pytestmark = pytest.mark.django_db

NOTHING = {"count": 0, "results": []}


def search(client, **params):
    response = client.get("/api/v1/search/", params)
    assert response.status_code == 200, response.content
    body = response.json()
    assert_shape(body, SearchSerializer())
    return body


@pytest.fixture
def world():
    category = CategoryFactory.create(name="Jazz Piano", slug="jazz-piano")
    teacher = InstructorFactory.create(first_name="Jazz", last_name="Jennings")
    UserFactory.create(first_name="Jazz", last_name="Learner")
    course = CourseFactory.create(title="Jazz Harmony", category=category, instructor=teacher)
    hidden = CourseFactory.create(title="Jazz Secrets", category=category, status="draft")
    services.refresh_search(course_ids=[course.id, hidden.id])
    services.recount_categories()
    return course


def test_all_three_kinds_are_found(api, world):
    body = search(api, q="jazz")
    assert {kind: body[kind]["count"] for kind in body} == {
        "courses": 1, "instructors": 1, "categories": 1,
    }  # fmt: skip
    assert body["courses"]["results"][0]["id"] == str(world.id)
    assert body["instructors"]["results"][0]["last_name"] == "Jennings"
    assert body["categories"]["results"][0]["course_count"] == 1


@pytest.mark.parametrize(
    ("kind", "key"),
    [("course", "courses"), ("instructor", "instructors"), ("category", "categories")],
)
def test_a_type_fills_one_and_leaves_the_others_empty(api, world, kind, key):
    body = search(api, q="jazz", type=kind, page=1)
    assert body[key]["count"] == 1
    assert [body[other] for other in body if other != key] == [NOTHING, NOTHING]


def test_nothing_found_is_no_error(api, world):
    assert set(map(str, search(api, q="qqqq").values())) == {str(NOTHING)}


def test_typing_errors_find(api, world):
    assert search(api, q="harmnoy")["courses"]["count"] == 1


def test_flags_are_the_viewers(world):
    person = EnrollmentFactory.create(course=world).user
    (row,) = search(sign_in(person), q="jazz")["courses"]["results"]
    assert (row["enrolled"], row["in_cart"]) == (True, False)


def test_pages(api):
    courses = CourseFactory.create_batch(21)
    services.refresh_search(course_ids=[course.id for course in courses])
    first = search(api, q="course", type="course")["courses"]
    second = search(api, q="course", type="course", page=2)["courses"]
    assert (first["count"], len(first["results"]), len(second["results"])) == (21, 20, 1)
    seen = {row["id"] for row in first["results"] + second["results"]}
    assert seen == {str(course.id) for course in courses}
    for page in ("3", "1000001", "9" * 30):
        assert api.get("/api/v1/search/", {"q": "course", "type": "course", "page": page}
                       ).status_code == 404  # fmt: skip


@pytest.mark.parametrize("number", [1, 20])
def test_a_search_costs_the_same_whatever_it_finds(api, django_assert_num_queries, number):
    courses = CourseFactory.create_batch(number)
    services.refresh_search(course_ids=[course.id for course in courses])
    with django_assert_num_queries(6):
        assert search(api, q="course")["courses"]["count"] == number
    client = sign_in(UserFactory.create())
    with django_assert_num_queries(6 + 4):
        search(client, q="course")


@pytest.mark.parametrize(
    ("query", "status", "field"),
    [
        ("", 400, "q"),
        ("?type=course", 400, "q"),
        ("?q=", 422, "q"),
        ("?q=%20%20", 422, "q"),
        ("?q=%00", 422, "q"),
        (f"?q={'x' * 201}", 422, "q"),
        ("?q=a&type=book", 422, "type"),
        ("?q=a&type=course&page=0", 422, "page"),
        ("?q=a&type=course&page=x", 422, "page"),
        ("?q=a&type=course&page=1e400", 422, "page"),
        ("?q=a&page=2", 422, "page"),
    ],
)
def test_refusals(api, query, status, field):
    response = api.get(f"/api/v1/search/{query}")
    body = response.json()["error"]
    assert (response.status_code, body["status"]) == (status, status)
    assert list(body["details"]) == [field]


@pytest.mark.parametrize("q", ["'", '"', "%", "_", "\\", "a" * 200, "x" * 24, "!&|():*<->", "ﬁ ß İ",
                               "-", "\u202e", "🦊", " or or or ", '"unclosed'])  # fmt: skip
def test_hostile_words_find_nothing_and_break_nothing(api, world, q):
    assert search(api, q=q)["courses"]["count"] == 0
