"""What search knows of courses: kept by services, followed by events, repaired by the net."""

import threading
from typing import Any

import pytest
from django.db import connection, transaction

from core import outbox
from courses import selectors, services
from courses.models import Course, SearchEntry, SearchTerm
from courses.search.engine import get_engine
from tests.factories import CategoryFactory, CourseFactory, InstructorFactory
from users import services as user_services


def titles(text, **conditions):
    found = selectors.find_courses(text=text, limit=20, conditions=conditions)
    return [card["title"] for card in selectors.list_found(found=found)]


@pytest.mark.django_db
class TestRefreshing:
    def test_only_published_courses_have_an_entry(self):
        course = CourseFactory.create(title="Oboe")
        assert get_engine().reindex(course_ids=[course.id]) == 1
        Course.objects.filter(id=course.id).update(status="archived")
        assert get_engine().reindex(course_ids=[course.id]) == 1
        assert not SearchEntry.objects.exists()
        assert get_engine().reindex(course_ids=[course.id]) == 0

    def test_the_same_words_cost_no_write(self):
        course = CourseFactory.create(title="Oboe")
        services.refresh_search(course_ids=[course.id])
        assert get_engine().reindex(course_ids=[course.id]) == 0
        Course.objects.filter(id=course.id).update(description="Reeds")
        assert get_engine().reindex(course_ids=[course.id]) == 1

    def test_learners_make_a_course_stale_when_they_are_many(self):
        course = CourseFactory.create(title="Oboe")
        services.refresh_search(course_ids=[course.id])
        services.change_student_counts(changes={course.id: 1000})
        assert services.refresh_stale_search() == 1
        assert SearchEntry.objects.get().popularity == 30
        services.change_student_counts(changes={course.id: 1})
        assert services.refresh_stale_search() == 0

    def test_the_net_finds_what_is_missing_changed_or_gone(self):
        missing, changed, gone, same = CourseFactory.create_batch(4)
        services.refresh_search(course_ids=[changed.id, gone.id, same.id])
        Course.objects.filter(id=changed.id).update(title="Bassoon")
        Course.objects.filter(id=gone.id).update(status="draft")
        assert services.refresh_stale_search() == 3
        assert services.refresh_stale_search() == 0
        entries = set(SearchEntry.objects.values_list("course_id", flat=True))
        assert entries == {missing.id, changed.id, same.id}

    def test_a_deleted_course_leaves_nothing(self):
        course = CourseFactory.create()
        services.refresh_search(course_ids=[course.id])
        course.delete()
        assert not SearchEntry.objects.exists()

    def test_a_new_name_reaches_search_by_its_event(self, django_capture_on_commit_callbacks):
        teacher = InstructorFactory.create(first_name="Ann", last_name="Formerly")
        course = CourseFactory.create(title="Oboe", instructor=teacher)
        draft = CourseFactory.create(title="Oboe II", instructor=teacher, status="draft")
        other = CourseFactory.create(title="Tuba")
        services.refresh_search(course_ids=[course.id, draft.id, other.id])
        user_services.update_profile(user_id=teacher.id, last_name="Afterwards")
        outbox.deliver_due()
        assert titles("afterwards") == ["Oboe"]
        assert titles('"Ann Formerly"') == []

    def test_a_profile_without_a_new_name_says_nothing(self):
        teacher = InstructorFactory.create(first_name="Ann", last_name="Same")
        user_services.update_profile(user_id=teacher.id, last_name="Same", bio="New")
        assert outbox.deliver_due() == 0

    @pytest.mark.parametrize("number", [1, 20])
    def test_refreshing_takes_as_many_statements_for_one_as_for_many(
        self, django_assert_num_queries, number
    ):
        ids = [course.id for course in CourseFactory.create_batch(number)]
        # Begin, lock, forget, write, learn, commit.
        with django_assert_num_queries(6):
            services.refresh_search(course_ids=ids)
        with django_assert_num_queries(0):
            get_engine().reindex(course_ids=[])


@pytest.mark.django_db
class TestLanguages:
    @pytest.mark.parametrize(
        ("language", "title", "queries"),
        [
            ("Spanish", "Fotografía de niños", ["fotografias", "niño", "fotografía niños"]),
            ("Spanish", "Cocina", ["cocinas", "cocina en español"]),
            ("German", "Bücher schreiben für Anfänger", ["buch schreiben", "anfanger", "Bücher"]),
            ("French", "Les réunions efficaces", ["reunion", "réunion efficace", "francais"]),
            ("Portuguese", "Programação básica", ["programacao", "básica programação"]),
            ("Italian", "Cucina italiana", ["cucine"]),
            ("Russian", "Основы программирования", ["основа", "программирование"]),
            ("Klingon", "tlhIngan Hol", ["tlhingan", "HOL", "klingon"]),
            ("es", "Fotografías", ["fotografia"]),
            ("", "Wordless tongue", ["wordless"]),
        ],
    )  # fmt: skip
    def test_words_are_found_in_the_course_s_language(self, language, title, queries):
        course = CourseFactory.create(
            title=title, language=language, short_description="", description=""
        )
        services.refresh_search(course_ids=[course.id])
        for query in queries:
            assert titles(query) == [title], query

    @pytest.mark.parametrize(
        ("title", "found_by", "not_by"),
        [
            ("C++ from Scratch", ["c++", "C++ scratch"], ["c#", "c"]),
            ("C# in Practice", ["c#", "C#"], ["c++", "c"]),
            ("Modern .NET", [".net", ".NET", "dotnet", "modern .net"], []),
            ("Node.js in Depth", ["node.js", "nodejs", "node", "node js"], ["nodes.py"]),
            ("ASP.NET Core", ["asp.net", "asp .net"], []),
            ("E-mail that Sells", ["email", "e-mail", "mail"], []),
            ("CI/CD Pipelines", ["ci/cd", "ci", "cd pipeline"], []),
            ("O'Reilly on Everything", ["o'reilly", "oreilly", "reilly"], []),
            ("Go", ["go", "GO"], []),
            ("It Is What It Is", ["it is"], []),
        ],
    )
    def test_names_that_parsers_tear_apart(self, title, found_by, not_by):
        course = CourseFactory.create(title=title, short_description="", description="")
        services.refresh_search(course_ids=[course.id])
        for query in found_by:
            assert titles(query) == [title], query
        for query in not_by:
            assert titles(query) == [], query


@pytest.mark.django_db
class TestOrder:
    def test_exact_title_then_title_then_the_rest(self):
        category = CategoryFactory.create(name="Strings")
        make = {"category": category, "description": "", "short_description": ""}
        mentioned = CourseFactory.create(title="Other", **{**make, "description": "About cello."})
        titled = CourseFactory.create(title="Advanced Cello", **make)
        exact = CourseFactory.create(title="Cello", **make)
        for course, learners in ((mentioned, 90_000), (titled, 500), (exact, 0)):
            services.change_student_counts(changes={course.id: learners})
        services.refresh_search(course_ids=[mentioned.id, titled.id, exact.id])
        assert titles("cello") == ["Cello", "Advanced Cello", "Other"]

    def test_pages_neither_repeat_nor_skip_where_ranking_ends(self, monkeypatch):
        from courses.search.postgres import engine

        monkeypatch.setattr(engine, "RANKED", 5)
        courses = CourseFactory.create_batch(13, title="Same words")
        services.refresh_search(course_ids=[course.id for course in courses])
        seen: list[Any] = []
        for offset in range(0, 15, 3):
            found = selectors.find_courses(text="words", limit=3, offset=offset)
            assert found.count == 13
            seen += found.ids
        assert len(seen) == 13
        assert set(seen) == {course.id for course in courses}
        whole = selectors.find_courses(text="words", limit=13)
        assert list(whole.ids) == seen

    def test_conditions_narrow(self):
        cheap = CourseFactory.create(title="Viola One", price=5)
        dear = CourseFactory.create(title="Viola Two", price=50, original_price=None)
        services.refresh_search(course_ids=[cheap.id, dear.id])
        assert titles("viola", min_price=10) == ["Viola Two"]
        assert titles("viola", max_price=10, level="beginner") == ["Viola One"]
        assert titles("voila", max_price=10) == ["Viola One"]

    def test_a_course_taken_off_sale_behind_our_back_is_not_shown(self):
        course = CourseFactory.create(title="Viola")
        services.refresh_search(course_ids=[course.id])
        Course.objects.filter(id=course.id).update(status="draft")
        assert titles("viola") == []


@pytest.mark.django_db
class TestForgiving:
    @pytest.fixture(autouse=True)
    def _shelf(self):
        make = {"description": "", "short_description": ""}
        courses = [
            CourseFactory.create(title="Machine Learning in Practice", **make),
            CourseFactory.create(title="Machine Shop Safety", **make),
            CourseFactory.create(title="Spanish from Zero", **make),
        ]
        services.refresh_search(course_ids=[course.id for course in courses])

    @pytest.mark.parametrize(
        ("query", "found", "meant"),
        [
            ("mach", ["Machine Learning in Practice", "Machine Shop Safety"], None),
            ("machine lear", ["Machine Learning in Practice"], None),
            ("machien lerning", ["Machine Learning in Practice"], "machine learning"),
            ("machinelearning", ["Machine Learning in Practice"], "machine learning"),
            ("machine learning xyzzy", ["Machine Learning in Practice"], "machine learning"),
            ("machine xyzzy", [], None),
            ("learn spanish", ["Spanish from Zero"], None),
            ("spanihs -zero", [], None),
            ("machien -learning", ["Machine Shop Safety"], "machine"),
            ("machine learning shop safety", ["Machine Shop Safety"], None),
        ],
    )
    def test_what_is_looked_for_instead(self, query, found, meant):
        result = selectors.find_courses(text=query, limit=9)
        cards = selectors.list_found(found=result)
        assert sorted(card["title"] for card in cards) == sorted(found)
        assert result.did_you_mean == meant
        assert result.count == len(found)

    @pytest.mark.parametrize(
        "query",
        [
            "", " ", "\x00", "a\x00b", "'", '"', "\\", "(((", "!!!", ":*", "a:*b", "<->", "&|!",
            "-", "--", "- -", "-spanish", '-"', "or or or", "the and of", "🦊", "🦊" * 90,
            "x" * 10_000, "a " * 5_000, "-a " * 3_000, "\ud800", "\u202espanish\u202c ",
            "%s %(search)s", "'; DROP TABLE courses_course; --", "e\u0301" * 500, "İıſß", "\ue000",
            "\uff41" * 99,
        ],
    )  # fmt: skip
    def test_hostile_queries_are_calm(self, query, django_assert_max_num_queries):
        with django_assert_max_num_queries(16):
            found = selectors.find_courses(text=query, limit=9)
            get_engine().suggest(query=query, limit=9)
        assert found.count == len(found.ids)
        with transaction.atomic():
            assert Course.objects.count() == 3


@pytest.mark.django_db(transaction=True)
def test_two_authors_with_the_same_new_words_dont_deadlock():
    courses = CourseFactory.create_batch(2, title="Alpha Omega Beta Psi Gamma Chi")
    start = threading.Barrier(2)
    problems = []

    def refresh(course):
        try:
            start.wait()
            services.refresh_search(course_ids=[course.id])
        except Exception as exc:
            problems.append(exc)
        finally:
            connection.close()

    for _ in range(5):
        SearchTerm.objects.all().delete()
        SearchEntry.objects.all().delete()
        threads = [threading.Thread(target=refresh, args=[course]) for course in courses]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert problems == []
    assert SearchTerm.objects.filter(term="omega").exists()
