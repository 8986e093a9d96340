"""Lists and pages of the catalogue: shapes, flags, filters, and how many queries they cost."""

import datetime as dt
import uuid
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from cart.models import WishlistItem
from courses import services
from courses.models import Category, CourseStats
from tests.factories import (
    CartItemFactory,
    CategoryFactory,
    CourseFactory,
    EnrollmentFactory,
    OrderFactory,
    OrderItemFactory,
    StaffFactory,
    UserFactory,
    make_course,
    sign_in,
)

pytestmark = pytest.mark.django_db

LIST = "/api/v1/courses/"
# One to sign in by, one for the flags.
VIEWER_QUERIES = 2

ROW_TYPES: dict[str, Any] = {
    "id": str, "title": str, "slug": str, "instructor": dict, "thumbnail": (str, type(None)),
    "rating": (int, float), "rating_count": int, "student_count": int,
    "duration_hours": (int, float), "level": str, "price": (int, float),
    "original_price": (int, float, type(None)), "discount_percent": int, "category": str,
    "is_bestseller": bool, "is_new": bool, "enrolled": bool, "in_cart": bool,
    "in_wishlist": bool,
}  # fmt: skip


def ids(response):
    assert response.status_code == 200, response.content
    return [row["id"] for row in response.json()["results"]]


def error(response):
    body = response.json()["error"]
    assert set(body) == {"code", "message", "status", "details", "request_id"}
    assert body["status"] == response.status_code
    return body


def set_stats(course, **fields):
    CourseStats.objects.filter(course=course).update(**fields)


def test_a_row_is_what_the_plan_shows(api):
    category = CategoryFactory.create(name="Development")
    course = CourseFactory.create(
        category=category,
        title="Complete Web Development Bootcamp 2026",
        price=Decimal("89.99"),
        original_price=Decimal("129.99"),
        duration_minutes=3120,
        thumbnail="course_thumbnails/web.webp",
        published_at=timezone.now() - dt.timedelta(days=31),
    )
    set_stats(
        course, student_count=234567, rating_count=5, rating_sum=24, rating_5=4, rating_4=1,
        sales_30_days=10,
    )  # fmt: skip
    body = api.get(LIST).json()
    assert list(body) == ["count", "next", "previous", "total_pages", "current_page", "results"]
    (row,) = body["results"]
    assert row == {
        "id": str(course.id),
        "title": "Complete Web Development Bootcamp 2026",
        "slug": course.slug,
        "instructor": {
            "id": str(course.instructor_id),
            "first_name": course.instructor.first_name,
            "last_name": course.instructor.last_name,
        },
        "thumbnail": "http://testserver/media/course_thumbnails/web.webp",
        "rating": 4.8,
        "rating_count": 5,
        "student_count": 234567,
        "duration_hours": 52,
        "level": "beginner",
        "price": 89.99,
        "original_price": 129.99,
        "discount_percent": 30,
        "category": "Development",
        "is_bestseller": True,
        "is_new": False,
        "enrolled": False,
        "in_cart": False,
        "in_wishlist": False,
    }
    for name, types in ROW_TYPES.items():
        assert isinstance(row[name], types), name


def test_a_bare_course_has_nulls_and_zeros(api):
    CourseFactory.create(original_price=None, thumbnail="", stats=None, duration_minutes=100)
    (row,) = api.get(LIST).json()["results"]
    assert (row["original_price"], row["thumbnail"], row["discount_percent"]) == (None, None, 0)
    assert (row["rating"], row["rating_count"], row["student_count"]) == (0, 0, 0)
    assert (row["duration_hours"], row["is_new"], row["is_bestseller"]) == (1.7, True, False)


@pytest.mark.parametrize("number", [1, 20])
def test_a_list_costs_count_and_page(api, django_assert_num_queries, number):
    CourseFactory.create_batch(number)
    with django_assert_num_queries(2):
        assert len(ids(api.get(LIST))) == number


@pytest.mark.parametrize("number", [1, 20])
def test_a_viewer_costs_one_query_for_all_flags(django_assert_num_queries, number):
    CourseFactory.create_batch(number)
    client = sign_in(UserFactory.create())
    with django_assert_num_queries(2 + VIEWER_QUERIES):
        assert len(ids(client.get(LIST))) == number


def test_flags_are_the_viewers_own(api):
    enrolled, in_cart, wished, revoked = CourseFactory.create_batch(4)
    person = UserFactory.create()
    EnrollmentFactory.create(user=person, course=enrolled)
    EnrollmentFactory.create(user=person, course=revoked, status="revoked")
    CartItemFactory.create(cart__user=person, course=in_cart)
    WishlistItem.objects.create(user=person, course=wished)
    rows = {row["id"]: row for row in sign_in(person).get(LIST).json()["results"]}
    flags = {
        key: (row["enrolled"], row["in_cart"], row["in_wishlist"]) for key, row in rows.items()
    }
    assert flags == {
        str(enrolled.id): (True, False, False),
        str(in_cart.id): (False, True, False),
        str(wished.id): (False, False, True),
        str(revoked.id): (False, False, False),
    }
    for client in (api, sign_in(UserFactory.create())):
        for row in client.get(LIST).json()["results"]:
            assert (row["enrolled"], row["in_cart"], row["in_wishlist"]) == (False, False, False)


def test_what_is_being_paid_for_is_not_in_the_cart():
    first, second = CourseFactory.create_batch(2)
    person = UserFactory.create()
    for course in (first, second):
        CartItemFactory.create(cart__user=person, course=course)
    order = OrderFactory.create(user=person, payment_in_progress_since=timezone.now())
    OrderItemFactory.create(order=order, course=first)
    rows = sign_in(person).get(LIST).json()["results"]
    assert {row["id"]: row["in_cart"] for row in rows} == {
        str(first.id): False,
        str(second.id): True,
    }


@pytest.mark.parametrize("status", ["draft", "in_review", "archived"])
def test_only_published_courses_are_listed(api, status):
    CourseFactory.create(status=status, is_featured=True)
    for path in (LIST, f"{LIST}featured/", f"{LIST}?search=course"):
        assert ids(api.get(path)) == []


def test_filters(api):
    design = CategoryFactory.create(name="Design", slug="design")
    cheap = CourseFactory.create(category=design, price=10, level="advanced")
    dear = CourseFactory.create(price=Decimal("50.50"), level="beginner", title="Haskell")
    services.refresh_search(course_ids=[cheap.id, dear.id])
    set_stats(cheap, rating_count=4, rating_sum=19, rating_5=3, rating_4=1)
    set_stats(dear, rating_count=1, rating_sum=4, rating_4=1)
    expected = {
        "category=design": [cheap], f"category={design.id}": [cheap], "level=beginner": [dear],
        "min_price=10": [cheap, dear], "min_price=10.01": [dear], "max_price=10": [cheap],
        "min_price=10&max_price=50.5": [cheap, dear], "max_price=9.99": [], "rating_min=4": [
            cheap, dear], "rating_min=4.8": [cheap], "rating_min=4.81": [], "rating_min=0": [
            cheap, dear], "search=haskell": [dear], "search=haskel&level=advanced": [],
        "category=&level=&min_price=&search=": [cheap, dear], "unknown=1": [cheap, dear],
        "max_price=1e49": [cheap, dear],
    }  # fmt: skip
    for query, courses in expected.items():
        found = ids(api.get(f"{LIST}?{query}"))
        assert set(found) == {str(course.id) for course in courses}, query


@pytest.mark.parametrize("query", ["page=2", "page=99999999", f"page={'9' * 40}"])
def test_a_page_past_the_end_is_404(api, query):
    CourseFactory.create()
    assert error(api.get(f"{LIST}?{query}"))["status"] == 404


def test_orderings_and_their_ties(api):
    now = timezone.now()
    first, second, third, fourth = (
        CourseFactory.create(
            price=price, original_price=None, published_at=now - dt.timedelta(hours=hours)
        )
        for price, hours in ((30, 1), (10, 2), (20, 3), (20, 3))
    )
    set_stats(first, student_count=1, rating_count=2, rating_sum=10, rating_5=2)
    set_stats(second, student_count=9, rating_count=3, rating_sum=15, rating_5=3)
    set_stats(third, student_count=1)
    expected = {
        "": [second, third, first, fourth],
        "?ordering=popular": [second, third, first, fourth],
        "?ordering=newest": [first, second, fourth, third],
        "?ordering=rating": [second, first, fourth, third],
        "?ordering=price_low": [second, third, fourth, first],
        "?ordering=price_high": [first, fourth, third, second],
    }
    for query, courses in expected.items():
        assert ids(api.get(f"{LIST}{query}")) == [str(course.id) for course in courses], query


def test_search_ranks_unless_an_ordering_is_asked_for(api):
    best = CourseFactory.create(title="Rust", price=20)
    other = CourseFactory.create(title="Systems", description="Rust and more.", price=10)
    set_stats(other, student_count=100)
    services.refresh_search(course_ids=[best.id, other.id])
    assert ids(api.get(f"{LIST}?search=rust")) == [str(best.id), str(other.id)]
    assert ids(api.get(f"{LIST}?search=rust&ordering=price_low")) == [str(other.id), str(best.id)]


@pytest.mark.parametrize(
    ("query", "queries"),
    # Count, ids, cards; a typing error: two counts in vain and the spelling before; the ordered
    # list: its own count beside the search's.
    [("search=course", 3), ("search=corse", 6), ("search=course&ordering=rating", 3)],
)
@pytest.mark.parametrize("number", [3, 20])
def test_a_searched_list_costs_the_same_whatever_it_finds(
    api, django_assert_num_queries, query, queries, number
):
    courses = CourseFactory.create_batch(number)
    services.refresh_search(course_ids=[course.id for course in courses])
    assert len(ids(api.get(f"{LIST}?{query}"))) == number
    with django_assert_num_queries(queries):
        api.get(f"{LIST}?{query}")


def test_a_searched_list_has_filters_facets_and_pages(api):
    shelf = CategoryFactory.create(slug="rusty")
    courses = [
        CourseFactory.create(title=f"Rust {number}", category=shelf, price=number)
        for number in range(5)
    ]
    others = CourseFactory.create_batch(2, title="Rust elsewhere", level="advanced")
    services.refresh_search(course_ids=[course.id for course in courses + others])
    body = api.get(f"{LIST}?search=rsut&category=rusty&min_price=1&page_size=3&facets=1").json()
    assert (body["count"], body["total_pages"], body["did_you_mean"]) == (4, 2, "rust")
    assert body["previous"] is None
    rest = api.get(body["next"]).json()
    assert (rest["next"], rest["current_page"]) == (None, 2)
    seen = ids_of(body) + ids_of(rest)
    assert sorted(seen) == sorted(str(course.id) for course in courses[1:])
    levels = {row["value"]: row["count"] for row in body["facets"]["level"]}
    assert levels == {"beginner": 4, "intermediate": 0, "advanced": 0}
    ordered = api.get(f"{LIST}?search=rust&ordering=price_high&category=rusty")
    assert ids(ordered) == [str(course.id) for course in reversed(courses)]
    assert api.get(f"{LIST}?search=rust&page=2").status_code == 404
    assert api.get(f"{LIST}?search=rust&category=nowhere").status_code == 422


def ids_of(body):
    return [row["id"] for row in body["results"]]


def test_pages_neither_repeat_nor_skip(api):
    courses = CourseFactory.create_batch(7, price=5, published_at=timezone.now())
    for ordering in ("popular", "newest", "rating", "price_low", "price_high"):
        seen = []
        for page in (1, 2, 3):
            seen += ids(api.get(f"{LIST}?ordering={ordering}&page_size=3&page={page}"))
        assert sorted(seen) == sorted(str(course.id) for course in courses)


def test_categories(api, django_assert_num_queries):
    category = CategoryFactory.create(name="Design", slug="design", icon="Palette", position=1)
    CategoryFactory.create_batch(19, position=2)
    CourseFactory.create(category=category)
    CourseFactory.create(category=category, status="draft")
    services.recount_categories()
    with django_assert_num_queries(1):
        body = api.get("/api/v1/categories/").json()
    assert list(body) == ["results"]
    assert len(body["results"]) == Category.objects.count() == 20
    assert body["results"][0] == {
        "id": str(category.id), "name": "Design", "slug": "design", "description": "",
        "icon": "Palette", "course_count": 1,
    }  # fmt: skip


def test_featured_courses_are_what_staff_put_forward(api, django_assert_num_queries):
    CourseFactory.create()
    featured = CourseFactory.create(is_featured=True)
    with django_assert_num_queries(2):
        assert ids(api.get(f"{LIST}featured/")) == [str(featured.id)]


@pytest.mark.parametrize("reference", [uuid.uuid4(), "no-such-slug", "123", "x" * 300, "a%00b"])
def test_unknown_courses(api, reference):
    for path in (f"{LIST}{reference}/", f"{LIST}related/{reference}/",
                 f"{LIST}{reference}/reviews/"):  # fmt: skip
        assert error(api.get(path))["code"] == "COURSE_NOT_FOUND"


@pytest.mark.parametrize("status", ["draft", "archived"])
def test_an_unpublished_course_is_there_for_its_own(api, status):
    course = make_course(status=status)
    learner, suspended, revoked = UserFactory.create_batch(3)
    EnrollmentFactory.create(user=learner, course=course)
    EnrollmentFactory.create(user=suspended, course=course, status="suspended")
    EnrollmentFactory.create(user=revoked, course=course, status="revoked")
    seen_by = [learner, suspended, course.instructor, StaffFactory.create()]
    hidden_from = [revoked, UserFactory.create(), CourseFactory.create().instructor]
    for path in (f"{LIST}{course.id}/", f"{LIST}{course.slug}/", f"{LIST}related/{course.id}/",
                 f"{LIST}{course.id}/reviews/"):  # fmt: skip
        for person in seen_by:
            assert sign_in(person).get(path).status_code == 200
        for client in (api, *map(sign_in, hidden_from)):
            assert error(client.get(path))["code"] == "COURSE_NOT_FOUND"
