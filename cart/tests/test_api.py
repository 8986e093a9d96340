"""Lines and wishlist over HTTP: shapes of plan 4.4, statuses of the contract, query counts."""

from decimal import Decimal

import pytest
from django.urls import reverse

from cart import services
from cart.models import Cart, CartItem, WishlistItem
from cart.serializers import LineSerializer
from core.ids import new_id
from courses import selectors as course_selectors
from courses.models import Course
from tests.factories import CartItemFactory, CourseFactory, EnrollmentFactory, UserFactory, sign_in

pytestmark = pytest.mark.django_db

CART = "/api/v1/cart/"
ITEMS = "/api/v1/cart/items/"
MERGE = "/api/v1/cart/merge/"
WISHLIST = "/api/v1/wishlist/"
WISHES = "/api/v1/wishlist/items/"
NOBODYS = "0198c5f0-7c1a-7bd2-9a51-4d8f0b6a2c99"  # an id that no row has


@pytest.fixture
def user():
    return UserFactory.create()


@pytest.fixture
def client(user):
    return sign_in(user)


def add(user, **fields):
    return services.add_to_cart(user_id=user.id, course_id=CourseFactory.create(**fields).id)


def test_prices_are_todays(client, user):
    line = add(user, price=Decimal("10.00"))
    CartItem.objects.get(id=line.item_id).course.__class__.objects.update(price=Decimal("12.00"))
    assert client.get(CART).json()["total_price"] == 12.0


def test_a_line_not_on_sale_stays_and_counts_in_no_price(client, user):
    add(user, price=Decimal("10.00"), original_price=None)
    gone = CartItemFactory.create(cart__user=user, course__status="archived")
    owned = CartItemFactory.create(cart__user=user)
    EnrollmentFactory.create(user=user, course=owned.course)
    body = client.get(CART).json()
    assert body["total_items"] == 3
    assert body["total_price"] == body["total_original_price"] == 10.0
    reasons = {item["id"]: item["unavailable_reason"] for item in body["items"]}
    assert reasons[str(gone.id)] == "NOT_FOR_SALE"
    assert reasons[str(owned.id)] == "ALREADY_ENROLLED"
    assert [item["available"] for item in body["items"]] == [True, False, False]


@pytest.mark.parametrize("count", [1, 20])
def test_the_cart_takes_six_queries(client, user, count, django_assert_num_queries):
    for _ in range(count):
        add(user)
    # person, cart, what is being paid for, lines, courses, what is owned
    with django_assert_num_queries(6):
        assert client.get(CART).json()["total_items"] == count


@pytest.mark.parametrize("url", [ITEMS, WISHES])
def test_adding_answers_201_then_200_with_the_same_line(client, url):
    course = CourseFactory.create(price=Decimal("89.99"))
    first = client.post(url, {"course_id": str(course.id)})
    again = client.post(url, {"course_id": str(course.id)})
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert set(first.json()) == set(LineSerializer().fields)
    assert first.json()["course"]["id"] == str(course.id)
    assert first.json()["course"]["price"] == 89.99


@pytest.mark.parametrize(("url", "key"), [(CART, "items"), (WISHLIST, "results")])
def test_a_course_deleted_while_lines_are_read_takes_its_own_along(
    client, user, monkeypatch, url, key
):
    gone, kept = CourseFactory.create_batch(2)
    for course in (gone, kept):
        services.add_to_cart(user_id=user.id, course_id=course.id)
        services.add_to_wishlist(user_id=user.id, course_id=course.id)
    get_courses = course_selectors.get_courses_for_sale

    def get_after_a_deletion(**which):
        Course.objects.filter(id=gone.id).delete()
        return get_courses(**which)

    monkeypatch.setattr(course_selectors, "get_courses_for_sale", get_after_a_deletion)
    page = client.get(url).json()
    assert [line["course"]["id"] for line in page[key]] == [str(kept.id)]


@pytest.mark.parametrize(
    ("url", "name", "code"),
    [
        (ITEMS, "add_to_cart", "CART_ITEM_NOT_FOUND"),
        (WISHES, "add_to_wishlist", "WISHLIST_ITEM_NOT_FOUND"),
    ],
)
def test_a_line_that_another_device_took_out_at_once(client, monkeypatch, url, name, code):
    add_line = getattr(services, name)

    def add_and_lose(**facts):
        line = add_line(**facts)
        CartItem.objects.all().delete()
        WishlistItem.objects.all().delete()
        return line

    monkeypatch.setattr(services, name, add_and_lose)
    answer = client.post(url, {"course_id": str(CourseFactory.create().id)})
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, code)


@pytest.mark.parametrize("url", [ITEMS, WISHES])
def test_adding_refuses(client, user, url):
    owned = EnrollmentFactory.create(user=user).course
    own = CourseFactory.create(instructor=user)
    draft = CourseFactory.create(status="draft")
    cases = [
        (owned.id, 409, "ALREADY_ENROLLED"),
        (own.id, 403, "OWN_COURSE"),
        (draft.id, 404, "COURSE_NOT_FOUND"),
        (new_id(), 404, "COURSE_NOT_FOUND"),
    ]
    for course_id, status, code in cases:
        answer = client.post(url, {"course_id": str(course_id)})
        assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)


@pytest.mark.parametrize("url", [ITEMS, WISHES])
@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 400),
        ({"course_id": None}, 400),
        ({"course_id": 5}, 400),
        ({"course_id": ["x"]}, 400),
        ([], 400),
        ({"course_id": "not-a-uuid"}, 422),
    ],
)
def test_adding_refuses_bodies(client, url, body, status):
    answer = client.post(url, body)
    assert answer.status_code == status
    if isinstance(body, dict):
        assert "course_id" in answer.json()["error"]["details"]


def test_removing_a_line(client, user):
    line = add(user)
    foreign = CartItemFactory.create()
    url = f"{ITEMS}{line.item_id}/"
    assert client.delete(f"{ITEMS}{foreign.id}/").status_code == 404
    answer = client.delete(url)
    assert (answer.status_code, answer.content) == (204, b"")
    gone = client.delete(url)
    assert (gone.status_code, gone.json()["error"]["code"]) == (404, "CART_ITEM_NOT_FOUND")
    assert client.delete(f"{ITEMS}not-a-uuid/").status_code == 404
    assert CartItem.objects.get() == foreign


def test_clearing_is_idempotent(client, user):
    assert client.delete(CART).status_code == 204
    add(user)
    assert client.delete(CART).status_code == 204
    assert client.delete(CART).status_code == 204
    assert not CartItem.objects.exists()


@pytest.mark.parametrize(
    ("course_ids", "status"),
    [
        ("x", 400),
        ({"a": 1}, 400),
        ([5], 400),
        ([None], 400),
        (["not-a-uuid"], 422),
        ([str(new_id()) for _ in range(101)], 422),
        ([], 200),
    ],
)
def test_merging_checks_its_list(client, course_ids, status):
    assert client.post(MERGE, {"course_ids": course_ids}).status_code == status


def test_the_wishlist_is_a_page_newest_first(client, user):
    courses = CourseFactory.create_batch(3)
    for course in courses:
        services.add_to_wishlist(user_id=user.id, course_id=course.id)
    services.add_to_wishlist(user_id=UserFactory.create().id, course_id=courses[0].id)
    body = client.get(WISHLIST, {"page_size": 2}).json()
    assert (body["count"], body["total_pages"], body["current_page"]) == (3, 2, 1)
    assert body["next"].endswith("page=2&page_size=2")
    assert body["previous"] is None
    ids = [line["course"]["id"] for line in body["results"]]
    assert ids == [str(courses[2].id), str(courses[1].id)]
    assert set(body["results"][0]) == set(LineSerializer().fields)
    assert client.get(WISHLIST, {"page": 9}).status_code == 404
    assert client.get(WISHLIST, {"page": "x"}).status_code == 422


@pytest.mark.parametrize("count", [1, 20])
def test_the_wishlist_takes_six_queries(client, user, count, django_assert_num_queries):
    for course in CourseFactory.create_batch(count):
        services.add_to_wishlist(user_id=user.id, course_id=course.id)
    with django_assert_num_queries(6):  # person, count, lines, courses, under way, owned
        assert len(client.get(WISHLIST).json()["results"]) == count


def test_removing_and_moving_a_wish(client, user):
    course = CourseFactory.create()
    wish = client.post(WISHES, {"course_id": str(course.id)}).json()
    moved = client.post(f"{WISHES}{wish['id']}/move-to-cart/")
    assert moved.status_code == 201
    assert moved.json()["id"] == str(CartItem.objects.get().id)
    assert not WishlistItem.objects.exists()
    gone = client.delete(f"{WISHES}{wish['id']}/")
    assert (gone.status_code, gone.json()["error"]["code"]) == (404, "WISHLIST_ITEM_NOT_FOUND")
    wish = client.post(WISHES, {"course_id": str(course.id)}).json()
    assert client.post(f"{WISHES}{wish['id']}/move-to-cart/").status_code == 200
    wish = client.post(WISHES, {"course_id": str(course.id)}).json()
    stranger = sign_in(UserFactory.create())
    assert stranger.post(f"{WISHES}{wish['id']}/move-to-cart/").status_code == 404
    assert stranger.delete(f"{WISHES}{wish['id']}/").status_code == 404
    assert client.delete(f"{WISHES}{wish['id']}/").status_code == 204


@pytest.mark.parametrize(
    ("method", "url"),
    [
        ("get", CART), ("delete", CART), ("post", ITEMS), ("post", MERGE), ("get", WISHLIST),
        ("post", WISHES), ("delete", f"{ITEMS}{NOBODYS}/"), ("delete", f"{WISHES}{NOBODYS}/"),
        ("post", f"{WISHES}{NOBODYS}/move-to-cart/"),
    ],
)  # fmt: skip
def test_nobody_anonymous(api, method, url):
    assert getattr(api, method)(url).status_code == 401
    assert not Cart.objects.exists()


def test_route_names():
    assert reverse("cart") == CART
    assert reverse("wishlist") == WISHLIST
