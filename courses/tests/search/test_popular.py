"""Counting searches: who counts, what is never kept, and that nothing counts twice."""

import datetime as dt
import threading
from unittest import mock

import pytest
import time_machine
from django.core.cache import cache
from django.db import connection
from django.utils import timezone
from django_redis import get_redis_connection
from redis.exceptions import ConnectionError as NoRedis

from courses import selectors, services
from courses.models import Course, SearchBatch, SearchCount
from courses.search import popular
from courses.search.engine import get_engine
from courses.search.suggestions import suggest
from courses.tasks import add_up_searches
from tests.factories import CategoryFactory, UserFactory, make_course


@pytest.fixture(autouse=True)
def _one_day():
    """Let no day end in the middle of a test, as searches are counted by day."""
    with time_machine.travel("2026-03-02T12:00Z"):
        yield


def look(text, visitor="somebody", *, found=True):
    services.record_search(text=text, visitor=visitor, found=found)


def titled(*titles, instructor="Ada"):
    """Publish courses of these titles, found by search."""
    person = UserFactory.create(first_name=instructor, last_name="Lovelace", is_instructor=True)
    courses = [make_course(title=title, instructor=person) for title in titles]
    services.refresh_search(course_ids=[course.id for course in courses])
    return courses


def counts():
    rows = SearchCount.objects.order_by("query").values_list("query", "found", "not_found")
    return list(rows)


@pytest.mark.parametrize(
    ("text", "counted"),
    [
        ("  Machine   LEARNING! ", "machine learning"),
        ("C++", "c++"),
        ("Français", "français"),
        ('"deep work"', "deep work"),
        ("excel 2021", "excel 2021"),
        ("a", None),
        ("42", None),
        ("???", None),
        ("x" * 61, None),
        ("anna@example.com", None),
        ("write to anna@example", None),
        ("https://example.com/me", None),
        ("www.example.com", None),
        ("call 0171 234 5678", None),
        ("+49 (171) 234-567", None),
        ("4111 1111 1111 1111", None),
        ("sk_live_4eC39HqLyjWDarjtT1", None),
        ("019b76d8-0f1e-7d2c-9b3a-4c5d6e7f8a9b", None),
        ("python\x00", "python"),
    ],
)
def test_what_is_counted(text, counted):
    assert popular.normalise(text) == counted


@pytest.mark.django_db
class TestCounting:
    def test_each_visitor_counts_once_in_the_days_that_count(self, settings):
        settings.SEARCH_POPULAR_DAYS = 7
        start = dt.datetime(2026, 3, 1, 10, tzinfo=dt.UTC)
        for days in range(7):
            with time_machine.travel(start + dt.timedelta(days=days), tick=False):
                look("jazz", "a home")
                look("jazz", "another")
                services.add_up_searches()
        assert counts() == [("jazz", 2, 0)]
        redis = get_redis_connection("default")
        for seen in redis.scan_iter(cache.make_key("search:seen:*")):
            assert 6 * 24 * 3600 < redis.ttl(seen) <= 7 * 24 * 3600

    def test_each_visitor_counts_once_a_day(self):
        for visitor in ("ann", "ann", "bob"):
            look("Jazz", visitor)
        look("jazz ", "ann", found=False)
        assert add_up_searches() == 1
        assert counts() == [("jazz", 2, 1)]

    def test_adding_up_again_adds_nothing(self):
        look("jazz")
        assert services.add_up_searches() == 1
        assert services.add_up_searches() == 0
        look("jazz", "another")
        services.add_up_searches()
        assert counts() == [("jazz", 2, 0)]

    def test_a_task_that_died_after_its_commit_counts_once(self):
        look("jazz")
        with (
            mock.patch.object(popular, "_prune"),
            mock.patch("redis.Redis.delete", side_effect=NoRedis("gone")),
        ):
            assert services.add_up_searches() == 0
        assert counts() == [("jazz", 1, 0)]
        services.add_up_searches()
        assert counts() == [("jazz", 1, 0)]
        redis = get_redis_connection("default")
        assert not redis.exists(cache.make_key("search:batches"))

    def test_a_task_that_died_before_its_commit_counts_later(self):
        look("jazz")
        with (
            mock.patch.object(popular, "_add", side_effect=RuntimeError),
            pytest.raises(RuntimeError),
        ):
            services.add_up_searches()
        assert counts() == []
        services.add_up_searches()
        assert counts() == [("jazz", 1, 0)]

    def test_nothing_personal_is_kept(self):
        look("anna@example.com")
        assert services.add_up_searches() == 0
        redis = get_redis_connection("default")
        assert not list(redis.scan_iter(cache.make_key("search:*")))

    def test_visitors_are_kept_as_hashes_that_fade(self):
        look("jazz", "203.0.113.9")
        redis = get_redis_connection("default")
        keys = [key.decode() for key in redis.scan_iter(cache.make_key("search:*"))]
        assert not any("203.0.113.9" in key for key in keys)
        assert all(redis.ttl(key) > 0 for key in keys)

    def test_a_flood_of_different_queries_is_bounded(self, monkeypatch):
        monkeypatch.setattr(popular, "MOST_COUNTED", 3)
        for number in range(9):
            look(f"query {number}")
        assert services.add_up_searches() == 3

    def test_without_redis_nothing_is_counted_and_nothing_fails(self, monkeypatch):
        monkeypatch.setattr(popular, "_paused_until", 0.0)
        with mock.patch("redis.Redis.eval", side_effect=NoRedis("gone")) as tried:
            look("jazz")
            look("blues")
            assert services.add_up_searches() == 0
        # The second search didn't wait for Redis again; the task did.
        assert tried.call_count == 2
        monkeypatch.setattr(popular, "_paused_until", 0.0)

    def test_old_counts_are_dropped(self):
        today = timezone.now().date()
        for query, age, found in (("old", 91, 9), ("lone", 3, 1), ("new", 1, 1), ("kept", 80, 2)):
            SearchCount.objects.create(query=query, day=today - dt.timedelta(days=age), found=found)
        SearchBatch.objects.create(id="019b76d8-0f1e-7d2c-9b3a-4c5d6e7f8a9b")
        SearchBatch.objects.update(added_at=timezone.now() - dt.timedelta(days=7))
        services.add_up_searches()
        assert [query for query, *_ in counts()] == ["kept", "new"]
        assert not SearchBatch.objects.exists()


@pytest.mark.django_db
class TestPopular:
    def make(self, query, found, *, age=0, not_found=0):
        day = timezone.now().date() - dt.timedelta(days=age)
        SearchCount.objects.create(query=query, day=day, found=found, not_found=not_found)

    def test_the_most_visitors_first_over_the_days(self, settings, django_assert_num_queries):
        settings.SEARCH_POPULAR_VISITORS, settings.SEARCH_POPULAR_DAYS = 3, 7
        titled("Python", "Excel", "Few in the past, in vain")
        self.make("python", 2)
        self.make("python", 4, age=6)
        self.make("excel", 5)
        self.make("few", 2)
        self.make("past", 99, age=7)
        self.make("in vain", 0, not_found=99)
        with django_assert_num_queries(2):
            assert selectors.list_popular(limit=10) == [("python", 6), ("excel", 5)]
        with django_assert_num_queries(0):
            assert selectors.list_popular(limit=1) == [("python", 6)]

    def test_adding_up_shows_at_once(self, settings):
        settings.SEARCH_POPULAR_VISITORS = 1
        titled("Jazz")
        assert selectors.list_popular() == []
        look("jazz")
        services.add_up_searches()
        assert selectors.list_popular() == [("jazz", 1)]

    @pytest.mark.parametrize(
        "query",
        ["cheap watches", "jazz at evil example", "evil.example", "jazz wickedword", "bandleader",
         "jazzz", "ja zz evilexample"],
    )  # fmt: skip
    def test_only_words_of_the_catalogue_are_shown(self, query):
        titled("Jazz Harmony", instructor="Bandleader")
        self.make(query, 99)
        self.make("jazz harmony", 3)
        assert selectors.list_popular() == [("jazz harmony", 3)]
        assert [one.text for one in suggest(text=query[:4]) if one.kind == "query"] in (
            [], ["jazz harmony"]
        )  # fmt: skip

    @pytest.mark.parametrize(
        "query",
        ["jazz t.me/ab", "jazz x.co", "t.me", "jazz tm:ab", "jazz a@b", "jazz 1.1.1.1", "jazz.me",
         "jazz/me", "stud.io", "jazz x\u3002co", "jazz (x.co)", "jazz \u2764.ws", "e.js",
         "jazz,x.co"],
    )  # fmt: skip
    def test_words_joined_to_an_address_are_not_shown(self, query):
        titled("Jazz Me", "Studio", "Node.js")
        CategoryFactory.create(name="X and Co")
        self.make(query, 99)
        assert selectors.list_popular() == []
        assert not [one for one in suggest(text=query[:4]) if one.kind == "query"]

    @pytest.mark.parametrize(
        "query",
        ["ui/ux", "asp.net core", "tcp/ip, node.js", "jazz 3.11", "jazz 24/7", "fran\u00e7ais/jazz",
         "jazz: ui/ux", ".net"],
    )  # fmt: skip
    def test_words_joined_as_the_catalogue_joins_them_are_shown(self, query):
        titled("Modern UI/UX", "ASP.NET Core, .NET", "Node.js (Jazz)", "Francais/Jazz")
        CategoryFactory.create(name="TCP/IP")
        self.make(query, 3)
        assert selectors.list_popular() == [(query, 3)]

    @pytest.mark.parametrize("query", ["c++", "node.js", "jazz 2026", "go", "français", "brewing"])
    def test_whatever_it_is_spelt_like(self, query):
        titled("C++ and Node.js", "Français", "Jazz")
        CategoryFactory.create(name="Home Brewing")
        self.make(query, 3)
        assert selectors.list_popular() == [(query, 3)]

    def test_a_word_goes_with_the_last_course_that_had_it(self):
        (course,) = titled("Wickedword")
        get_engine().reindex(course_ids=None)
        self.make("wickedword", 9)
        assert selectors.list_popular() == [("wickedword", 9)]
        Course.objects.filter(id=course.id).update(status="draft")
        get_engine().reindex(course_ids=None)
        cache.delete(popular.POPULAR_KEY)
        assert selectors.list_popular() == []

    def test_a_flood_of_other_words_hides_nothing(self, monkeypatch):
        titled("Jazz")
        for number in range(30):
            self.make(f"spam{number} words", 3)
        self.make("jazz", 5)
        assert selectors.list_popular() == [("jazz", 5)]


@pytest.mark.django_db(transaction=True)
def test_tasks_at_once_add_a_batch_once():
    for number in range(50):
        look(f"query {number}")
    redis = get_redis_connection("default")
    popular._take(redis)
    (name,) = redis.smembers(cache.make_key("search:batches"))
    start = threading.Barrier(4)

    def add():
        start.wait()
        popular._add_batch(redis, name.decode())
        connection.close()

    # The batch stays in Redis for all four: only its row keeps them apart.
    with mock.patch("redis.Redis.delete"):
        threads = [threading.Thread(target=add) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(counts()) == 50
    assert {found for _, found, _ in counts()} == {1}


@pytest.mark.django_db
def test_who_looks_again_asks_redis_once():
    with mock.patch("redis.Redis.eval") as asked:
        for _ in range(3):
            look("jazz")
        look("jazz", "another")
    assert asked.call_count == 2
