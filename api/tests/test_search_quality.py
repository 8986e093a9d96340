"""How well search finds what it must in the demo catalogue: may rise, must not fall."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db.models import F
from django.utils import timezone

from api.demo.rows.catalogue import create_catalogue
from api.demo.sources import read_people, read_shelves
from courses import services
from courses.models import Course, CourseStats
from courses.search.quality import judge, mean_reciprocal_rank, read_queries
from tests.factories import InstructorFactory

# What is reached, less one query that slips from the first place to the second.
AT_LEAST = 0.99


@pytest.fixture
def demo(db):
    shelves = read_shelves()
    instructors = {
        person.key: InstructorFactory.create(
            first_name=person.first_name, last_name=person.last_name
        )
        for person in read_people().instructors
    }
    create_catalogue(
        shelves=shelves,
        instructors=instructors,
        thumbnails={course.slug: "" for shelf in shelves for course in shelf.courses},
        now=timezone.now(),
    )
    for course in (course for shelf in shelves for course in shelf.courses):
        CourseStats.objects.filter(course__slug=course.slug).update(
            student_count=F("student_count") + course.popularity
        )
    assert services.refresh_stale_search() == Course.objects.filter(is_published=True).count()


def test_the_file_asks_for_published_courses_of_the_demo(demo):
    queries = read_queries()
    assert len(queries) >= 60
    assert len({query.query for query in queries}) == len(queries)
    slugs = set(Course.objects.filter(is_published=True).values_list("slug", flat=True))
    for query in queries:
        assert query.expect
        assert set(query.expect) <= slugs, query


def test_search_finds_what_it_must(demo):
    judged = judge(read_queries())
    missed = [(one.query.query, one.place, one.found[:3]) for one in judged if one.place != 1]
    assert mean_reciprocal_rank(judged) >= AT_LEAST, missed


def test_the_command_prints_the_figure_and_what_it_misses(demo):
    out = StringIO()
    call_command("search_quality", stdout=out)
    assert "Mean reciprocal rank at 10: " in out.getvalue()
    Course.objects.filter(slug="rust-for-working-programmers").delete()
    out = StringIO()
    with pytest.raises(CommandError):
        call_command("search_quality", "--at-least", "1", stdout=out)
    assert "'rust': place none of 10" in out.getvalue()
