"""Instructors' coupons: over HTTP, and what they may not do."""

from decimal import Decimal

import pytest
from django.utils import timezone

from orders import services
from orders.coupon_serializers import CouponSerializer
from orders.models import Coupon, Order
from tests.factories import (
    CategoryFactory,
    CourseFactory,
    InstructorFactory,
    OrderFactory,
    StaffFactory,
    UserFactory,
    sign_in,
)
from tests.factories.coupons import CouponFactory, redeem
from tests.parallel import run_in_parallel

pytestmark = pytest.mark.django_db

COUPONS = "/api/v1/instructor/coupons/"
NOBODYS = "0198c5f0-7c1a-7bd2-9a51-4d8f0b6a2c99"  # an id that no row has


@pytest.fixture
def teacher():
    return InstructorFactory.create()


@pytest.fixture
def client(teacher):
    return sign_in(teacher)


@pytest.fixture
def coupon(teacher):
    return CouponFactory.create(code="MINE", instructor=teacher)


def at(coupon):
    return f"{COUPONS}{coupon.id}/"


def error(answer):
    return answer.status_code, answer.json()["error"]["code"]


class TestCreating:
    def test_with_all_there_is_to_say(self, client, teacher):
        course = CourseFactory.create(instructor=teacher, status="draft")
        terms = {
            "code": " spring-10 ",
            "amount_off": 10.5,
            "course_id": str(course.id),
            "minimum_amount": 20,
            "valid_from": "2026-01-01T00:00:00Z",
            "valid_until": "2099-01-01T00:00:00Z",
            "max_redemptions": 5,
            "max_redemptions_per_person": 1,
            "is_active": False,
        }
        answer = client.post(COUPONS, terms)
        assert answer.status_code == 201
        body = answer.json()
        assert set(body) == set(CouponSerializer().fields)
        del terms["course_id"]
        expected = {**terms, "code": "SPRING-10", "percent_off": None, "category": None}
        assert {key: body[key] for key in expected} == expected
        assert body["course"] == {"id": str(course.id), "title": course.title}
        assert body["redemptions"] == 0
        made = Coupon.objects.get()
        assert (made.instructor, made.amount_off) == (teacher, Decimal("10.50"))
        assert client.get(at(made)).json() == body

    @pytest.mark.parametrize("by", ["id", "slug"])
    def test_for_a_category(self, client, by):
        category = CategoryFactory.create()
        reference = str(getattr(category, by))
        body = client.post(COUPONS, {"code": "CAT", "percent_off": 5, "category": reference}).json()
        assert body["category"] == {
            "id": str(category.id), "name": category.name, "slug": category.slug,
        }  # fmt: skip
        assert body["is_active"] is True

    @pytest.mark.parametrize(
        ("body", "status", "field"),
        [
            ({"percent_off": 10}, 400, "code"),
            ({"code": 5, "percent_off": 10}, 400, "code"),
            ({"code": "TEN", "percent_off": "x"}, 400, "percent_off"),
            ({"code": "TEN", "percent_off": 10, "is_active": "yes"}, 400, "is_active"),
            ({"code": "TEN", "percent_off": 10, "course_id": 7}, 400, "course_id"),
            ({"code": "TEN", "percent_off": 10, "category": 7}, 400, "category"),
            ({"code": "AB", "percent_off": 10}, 422, "code"),
            ({"code": "A" * 51, "percent_off": 10}, 422, "code"),
            ({"code": "ÄÖÜ", "percent_off": 10}, 422, "code"),
            ({"code": "A B C", "percent_off": 10}, 422, "code"),
            ({"code": "TEN"}, 422, "percent_off"),
            ({"code": "TEN", "percent_off": 10, "amount_off": 1}, 422, "percent_off"),
            ({"code": "TEN", "percent_off": 0}, 422, "percent_off"),
            ({"code": "TEN", "percent_off": 101}, 422, "percent_off"),
            ({"code": "TEN", "amount_off": 0}, 422, "amount_off"),
            ({"code": "TEN", "amount_off": 1.005}, 422, "amount_off"),
            ({"code": "TEN", "percent_off": 10, "minimum_amount": -1}, 422, "minimum_amount"),
            ({"code": "TEN", "percent_off": 10, "max_redemptions": 0}, 422, "max_redemptions"),
            ({"code": "TEN", "percent_off": 10, "category": "no"}, 422, "category"),
            ({"code": "TEN", "percent_off": 10, "course_id": NOBODYS}, 422, "course_id"),
            ({"code": "TEN", "percent_off": 10, "course_id": "x"}, 422, "course_id"),
            ({"code": "TEN", "percent_off": 10, "valid_until": "soon"}, 422, "valid_until"),
        ],
    )
    def test_bodies_that_are_refused(self, client, body, status, field):
        answer = client.post(COUPONS, body)
        assert answer.status_code == status
        assert set(answer.json()["error"]["details"]) == {field}
        assert not Coupon.objects.exists()

    @pytest.mark.parametrize(
        ("given", "since", "until"),
        [
            ("2027-01-01", "2027-01-01T00:00:00Z", "2027-01-01T23:59:59Z"),
            ("2027-01-01T00:00:00Z", "2027-01-01T00:00:00Z", "2027-01-01T00:00:00Z"),
            ("2027-01-01T10:30:00+02:00", "2027-01-01T08:30:00Z", "2027-01-01T08:30:00Z"),
        ],
    )
    def test_a_day_is_its_first_or_last_second(self, client, given, since, until):
        for name, expected in (("valid_from", since), ("valid_until", until)):
            terms = {"code": name.upper(), "percent_off": 10, name: given}
            body = client.post(COUPONS, terms).json()
            assert body[name] == expected
            address = f"{COUPONS}{body['id']}/"
            assert client.patch(address, {name: body[name]}).json()[name] == expected

    def test_a_coupon_may_be_of_one_day(self, client):
        day = {"valid_from": "2027-01-01", "valid_until": "2027-01-01"}
        assert client.post(COUPONS, {"code": "DAY", "percent_off": 1, **day}).status_code == 201

    @pytest.mark.parametrize("field", ["valid_from", "valid_until"])
    @pytest.mark.parametrize(
        "given",
        ["2027-01-01T00:00:00", "2027-01-01 00:00", "20270101", "2027-W01-1", "2027-001",
         "2027-02-30", "20270101T000000Z", "2027-01-01T00Z", "2027-1-1", "1/1/2027", "",
         "0001-01-01T00:00:00+14:00"],
    )  # fmt: skip
    def test_no_other_way_to_write_a_time(self, client, field, given):
        answer = client.post(COUPONS, {"code": "TEN", "percent_off": 10, field: given})
        assert error(answer) == (422, "VALIDATION_ERROR")
        assert set(answer.json()["error"]["details"]) == {field}
        assert not Coupon.objects.exists()

    def test_dates_in_the_wrong_order(self, client):
        dates = {"valid_from": "2026-02-01T00:00:00Z", "valid_until": "2026-02-01T00:00:00Z"}
        answer = client.post(COUPONS, {"code": "TEN", "percent_off": 10, **dates})
        assert error(answer) == (422, "VALIDATION_ERROR")
        assert set(answer.json()["error"]["details"]) == {"valid_until"}

    def test_only_ones_own_course_and_one_scope(self, client, teacher):
        category = CategoryFactory.create()
        others, own = CourseFactory.create(), CourseFactory.create(instructor=teacher)
        terms = {"code": "TEN", "percent_off": 10}
        answer = client.post(COUPONS, {**terms, "course_id": str(others.id)})
        assert set(answer.json()["error"]["details"]) == {"course_id"}
        both = {"course_id": str(own.id), "category": category.slug}
        answer = client.post(COUPONS, {**terms, **both})
        assert set(answer.json()["error"]["details"]) == {"category"}
        assert not Coupon.objects.exists()

    def test_a_code_is_one_coupons(self, client):
        CouponFactory.create(code="TEN")
        answer = client.post(COUPONS, {"code": "ten", "percent_off": 10})
        assert error(answer) == (409, "CODE_TAKEN")
        assert Coupon.objects.count() == 1

    @pytest.mark.django_db(transaction=True)
    def test_a_code_is_one_coupons_in_parallel(self, teacher):
        clients = [sign_in(teacher) for _ in range(6)]
        body = {"code": "TEN", "percent_off": 10}
        answers = run_in_parallel(6, lambda n: clients[n].post(COUPONS, body).status_code)
        assert sorted(answers) == [201] + [409] * 5


class TestChanging:
    def test_what_is_sent(self, client, coupon):
        answer = client.patch(at(coupon), {"percent_off": None, "amount_off": 3, "code": "mine"})
        assert answer.status_code == 200
        body = answer.json()
        assert (body["percent_off"], body["amount_off"], body["code"]) == (None, 3.0, "MINE")
        assert client.get(at(coupon)).json() == body

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({"amount_off": 3}, "percent_off"),
            ({"percent_off": None}, "percent_off"),
            ({"code": "OTHER"}, "code"),
            ({"course_id": NOBODYS}, "course_id"),
        ],
    )
    def test_what_is_refused_changes_nothing(self, client, coupon, body, field):
        answer = client.patch(at(coupon), body)
        assert answer.status_code == 422
        assert set(answer.json()["error"]["details"]) == {field}
        before = coupon.updated_at
        coupon.refresh_from_db()
        assert coupon.updated_at == before

    def test_orders_keep_what_they_got(self, client, coupon, teacher, user, fill):
        (course,) = fill(user, "10.00")
        type(course).objects.filter(id=course.id).update(instructor=teacher)
        created = services.create_from_cart(user_id=user.id, billing_address={}, coupon_code="MINE")
        client.patch(at(coupon), {"percent_off": 50})
        assert Order.objects.get(id=created.order_id).total_amount == Decimal("9.00")

    def test_one_for_a_course_since_given_away_can_still_be_ended(self, client, teacher):
        course = CourseFactory.create(instructor=teacher)
        coupon = CouponFactory.create(instructor=teacher, course=course)
        type(course).objects.update(instructor=InstructorFactory.create())
        assert client.patch(at(coupon), {"is_active": False}).status_code == 200


class TestRemoving:
    def test_one_never_used_is_gone(self, client, coupon):
        assert client.delete(at(coupon)).status_code == 204
        assert not Coupon.objects.exists()
        assert error(client.delete(at(coupon))) == (404, "COUPON_NOT_FOUND")

    @pytest.mark.parametrize("status", Order.Status.values)
    def test_one_that_orders_name_is_deactivated(self, client, coupon, status):
        order = OrderFactory.create(coupon=coupon, status=status, completed_at=timezone.now())
        if status != "failed":
            redeem(coupon, order)
        answer = client.delete(at(coupon))
        assert answer.status_code == 200
        assert answer.json()["is_active"] is False
        assert answer.json()["redemptions"] == (status != "failed")
        order.refresh_from_db()
        assert order.coupon == coupon


class TestScope:
    def test_only_courses_of_the_instructor(self, teacher, user, fill):
        own, others = fill(user, "10.00", "10.00")
        type(own).objects.filter(id=own.id).update(instructor=teacher)
        CouponFactory.create(code="MINE", instructor=teacher)
        services.create_from_cart(user_id=user.id, billing_address={}, coupon_code="MINE")
        shares = dict(Order.objects.get().items.values_list("course_id", "discount_amount"))
        assert shares == {own.id: Decimal("1.00"), others.id: Decimal("0.00")}

    def test_only_courses_of_the_category(self, user, fill):
        own, others = fill(user, "10.00", "10.00")
        CouponFactory.create(code="CAT", category=own.category)
        services.create_from_cart(user_id=user.id, billing_address={}, coupon_code="CAT")
        shares = dict(Order.objects.get().items.values_list("course_id", "discount_amount"))
        assert shares == {own.id: Decimal("1.00"), others.id: Decimal("0.00")}


class TestListing:
    def test_newest_first_and_ones_own(self, client, teacher):
        first, second = CouponFactory.create_batch(2, instructor=teacher)
        CouponFactory.create()
        CouponFactory.create(instructor=InstructorFactory.create())
        redeem(first, OrderFactory.create())
        redeem(first, OrderFactory.create())
        body = client.get(COUPONS).json()
        assert [row["code"] for row in body["results"]] == [second.code, first.code]
        assert [row["redemptions"] for row in body["results"]] == [0, 2]
        assert set(body["results"][0]) == set(CouponSerializer().fields)

    @pytest.mark.parametrize("count", [1, 20])
    def test_it_takes_three_queries(self, client, teacher, count, django_assert_num_queries):
        for _ in range(count):
            course = CourseFactory.create(instructor=teacher)
            coupon = CouponFactory.create(instructor=teacher, course=course)
            redeem(coupon, OrderFactory.create())
        with django_assert_num_queries(3):  # person, count, page
            assert len(client.get(COUPONS).json()["results"]) == count


@pytest.mark.parametrize("method", ["get", "patch", "delete"])
def test_anothers_coupon_is_not_found(client, method):
    for foreign in (CouponFactory.create(), CouponFactory.create(instructor=UserFactory.create())):
        assert error(getattr(client, method)(at(foreign))) == (404, "COUPON_NOT_FOUND")
    assert getattr(client, method)(f"{COUPONS}not-a-uuid/").status_code == 404
    assert Coupon.objects.filter(is_active=True).count() == 2


@pytest.mark.parametrize("person", [UserFactory, StaffFactory])
def test_only_instructors(person):
    client = sign_in(person.create())
    coupon = CouponFactory.create()
    for method, url in (
        ("get", COUPONS), ("post", COUPONS), ("get", at(coupon)), ("patch", at(coupon)),
        ("delete", at(coupon)),
    ):  # fmt: skip
        assert error(getattr(client, method)(url)) == (403, "INSTRUCTOR_REQUIRED")


@pytest.mark.parametrize("method", ["get", "post"])
def test_nobody_anonymous(api, method):
    assert getattr(api, method)(COUPONS).status_code == 401
