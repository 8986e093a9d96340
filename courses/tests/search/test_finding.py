"""Full-text search, its ranking, and its tolerance for typing errors."""

import pytest

from courses import services
from courses.models import Category, Course
from courses.selectors import find_courses, list_found
from tests.factories import CategoryFactory, CourseFactory, InstructorFactory

pytestmark = pytest.mark.django_db


def make(title, **fields):
    fields.setdefault("description", "")
    fields.setdefault("short_description", "")
    return CourseFactory.create(title=title, **fields)


@pytest.fixture
def shelf():
    design = CategoryFactory.create(name="Design")
    coding = CategoryFactory.create(name="Development")
    teacher = InstructorFactory.create(first_name="Renée", last_name="Söderström")
    courses = [
        make("Python for Everybody", category=coding),
        make(
            "Practical Machine Learning", category=coding, description="With Python and patience."
        ),
        make("Node.js in Depth", category=coding, short_description="Servers in JavaScript"),
        make("Café Photography", category=design, instructor=teacher),
        make("Hidden Python", category=coding, status="draft"),
    ]
    services.refresh_search(course_ids=[course.id for course in courses])
    return courses


def titles(text):
    return [card["title"] for card in list_found(found=find_courses(text=text, limit=20))]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("python", ["Python for Everybody", "Practical Machine Learning"]),
        ("PYTHON", ["Python for Everybody", "Practical Machine Learning"]),
        ("pyhton", ["Python for Everybody", "Practical Machine Learning"]),
        ("pythn", ["Python for Everybody", "Practical Machine Learning"]),
        ("pythom", ["Python for Everybody", "Practical Machine Learning"]),
        ("ppython", ["Python for Everybody", "Practical Machine Learning"]),
        ("pyth", ["Python for Everybody", "Practical Machine Learning"]),
        ("machne learnig", ["Practical Machine Learning"]),
        ("learn machines", ["Practical Machine Learning"]),
        ("javascirpt", ["Node.js in Depth"]),
        ("node", ["Node.js in Depth"]),
        ("node.js", ["Node.js in Depth"]),
        ("cafe", ["Café Photography"]),
        ("café", ["Café Photography"]),
        ("soderstrom", ["Café Photography"]),
        ("renee söderström", ["Café Photography"]),
        ("design", ["Café Photography"]),
        ("desing", ["Café Photography"]),
        ("python -machine", ["Python for Everybody"]),
        ('"machine learning"', ["Practical Machine Learning"]),
        ("quantum", []),
        ("zzzz", []),
        ("!!! ???", []),
        ("' OR 1=1 --", []),
        ("(((", []),
        ("\\", []),
        ("a:*&|!", []),
    ],
)
def test_finds(shelf, text, found):
    assert titles(text) == found


def test_a_title_outranks_a_description(shelf):
    assert titles("python")[0] == "Python for Everybody"


def test_spelling_is_forgiven_only_when_nothing_matches(shelf):
    make("Pythons of Asia")
    last = make("Pythom Weekly")
    services.refresh_search(course_ids=[last.id])
    assert titles("pythom") == ["Pythom Weekly"]


def test_equals_are_ordered_by_popularity():
    quiet, loud = make("Jazz One"), make("Jazz Two")
    services.change_student_counts(changes={loud.id: 3})
    services.refresh_search(course_ids=[quiet.id, loud.id])
    assert titles("jazz") == ["Jazz Two", "Jazz One"]


def test_names_that_changed_elsewhere_are_found_by_the_nightly_net(shelf):
    assert services.refresh_stale_search() == 0
    Category.objects.filter(name="Design").update(name="Illustration")
    assert services.refresh_stale_search() == 1
    assert titles("illustration") == ["Café Photography"]


def test_a_description_without_end_is_found_by_its_beginning():
    words = " ".join(f"word{number}x{number * 7919}" for number in range(100_000))
    course = make("Endless", description=words)
    services.refresh_search(course_ids=[course.id])
    assert titles("word17x134623") == ["Endless"]


def test_refreshing_touches_only_the_named(shelf):
    Course.objects.filter(title="Python for Everybody").update(title="Cobol")
    other = Course.objects.get(title="Node.js in Depth")
    services.refresh_search(course_ids=[other.id])
    services.refresh_search(course_ids=[])
    assert titles("cobol") == []
