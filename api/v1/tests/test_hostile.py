"""Whatever a query string holds, the public reads answer below 500 and in the error shape."""

from urllib.parse import quote, urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from courses import services
from tests.factories import CourseFactory

pytestmark = pytest.mark.django_db

NAMES = ["category", "level", "min_price", "max_price", "rating_min", "search", "ordering",
         "page", "page_size", "rating", "q", "type"]  # fmt: skip
NASTY = ["", "\x00", "1e400", "-1e400", "NaN", "0x10", "9" * 400, "1_000", "٣", "'", "%", "\\", "(",
         "a" * 5000, "null", "[]", "{}", "-0", "1e-400", "😀", "\u202e", "or", "!", "a & b", "::",
         "popular,newest", "018f0000-0000-7000-8000-00000000000g"]  # fmt: skip
PATHS = ["/api/v1/courses/", "/api/v1/courses/featured/", "/api/v1/search/", "/api/v1/categories/",
         "/api/v1/courses/{}/reviews/"]  # fmt: skip

NAMES_OF = {
    PATHS[0]: NAMES[:9],
    PATHS[2]: ["q", "type", "page"],
    PATHS[4]: ["rating", "ordering", "page"],
}

values = st.one_of(st.sampled_from(NASTY), st.text(st.characters(codec="utf-8"), max_size=60))
queries = st.dictionaries(st.sampled_from(NAMES), values, max_size=4)


def assert_calm(response):
    assert response.status_code < 500, response.content
    if response.status_code != 200:
        assert set(response.json()) == {"error"}
        assert response.json()["error"]["status"] == response.status_code


@pytest.fixture
def course():
    course = CourseFactory.create()
    services.refresh_search(course_ids=[course.id])
    return course


@settings(
    max_examples=150,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(query=queries, path=st.sampled_from(PATHS))
def test_hostile_queries(api, course, query, path):
    assert_calm(api.get(f"{path.format(course.id)}?{urlencode(query)}"))


@pytest.mark.parametrize(
    "raw", ["%ff", "%ed%a0%80", "a%00b", "%2e%2e%2fetc", quote("😀"), "x" * 3000, "-", "%20"]
)
def test_hostile_references_and_bytes(api, course, raw):
    for path in ("/api/v1/courses/{}/", "/api/v1/courses/related/{}/",
                 "/api/v1/courses/{}/reviews/"):  # fmt: skip
        response = api.get(path.format(raw))
        assert_calm(response)
        assert response.status_code == 404
    for path in ("/api/v1/courses/?search={}", "/api/v1/search/?q={}",
                 "/api/v1/courses/?category={}"):  # fmt: skip
        assert_calm(api.get(path.format(raw)))


def test_each_nasty_value_in_each_parameter(api, course):
    for path, names in NAMES_OF.items():
        for name in names:
            for value in NASTY:
                assert_calm(api.get(f"{path.format(course.id)}?{urlencode({name: value})}"))
