"""GET /search/: three kinds, always all there."""

from unittest import mock

import pytest
from django.utils import timezone
from redis.exceptions import ConnectionError as NoRedis

from api.v1.search.serializers import (
    PopularSearchesSerializer,
    SearchSerializer,
    SuggestionsSerializer,
)
from courses import services
from courses.cache import forget_all
from courses.models import SearchCount
from courses.search import popular
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


@pytest.fixture(autouse=True)
def _redis_is_tried(monkeypatch):
    monkeypatch.setattr(popular, "_paused_until", 0.0)


NOTHING = {"count": 0, "results": []}
KINDS = ("courses", "instructors", "categories")


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
    assert {kind: body[kind]["count"] for kind in KINDS} == {
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
    assert [body[other] for other in KINDS if other != key] == [NOTHING, NOTHING]


def test_nothing_found_is_no_error(api, world):
    body = search(api, q="qqqq")
    assert [body[kind] for kind in KINDS] == [NOTHING, NOTHING, NOTHING]
    assert body["did_you_mean"] is None


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


@pytest.mark.parametrize("number", [3, 20])
def test_a_search_costs_the_same_whatever_it_finds(api, django_assert_num_queries, number):
    courses = CourseFactory.create_batch(number)
    services.refresh_search(course_ids=[course.id for course in courses])
    forget_all()
    # The words, their count, the page and its cards; instructors; categories.
    with django_assert_num_queries(6):
        assert search(api, q="course")["courses"]["count"] == number
    with django_assert_num_queries(5):
        search(api, q="course")
    with django_assert_num_queries(5 + 1):
        search(api, q="course", highlights=1)
    client = sign_in(UserFactory.create())
    with django_assert_num_queries(5 + 2):
        search(client, q="course")


def test_what_was_found_is_remembered_for_seconds(api, django_assert_num_queries, settings, world):
    settings.SEARCH_REMEMBER_SECONDS = 30
    search(api, q="harmony")
    with django_assert_num_queries(3):
        assert search(api, q="harmony")["courses"]["count"] == 1
    services.touch_catalogue()
    services.unpublish_course(course_id=world.id, actor_id=world.instructor_id)
    assert search(api, q="harmony")["courses"]["results"] == []


def test_without_redis_search_answers(api, world):
    with mock.patch("redis.ConnectionPool.get_connection", side_effect=NoRedis("gone")):
        assert search(api, q="jazz")["courses"]["count"] == 1
        for path in ("search/suggest/?q=jazz", "search/popular/", "courses/?search=jazz"):
            assert api.get(f"/api/v1/{path}").status_code == 200


def test_highlights_are_escaped_html(api):
    course = CourseFactory.create(
        title="Jazz & <b>Blues</b> \ue000x", short_description='Play "jazz" <script>well</script>'
    )
    services.refresh_search(course_ids=[course.id])
    (row,) = search(api, q="jazz", highlights=1)["courses"]["results"]
    assert row["highlight"]["title"].startswith("<mark>Jazz</mark> &amp; ")
    assert "<mark>jazz</mark>" in row["highlight"]["text"]
    texts = row["highlight"]["title"] + row["highlight"]["text"]
    left = texts.replace("<mark>", "").replace("</mark>", "")
    assert "<" not in left
    assert texts.count("<mark>") == texts.count("</mark>") == 2
    (row,) = search(api, q="jazz")["courses"]["results"]
    assert row["highlight"] is None


def test_another_spelling_is_named_and_finds_instructors_too(api, world):
    body = search(api, q="jenings")
    assert body["did_you_mean"] == "jennings"
    assert [body[kind]["count"] for kind in KINDS] == [1, 1, 0]


@pytest.mark.parametrize("q", ["'", '"', "%", "_", "\\", "a" * 200, "x" * 24, "!&|():*<->", "ﬁ ß İ",
                               "-", "\u202e", "🦊", " or or or ", '"unclosed'])  # fmt: skip
def test_hostile_words_find_nothing_and_break_nothing(api, world, q):
    assert search(api, q=q)["courses"]["count"] == 0


class TestSuggest:
    def suggest(self, client, q):
        response = client.get("/api/v1/search/suggest/", {"q": q})
        assert response.status_code == 200, response.content
        assert_shape(response.json(), SuggestionsSerializer())
        return response.json()["results"]

    def test_names_each_kind(self, api, world):
        SearchCount.objects.create(query="jazz harmony", day=timezone.now().date(), found=9)
        found = self.suggest(api, "jaz")
        assert [(row["type"], row["text"]) for row in found] == [
            ("query", "jazz harmony"),
            ("category", "Jazz Piano"),
            ("course", "Jazz Harmony"),
            ("instructor", "Jazz Jennings"),
        ]
        assert found[2]["id"] == str(world.id)

    def test_words_in_any_order_begun_or_misspelt(self, api, world):
        for q in ("harm", "HARMONY ja", "jazz harm", "harmnoy"):
            assert ("course", "Jazz Harmony") in [
                (row["type"], row["text"]) for row in self.suggest(api, q)
            ]
        assert self.suggest(api, "rmony") == []

    def test_at_most_ten_and_a_fixed_number_of_queries(self, api, django_assert_num_queries):
        courses = CourseFactory.create_batch(30)
        services.refresh_search(course_ids=[course.id for course in courses])
        forget_all()
        with django_assert_num_queries(5):
            found = self.suggest(api, "cour")
        assert len(found) == 10

    @pytest.mark.parametrize(
        "q", ["'", "\\", "%", "🦊", "a:*&|!", "\u202e", "x" * 200, "C++", "--"]
    )
    def test_hostile(self, api, world, q):
        self.suggest(api, q)


class TestPopular:
    @pytest.fixture(autouse=True)
    def _nobody_searched(self):
        popular._told.clear()

    def popular(self, client):
        response = client.get("/api/v1/search/popular/")
        assert response.status_code == 200
        assert_shape(response.json(), PopularSearchesSerializer())
        return [(row["query"], row["count"]) for row in response.json()["results"]]

    def test_counts_visitors_of_searches_that_found(self, api, world):
        assert self.popular(api) == []
        for address in range(3):
            for q in ("Jazz ", "jazz", "quantum"):
                api.get("/api/v1/search/", {"q": q}, REMOTE_ADDR=f"10.0.{address}.1")
        person = sign_in(UserFactory.create())
        person.get("/api/v1/search/", {"q": "JAZZ"})
        services.add_up_searches()
        assert self.popular(api) == [("jazz", 4)]
        lost = SearchCount.objects.get(query="quantum")
        assert (lost.found, lost.not_found) == (0, 3)

    def test_one_person_with_six_accounts_is_one_visitor(self, api, world):
        for number in range(6):
            person = sign_in(UserFactory.create())
            for address in (f"10.0.0.{number}", f"2001:db8:1:2::{number}"):
                person.get("/api/v1/search/", {"q": "jazz"}, REMOTE_ADDR=address)
        services.add_up_searches()
        count = SearchCount.objects.get(query="jazz")
        assert count.found == 2
        assert self.popular(api) == []

    def test_a_home_with_many_networks_of_ipv6_is_one_visitor(self, api, world):
        for number in range(6):
            address = f"2001:db8:1:{number}::1"
            api.get("/api/v1/search/", {"q": "jazz"}, REMOTE_ADDR=address)
        services.add_up_searches()
        assert SearchCount.objects.get(query="jazz").found == 1
        assert self.popular(api) == []

    def test_later_pages_are_the_same_search(self, api):
        courses = CourseFactory.create_batch(21)
        services.refresh_search(course_ids=[course.id for course in courses])
        search(api, q="course", type="course", page=2)
        assert services.add_up_searches() == 0
