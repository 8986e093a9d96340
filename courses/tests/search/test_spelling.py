"""Typing errors: the distance, the guesses, and what the catalogue's words make of them."""

import pytest
from django.db import connection

from courses import services
from courses.models import SearchTerm
from courses.search.postgres import spelling
from tests.factories import CourseFactory


@pytest.mark.parametrize(
    ("typed", "meant", "errors"),
    [
        ("python", "python", 0),
        ("pyhton", "python", 1),
        ("pythn", "python", 1),
        ("pithon", "python", 1),
        ("ppython", "python", 1),
        ("nohtyp", "python", 5),
        ("", "abc", 3),
        ("learnig", "learning", 1),
        ("lerning", "learning", 1),
        ("lernign", "learning", 2),
        ("ca", "abc", 3),
    ],
)
def test_errors_are_counted(typed, meant, errors):
    assert spelling.count_errors(typed, meant, limit=9) == errors
    assert spelling.count_errors(meant, typed, limit=9) == errors


def test_far_words_are_given_up_early():
    assert spelling.count_errors("a", "abcdefgh", limit=2) > 2


@pytest.mark.parametrize(
    ("word", "errors"),
    [("", 0), ("sql", 0), ("java", 1), ("docker", 1), ("kubernetes", 2)],
)
def test_longer_words_may_have_more_errors(word, errors):
    assert spelling.allowed_errors(word) == errors


@pytest.mark.parametrize("typed", ["pyhton", "pythn", "pytthon", "pithon"])
def test_one_error_is_guessed(typed):
    assert "python" in set(spelling.guess_words(typed))


def test_short_words_are_not_guessed():
    assert list(spelling.guess_words("sql")) == []


@pytest.fixture
def words(db):
    SearchTerm.objects.bulk_create(
        SearchTerm(term=term, courses=courses)
        for term, courses in [
            ("python", 9), ("pythons", 1), ("machine", 3), ("learning", 5), ("java", 4),
            ("javascript", 6), ("kubernetes", 2),
        ]
    )  # fmt: skip


@pytest.mark.parametrize(
    ("typed", "nearest"),
    [
        ("pyhton", "python"),
        ("jaav", "java"),
        ("kubernets", "kubernetes"),
        ("cubernetes", "kubernetes"),
        ("machinelearning", "machine learning"),
        ("quantum", None),
        ("sql", None),
        ("x" * 300, None),
    ],
)
def test_the_likeliest_word_is_found(words, typed, nearest):
    found = spelling.check([typed]).get(typed)
    assert (found.nearest if found else None) == nearest


def test_a_known_word_is_known_and_has_neighbours(words):
    found = spelling.check(["pythons"])["pythons"]
    assert (found.courses, found.nearest, found.nearest_courses) == (1, "python", 9)


def test_one_statement_however_many_words(words, django_assert_num_queries):
    with django_assert_num_queries(1):
        found = spelling.check([f"word{number}" for number in range(100)])
    assert len(found) == spelling.MAX_WORDS
    with django_assert_num_queries(0):
        assert spelling.check([]) == {}


def test_the_nearest_words_come_from_the_index(words):
    with connection.cursor() as cursor:
        # Of a few rows the planner may think anything, by what other tests left.
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL enable_sort = off")
        cursor.execute(
            "EXPLAIN SELECT term FROM courses_searchterm ORDER BY term <-> 'pyhton' LIMIT 30"
        )
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert "term_nearest" in plan


def test_words_are_learnt_with_the_course_and_counted_by_the_net(db):
    course = CourseFactory.create(title="Zither Basics", short_description="Ähnlich der Harfe")
    services.refresh_search(course_ids=[course.id])
    terms = dict(SearchTerm.objects.values_list("term", "courses"))
    assert terms["zither"] == terms["ahnlich"] == 0
    services.refresh_stale_search()
    terms = dict(SearchTerm.objects.values_list("term", "courses"))
    assert (terms["zither"], terms["ahnlich"]) == (1, 0)
