"""Bad values of every parameter of lists and search: refused by name, never ignored."""

from urllib.parse import urlencode

import pytest

from api.v1.catalogue.query import CourseListParameters
from api.v1.search.serializers import SearchQuery, SuggestQuery
from courses.search.words import MAX_LENGTH
from tests.factories import CourseFactory, InstructorFactory, sign_in

pytestmark = pytest.mark.django_db

NUL = "a\x00b"
NO_NUMBERS = ["abc", "-1", "-0.01", "NaN", "Infinity", "1e400", "1,5", "٣x", NUL]
PAGES = ["0", "-1", "x", "1.5", "1e400", NUL]
LIST_VALUES = {
    "category": ["nowhere", "0198c5f0-7c1a-7bd2-9a51-4d8f0b6a2c99", "x" * 101, NUL],
    "level": ["expert", "Beginner", NUL],
    "language": ["x" * 51, NUL],
    "min_price": NO_NUMBERS,
    "max_price": NO_NUMBERS,
    "rating_min": [*NO_NUMBERS, "6", "5.01"],
    "duration_min": NO_NUMBERS,
    "duration_max": NO_NUMBERS,
    "search": [NUL, "\x00", "x" * (MAX_LENGTH + 1)],
    "ordering": ["price", "-popular", "Popular", NUL],
    "facets": ["perhaps", "2", NUL],
    "page": PAGES,
    "page_size": PAGES,
    "cursor": ["x", "W10", "é", "y" * 501, NUL],
}
TEXTS = ["", "  ", NUL, "x" * (MAX_LENGTH + 1)]
SEARCH_VALUES = {
    "q": TEXTS,
    "type": ["book", "courses", NUL],
    "page": PAGES,
    "highlights": ["perhaps", NUL],
}
SUGGEST_VALUES = {"q": TEXTS}


def flat(values):
    return [(name, value) for name, bad in values.items() for value in bad]


def assert_refused(client, path, query, field, status=422):
    response = client.get(f"/api/v1/{path}?{urlencode(query)}")
    assert response.status_code == status, response.content
    error = response.json()["error"]
    assert error["code"] == ("VALIDATION_ERROR" if status == 422 else "BAD_REQUEST")
    assert set(error["details"]) == {field}


def test_no_parameter_is_left_out():
    assert set(LIST_VALUES) == set(CourseListParameters().fields)
    assert set(SEARCH_VALUES) == set(SearchQuery().fields)
    assert set(SUGGEST_VALUES) == set(SuggestQuery().fields)


@pytest.mark.parametrize(("name", "value"), flat(LIST_VALUES))
def test_the_list(api, name, value):
    CourseFactory.create()
    assert_refused(api, "courses/", {name: value}, name)


@pytest.mark.parametrize("name", ["page", "page_size", "cursor"])
def test_featured(api, name):
    for value in LIST_VALUES[name]:
        assert_refused(api, "courses/featured/", {name: value}, name)


@pytest.mark.parametrize(
    "bounds", [{"min_price": 20, "max_price": 10}, {"duration_min": 3, "duration_max": 2.5}]
)
def test_ranges_the_wrong_way_round(api, bounds):
    CourseFactory.create()
    assert_refused(api, "courses/", bounds, next(iter(bounds)))


def test_faults_are_named_together(api):
    query = urlencode({"level": "expert", "min_price": "x", "ordering": "price"})
    details = api.get(f"/api/v1/courses/?{query}").json()["error"]["details"]
    assert set(details) == {"level", "min_price", "ordering"}


@pytest.mark.parametrize(("name", "value"), flat(SEARCH_VALUES))
def test_search(api, name, value):
    assert_refused(api, "search/", {"q": "lute", "type": "course", name: value}, name)


def test_search_without_a_text_or_with_a_page_of_nothing(api):
    assert_refused(api, "search/", {}, "q", status=400)
    assert_refused(api, "search/", {"type": "course"}, "q", status=400)
    assert_refused(api, "search/", {"q": "lute", "page": 2}, "page")


@pytest.mark.parametrize("value", SUGGEST_VALUES["q"])
def test_suggestions(api, value):
    assert_refused(api, "search/suggest/", {"q": value}, "q")


def test_suggestions_without_a_text(api):
    assert_refused(api, "search/suggest/", {}, "q", status=400)


@pytest.mark.parametrize(
    ("name", "value"),
    [("status", "sold"), ("status", "Draft"), ("status", NUL), *[("page", bad) for bad in PAGES]],
)
def test_an_instructors_own_list(name, value):
    client = sign_in(InstructorFactory.create())
    assert_refused(client, "instructor/courses/", {name: value}, name)


@pytest.mark.parametrize("value", ["xml", "JSON", NUL])
def test_the_format_of_an_export(value):
    course = CourseFactory.create()
    path = f"courses/{course.id}/export/"
    assert_refused(sign_in(course.instructor), path, {"format": value}, "format")
