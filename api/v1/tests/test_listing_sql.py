"""The list's hand-written statements answer what the ORM does; cursors and facets besides."""

import datetime as dt
import math
import random
from collections import Counter
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import pytest
from django.utils import timezone

from api.v1.catalogue import listing
from api.v1.catalogue.cursors import PageCursor, write
from api.v1.catalogue.serializers import FacetsSerializer
from courses import selectors
from courses.models import Course, CourseStats
from courses.rules import round_rating
from courses.selectors import Filters
from courses.selectors.cards import CARD_COLUMNS
from courses.sql.listing import ORDERS
from tests.factories import CategoryFactory, CourseFactory, InstructorFactory
from tests.shapes import assert_shape

pytestmark = pytest.mark.django_db

LIST = "/api/v1/courses/"


def fill(dice, number=30):
    """Make courses that share as many values as they can, to have ties everywhere."""
    categories = CategoryFactory.create_batch(2)
    instructor = InstructorFactory.create()
    now = timezone.now()
    for _ in range(number):
        course = CourseFactory.create(
            category=dice.choice([None, *categories]),
            instructor=instructor,
            status=dice.choice(["published"] * 5 + ["draft"]),
            level=dice.choice(Course.Level.values),
            language=dice.choice(["English", "Deutsch"]),
            price=dice.choice([0, 10, 20, Decimal("49.99"), 200]),
            original_price=dice.choice([None, 200, 300]),
            duration_minutes=dice.choice([0, 30, 60, 90, 180, 1020]),
            published_at=now - dt.timedelta(days=dice.choice([1, 29, 31, 60])),
            thumbnail=dice.choice(["", "course_thumbnails/a.webp", "course_thumbnails/é b.webp"]),
            is_featured=dice.random() < 0.3,
        )
        stars = dice.choice([(0, 0), (0, 1), (1, 0), (1, 3)])
        CourseStats.objects.filter(course=course).update(
            student_count=dice.choice([0, 5]), sales_30_days=dice.choice([0, 10]),
            rating_4=stars[0], rating_5=stars[1], rating_count=sum(stars),
            rating_sum=4 * stars[0] + 5 * stars[1],
        )  # fmt: skip
    return categories


def draw_query(dice, categories):
    category = dice.choice(categories)
    every = {
        "category": dice.choice([category.slug, str(category.id)]),
        "level": dice.choice(Course.Level.values),
        "language": dice.choice(["English", "Deutsch", "Nederlands"]),
        "min_price": dice.choice(["0", "10", "19.999"]),
        "max_price": dice.choice(["20", "49.99", "1e5"]),
        "rating_min": dice.choice(["0", "4.1", "4.74", "4.8", "5"]),
        "duration_min": dice.choice(["0", "0.5", "1.01"]),
        "duration_max": dice.choice(["1.5", "17"]),
        "ordering": dice.choice(list(ORDERS)),
    }
    return {name: every[name] for name in dice.sample(sorted(every), dice.randrange(6))}


LOOKUPS = {
    "level": "level",
    "language": "language",
    "min_price": "price__gte",
    "max_price": "price__lte",
    "duration_min": "duration_minutes__gte",
    "duration_max": "duration_minutes__lte",
}
ORDERINGS = {
    "popular": ("-stats__student_count", "-id"),
    "newest": ("-published_at", "-id"),
    "rating": ("-stats__rating", "-stats__rating_count", "-id"),
    "price_low": ("price", "id"),
    "price_high": ("-price", "-id"),
}


def ask_the_orm(query):
    """The list by the courses themselves, not by the copies beside their counters."""
    courses = Course.objects.filter(status="published")
    for name, lookup in LOOKUPS.items():
        if name in query:
            value = query[name]
            if name.startswith("duration"):
                minutes = Decimal(value) * 60
                value = math.ceil(minutes) if name == "duration_min" else math.floor(minutes)
            courses = courses.filter(**{lookup: value})
    if "category" in query:
        by = "category_id" if len(query["category"]) == 36 else "category__slug"
        courses = courses.filter(**{by: query["category"]})
    ids = [
        row["id"]
        for row in courses.values("id", "stats__rating")
        if round_rating(row["stats__rating"]) >= Decimal(query.get("rating_min", 0))
    ]
    ordered = Course.objects.filter(id__in=ids).order_by(
        *ORDERINGS[query.get("ordering", "popular")]
    )
    return ordered.values(*CARD_COLUMNS)


@pytest.mark.parametrize("seed", range(4))
def test_any_page_is_what_the_orm_answers(api, seed):
    dice = random.Random(seed)
    categories = fill(dice)
    for _ in range(25):
        query = draw_query(dice, categories)
        expected = [
            {**card, "enrolled": False, "in_cart": False, "in_wishlist": False}
            for card in selectors.to_cards(ask_the_orm(query))
        ]
        size = dice.choice([1, 3, 7, 100])
        found, page = [], 1
        while True:
            body = api.get(f"{LIST}?{urlencode({**query, 'page_size': size, 'page': page})}").json()
            assert body["count"] == len(expected), query
            found += body["results"]
            if body["next"] is None:
                break
            page += 1
        assert len(found) == len(expected)
        for row, card in zip(found, expected, strict=True):
            as_json: dict[str, Any] = {**card, "id": str(card["id"])}
            as_json["instructor"] = {
                **as_json["instructor"],
                "id": str(as_json["instructor"]["id"]),
            }
            for name in ("rating", "price", "original_price", "duration_hours"):
                as_json[name] = None if as_json[name] is None else float(as_json[name])
            assert row == as_json, query


@pytest.mark.parametrize("ordering", list(ORDERS))
def test_cursors_go_forth_and_back_over_the_same_pages(api, monkeypatch, ordering):
    monkeypatch.setattr(listing, "LAST_NUMBERED_PAGE", 2)
    fill(random.Random(1))
    numbered = [
        api.get(f"{LIST}?{urlencode({'ordering': ordering, 'page_size': 4, 'page': page})}").json()
        for page in (1, 2, 3, 4, 5)
    ]
    pages = [numbered[0]]
    while len(pages) < 5:
        pages.append(api.get(pages[-1]["next"]).json())
    assert "cursor=" not in pages[0]["next"]
    assert "cursor=" in pages[1]["next"]
    for one, other in zip(pages, numbered, strict=True):
        assert one["results"] == other["results"]
        assert (one["current_page"], one["count"]) == (other["current_page"], other["count"])
    back = pages[-1]
    for earlier in reversed(pages[:-1]):
        back = api.get(back["previous"]).json()
        assert back["results"] == earlier["results"]
        assert back["current_page"] == earlier["current_page"]


def test_a_cursor_costs_what_a_page_does(api, django_assert_num_queries):
    CourseFactory.create_batch(3)
    page = selectors.list_page(filters=Filters(), limit=1)
    assert page.last
    cursor = write(PageCursor(ordering="popular", direction="after", key=page.last, number=501))
    with django_assert_num_queries(2):
        body = api.get(f"{LIST}?page_size=1&cursor={cursor}").json()
    assert body["current_page"] == 501
    assert len(body["results"]) == 1


@pytest.mark.parametrize(
    "cursor",
    ["x", "%00", "é", "W10", "bnVsbA", "WyJwb3B1bGFyIiwiYWZ0ZXIiLFsiYSIsImIiXSwyXQ", "y" * 501],
)  # fmt: skip
def test_what_is_no_cursor_is_refused(api, cursor):
    response = api.get(f"{LIST}?cursor={cursor}")
    assert response.status_code == 422, response.content
    assert set(response.json()["error"]["details"]) == {"cursor"}


def test_a_cursor_is_of_its_ordering_and_knows_its_page(api):
    CourseFactory.create_batch(2)
    page = selectors.list_page(filters=Filters(), limit=1)
    assert page.last
    cursor = write(PageCursor(ordering="popular", direction="after", key=page.last, number=2))
    for query in (f"cursor={cursor}&ordering=newest", f"cursor={cursor}&page=2"):
        assert api.get(f"{LIST}?{query}").status_code == 422


@pytest.mark.parametrize("seed", range(3))
def test_facets_count_what_each_choice_would_leave(api, seed):
    dice = random.Random(seed)
    categories = fill(dice)
    for _ in range(6):
        query = draw_query(dice, categories)
        query.pop("ordering", None)
        body = api.get(f"{LIST}?{urlencode({**query, 'facets': 1})}").json()

        def count(drop, query=query, **extra):
            rest = {name: value for name, value in query.items() if name not in drop}
            return api.get(f"{LIST}?{urlencode({**rest, **extra})}").json()["count"]

        assert_shape(body["facets"], FacetsSerializer())
        facets = body["facets"]
        assert set(facets) == {"category", "level", "language", "price", "rating", "duration"}
        for row in facets["category"]:
            assert row["count"] == count({"category"}, category=row["slug"])
        for row in facets["level"]:
            assert row["count"] == count({"level"}, level=row["value"])
        for row in facets["language"]:
            assert row["count"] == count({"language"}, language=row["value"])
        for row in facets["price"]:
            bounds = {"min_price": row["min"]}
            if row["max"] is not None:
                bounds["max_price"] = row["max"]
            assert row["count"] == count({"min_price", "max_price"}, **bounds)
        for row in facets["rating"]:
            assert row["count"] == count({"rating_min"}, rating_min=row["min"])
        assert sum(row["count"] for row in facets["duration"]) == count(
            {"duration_min", "duration_max"}
        )


def test_facets_cost_two_queries_more(api, django_assert_num_queries):
    fill(random.Random(5), number=5)
    with django_assert_num_queries(4):
        api.get(f"{LIST}?facets=1")


def test_featured_pages_have_the_order_of_the_popular(api):
    fill(random.Random(2))
    expected = Course.objects.filter(status="published", is_featured=True).order_by(
        "-stats__student_count", "-id"
    )
    body = api.get(f"{LIST}featured/?page_size=100").json()
    assert [row["id"] for row in body["results"]] == [str(course.id) for course in expected]
    assert Counter(row["id"] for row in body["results"]).most_common(1)[0][1] == 1
