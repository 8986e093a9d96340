"""Whatever a course is, its file brings it back: also those that nobody thought of."""

import json
import uuid
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from courses import portability
from courses.authors import Author
from courses.errors import CourseFileInvalid, CourseFileMalformed
from courses.models import Course
from tests.factories import CategoryFactory, InstructorFactory

pytestmark = pytest.mark.django_db


def _name_prices(given: dict[str, Any]) -> dict[str, Any]:
    price, original = given["prices"]
    rest = {name: value for name, value in given.items() if name != "prices"}
    return {**rest, "price": price, "original_price": original}


# Examples share one transaction: none of them sees another's course but by its slug.
relaxed = settings(
    max_examples=40,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

letters = st.characters(exclude_categories=["Cs"], exclude_characters="\x00")
texts = st.text(letters, max_size=30)
names = st.text(letters, min_size=1, max_size=30).filter(lambda text: text.strip() != "")
addresses = st.sampled_from(
    ["https://a.test/v.mp4", "http://127.0.0.1:8000/x?a=1&b=%20#t", "https://ü.test/ä"]
)
amounts = st.integers(min_value=0, max_value=99_999_999).map(lambda cents: cents / 100)
resources = st.fixed_dictionaries({"title": names, "url": addresses})
lessons = st.fixed_dictionaries(
    {
        "title": names,
        "description": texts,
        "video_url": st.just("") | addresses,
        "duration_minutes": st.integers(min_value=0, max_value=1440),
        "is_preview": st.booleans(),
        "resources": st.lists(
            st.fixed_dictionaries({"title": names, "url": addresses}), max_size=2
        ),
    }
)
sections = st.fixed_dictionaries(
    {"title": names, "description": texts, "lessons": st.lists(lessons, max_size=3)}
)
prices = st.one_of(
    st.tuples(st.none() | amounts, st.none()),
    st.tuples(amounts, amounts).map(sorted),
)
documents = st.fixed_dictionaries(
    {
        "format": st.just("learnflow-course/1"),
        "title": names,
        "slug": st.from_regex(r"[a-z0-9]{1,8}(-[a-z0-9]{1,8}){0,2}", fullmatch=True),
        "short_description": texts,
        "description": texts,
        "category": st.none() | st.just("known"),
        "level": st.sampled_from(Course.Level.values),
        "language": names,
        "currency": st.just("usd"),
        "prices": prices,
        "preview_video_url": st.just("") | addresses,
        "outcomes": st.lists(names, max_size=3),
        "requirements": st.lists(names, max_size=3),
        "thumbnail": st.none(),
        "curriculum": st.lists(sections, max_size=3),
    }
).map(_name_prices)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=10,
)


@pytest.fixture
def author() -> Author:
    CategoryFactory.create(slug="known")
    return Author(id=InstructorFactory.create().id, is_instructor=True)


@relaxed
@given(document=documents)
def test_out_and_in_is_the_same(author: Author, document: dict[str, Any]) -> None:
    course = portability.import_course(author=author, content=json.dumps(document).encode())
    once = portability.export_json(author=author, reference=str(course.id)).content
    assert json.loads(once) == {**document, "slug": course.slug}
    Course.objects.filter(id=course.id).delete()
    again = portability.import_course(author=author, content=once)
    packed = portability.export_zip(author=author, reference=str(again.id)).content
    Course.objects.filter(id=again.id).delete()
    last = portability.import_course(author=author, content=packed)
    # With the slug free each time, not a byte differs.
    assert portability.export_json(author=author, reference=str(last.id)).content == once
    assert last.slug == course.slug


@relaxed
@given(document=documents, place=st.integers(min_value=0), value=values)
def test_whatever_is_spoilt_is_refused_or_taken_whole(
    author: Author, document: dict[str, Any], place: int, value: Any
) -> None:
    spoilt = json.loads(json.dumps(document))
    _replace(spoilt, place, value)
    before = set(Course.objects.values_list("id", flat=True))
    try:
        course = portability.import_course(author=author, content=json.dumps(spoilt).encode())
    except (CourseFileInvalid, CourseFileMalformed) as exc:
        made, named = set(), set(exc.details)
    else:
        made, named = {course.id}, set()
    assert set(Course.objects.values_list("id", flat=True)) - before == made
    assert bool(named) is not bool(made)
    assert all(path == "..." or path.startswith("$") for path in named)


@relaxed
@given(content=st.binary(max_size=200))
def test_bytes_at_random_are_refused(content: bytes) -> None:
    for start in (b"", b"PK\x03\x04", b"PK\x05\x06", b"{"):
        author = Author(id=uuid.uuid4(), is_instructor=True)
        with pytest.raises((CourseFileInvalid, CourseFileMalformed)):
            portability.import_course(author=author, content=start + content)


def _replace(document: Any, place: int, value: Any) -> None:
    """Put the value in the place of any other within the document."""
    places = []
    pending = [document]
    while pending:
        item = pending.pop()
        keys: Any = item if isinstance(item, dict) else range(len(item))
        for key in keys:
            places.append((item, key))
            if isinstance(item[key], dict | list):
                pending.append(item[key])
    holder, key = places[place % len(places)]
    holder[key] = value
