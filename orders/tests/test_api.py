"""Orders over HTTP: shapes of plan 4.5, statuses of the contract, query counts."""

from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from core.ids import new_id
from courses.models import Course
from orders import services
from orders.models import Invoice, Order
from orders.numbers import next_invoice_numbers
from orders.serializers import OrderDetailSerializer, OrderSerializer
from tests.factories import (
    CartItemFactory,
    EnrollmentFactory,
    OrderFactory,
    OrderItemFactory,
    UserFactory,
    sign_in,
)
from tests.factories.coupons import CouponFactory
from tests.parallel import run_in_parallel

pytestmark = pytest.mark.django_db

ORDERS = "/api/v1/orders/"
NOBODYS = "0198c5f0-7c1a-7bd2-9a51-4d8f0b6a2c99"  # an id that no row has
CREATE = "/api/v1/orders/create-from-cart/"
ADDRESS = {
    "first_name": "John",
    "last_name": "Doe",
    "email": "john@example.com",
    "address_line1": "123 Main St",
    "address_line2": "Apt 4B",
    "city": "San Francisco",
    "state": "CA",
    "postal_code": "94105",
    "country": "US",
    "phone": "+1234567890",
}


@pytest.fixture
def client(user):
    return sign_in(user)


@pytest.fixture
def filled(client, user, fill):
    fill(user, "10.00")
    return client


def error(answer):
    return answer.status_code, answer.json()["error"]["code"]


def assert_keys(row, serializer):
    assert set(row) == set(serializer.fields)
    for item in row["items"]:
        assert set(item) == set(serializer.fields["items"].child.fields)
        assert set(item["course"]) == {"id", "title"}


class TestCreating:
    def test_it_answers_the_order_then_the_same(self, client, user, fill):
        (course,) = fill(user, "89.99")
        answer = client.post(CREATE, {"billing_address": ADDRESS})
        assert answer.status_code == 201
        body = answer.json()
        assert_keys(body, OrderDetailSerializer())
        assert body["status"] == "pending"
        assert body["total_amount"] == body["subtotal"] == 89.99
        assert (body["discount_amount"], body["refunded_amount"]) == (0.0, 0.0)
        assert body["currency"] == "usd"
        assert body["billing_address"] == ADDRESS
        for empty in ("payment", "completed_at", "invoice_number", "coupon_code", "failure_reason"):
            assert body[empty] is None
        assert body["created_at"].endswith("Z")
        (item,) = body["items"]
        assert item["course"] == {"id": str(course.id), "title": course.title}
        assert (item["price_at_purchase"], item["state"]) == (89.99, "pending")
        again = client.post(CREATE)
        assert (again.status_code, again.json()) == (200, body)
        assert client.get(f"{ORDERS}{body['id']}/").json() == body

    def test_refusals(self, client, user, fill):
        assert error(client.post(CREATE)) == (422, "CART_EMPTY")
        (course,) = fill(user, "10.00")
        assert error(client.post(CREATE, {"coupon_code": "NO"})) == (422, "COUPON_INVALID")
        Course.objects.update(status="archived")
        answer = client.post(CREATE)
        assert error(answer) == (409, "CART_LINES_UNAVAILABLE")
        assert answer.json()["error"]["details"]["lines"] == [
            {"course_id": str(course.id), "title": course.title, "reason": "NOT_FOR_SALE"}
        ]
        Course.objects.update(status="published")
        EnrollmentFactory.create(user=user, course=course)
        lines = client.post(CREATE).json()["error"]["details"]["lines"]
        assert lines[0]["reason"] == "ALREADY_ENROLLED"
        assert not Order.objects.exists()

    @pytest.mark.parametrize(
        ("country", "missing", "status"),
        [
            ("AE", ["postal_code", "city"], 201), ("hk", ["postal_code"], 201),
            ("SG", ["city"], 201), ("SG", ["postal_code"], 400), ("US", ["city"], 400),
            ("DE", ["postal_code"], 400), ("Hong Kong", ["postal_code"], 400),
        ],
    )  # fmt: skip
    def test_an_address_has_what_its_country_has(self, filled, country, missing, status):
        client = filled
        full = {**ADDRESS, "country": country}
        bare = {name: value for name, value in full.items() if name not in missing}
        answer = client.post(CREATE, {"billing_address": bare})
        assert answer.status_code == status
        if status == 400:
            told = answer.json()["error"]["details"]["billing_address"]
            assert set(told) == set(missing)
        empty = client.post(CREATE, {"billing_address": {**full, **dict.fromkeys(missing, "")}})
        assert empty.status_code == (422 if status == 400 else 200)
        if status == 201:
            shown = client.get(f"{ORDERS}{empty.json()['id']}/").json()["billing_address"]
            assert {shown[name] for name in missing} == {""}

    def test_all_that_an_address_lacks_is_named(self, client, user, fill):
        fill(user, "10.00")
        answer = client.post(CREATE, {"billing_address": {"country": "US"}})
        told = answer.json()["error"]["details"]["billing_address"]
        assert {"first_name", "city", "postal_code"} <= set(told)

    def test_a_coupon(self, client, user, fill):
        fill(user, "10.00")
        CouponFactory.create(code="TEN")
        body = client.post(CREATE, {"coupon_code": "ten"}).json()
        assert (body["coupon_code"], body["total_amount"]) == ("TEN", 9.0)
        assert (body["discount_amount"], body["items"][0]["discount_amount"]) == (1.0, 1.0)

    def test_a_free_order_is_completed(self, client, user, fill):
        fill(user, "0.00")
        body = client.post(CREATE).json()
        assert (body["status"], body["total_amount"]) == ("completed", 0.0)
        assert body["completed_at"].endswith("Z")
        assert body["payment"] is None
        assert body["invoice_number"].startswith("INV-")
        assert body["items"][0]["state"] == "fulfilled"

    @pytest.mark.parametrize(
        ("body", "status"),
        [
            ([], 400),
            ({"billing_address": "x"}, 400),
            ({"billing_address": []}, 400),
            ({"billing_address": {}}, 400),
            ({"billing_address": {**ADDRESS, "city": 5}}, 400),
            ({"billing_address": {**ADDRESS, "city": None}}, 400),
            ({"coupon_code": 5}, 400),
            ({"billing_address": {**ADDRESS, "email": "x"}}, 422),
            ({"billing_address": {**ADDRESS, "city": " "}}, 422),
            ({"billing_address": {**ADDRESS, "address_line1": "x" * 256}}, 422),
            ({"billing_address": {**ADDRESS, "phone": "1" * 31}}, 422),
            ({"coupon_code": "x" * 51}, 422),
        ],
    )
    def test_bodies_that_are_refused(self, client, user, fill, body, status):
        fill(user, "10.00")
        assert client.post(CREATE, body).status_code == status
        assert not Order.objects.exists()

    @pytest.mark.parametrize(
        "missing",
        [
            "first_name", "last_name", "email", "address_line1", "city", "postal_code", "country",
        ],
    )  # fmt: skip
    def test_an_address_needs_its_required_fields(self, client, user, fill, missing):
        fill(user, "10.00")
        address = {key: value for key, value in ADDRESS.items() if key != missing}
        answer = client.post(CREATE, {"billing_address": address})
        assert answer.status_code == 400
        assert missing in answer.json()["error"]["details"]["billing_address"]

    @pytest.mark.parametrize("body", [{}, {"billing_address": None, "coupon_code": None}])
    def test_everything_is_optional(self, client, user, fill, body):
        fill(user, "10.00")
        answer = client.post(CREATE, body)
        assert answer.status_code == 201
        assert answer.json()["billing_address"] is None

    def test_an_address_needs_no_second_line(self, client, user, fill):
        fill(user, "10.00")
        optional = {"address_line2", "state", "phone"}
        address = {key: value for key, value in ADDRESS.items() if key not in optional}
        answer = client.post(CREATE, {"billing_address": address})
        assert answer.status_code == 201
        assert answer.json()["billing_address"] == address


class TestIdempotencyKey:
    KEY: Any = {"HTTP_IDEMPOTENCY_KEY": "one-purchase"}

    def test_the_same_request_gets_the_stored_answer(self, client, user, fill):
        fill(user, "10.00")
        first = client.post(CREATE, {"billing_address": ADDRESS}, **self.KEY)
        CartItemFactory.create(cart__user=user)
        again = client.post(CREATE, {"billing_address": ADDRESS}, **self.KEY)
        assert (first.status_code, again.status_code) == (201, 201)
        assert again.json() == first.json()
        assert again["Idempotency-Replayed"] == "true"
        assert Order.objects.count() == 1

    def test_another_body_is_refused(self, client, user, fill):
        fill(user, "10.00")
        client.post(CREATE, {"billing_address": ADDRESS}, **self.KEY)
        other = client.post(CREATE, {"billing_address": None}, **self.KEY)
        assert error(other) == (409, "IDEMPOTENCY_KEY_REUSED")

    @pytest.mark.django_db(transaction=True)
    def test_of_a_free_order_only_the_answer_is_stored_after_its_number(self, client, user, fill):
        """Everybody's settlements wait for the number until the commit."""
        next_invoice_numbers(times=[timezone.now()])  # The year's series is there.
        fill(user, "0.00")
        with CaptureQueriesContext(connection) as queries:
            answer = client.post(CREATE, headers={"Idempotency-Key": "once"})
        statements = [query["sql"] for query in queries]
        checked = max(n for n, sql in enumerate(statements) if sql.startswith("SET CONSTRAINTS"))
        locked, *after = (
            sql.strip().split(" (")[0].split(" SET")[0] for sql in statements[checked + 1 :]
        )
        assert locked.startswith('SELECT "courses_coursestats"')
        assert [sql for sql in after if "SAVEPOINT" not in sql] == [
            "UPDATE courses_coursestats stats",
            "UPDATE orders_numberseries",
            'INSERT INTO "orders_invoice"',
            'UPDATE "core_idempotencyrecord"',
            "COMMIT",
        ]
        assert not any("courses_coursestats" in sql for sql in statements[:checked])
        body = answer.json()
        assert body["invoice_number"] == Invoice.objects.get().number
        assert body == client.get(f"{ORDERS}{body['id']}/").json()
        assert client.post(CREATE, headers={"Idempotency-Key": "once"}).json() == body

    def test_a_refusal_frees_the_key(self, client, user, fill):
        assert error(client.post(CREATE, **self.KEY)) == (422, "CART_EMPTY")
        fill(user, "10.00")
        assert client.post(CREATE, **self.KEY).status_code == 201

    def test_a_key_is_one_persons(self, client, user, fill):
        other = UserFactory.create()
        fill(user, "10.00")
        fill(other, "20.00")
        client.post(CREATE, **self.KEY)
        theirs = sign_in(other).post(CREATE, **self.KEY)
        assert (theirs.status_code, theirs.json()["total_amount"]) == (201, 20.0)

    @pytest.mark.django_db(transaction=True)
    def test_the_same_key_in_parallel_makes_one_order(self, user, fill):
        fill(user, "10.00")
        clients = [sign_in(user) for _ in range(10)]
        answers = run_in_parallel(10, lambda n: clients[n].post(CREATE, **self.KEY))
        assert Order.objects.count() == 1
        assert {answer.status_code for answer in answers} <= {201, 409}
        created = [answer.json() for answer in answers if answer.status_code == 201]
        assert created
        assert all(body == created[0] for body in created)
        refused = {error(answer)[1] for answer in answers if answer.status_code == 409}
        assert refused <= {"IDEMPOTENCY_IN_PROGRESS"}


class TestListing:
    def test_newest_first_with_the_plans_shape(self, client, user, place, pay):
        first = place(user, "10.00")
        pay(first)
        second = place(user, "20.00", "30.00")
        OrderFactory.create()
        body = client.get(ORDERS).json()
        assert (body["count"], body["next"], body["previous"]) == (2, None, None)
        assert (body["total_pages"], body["current_page"]) == (1, 1)
        assert [row["id"] for row in body["results"]] == [str(second.id), str(first.id)]
        newest, oldest = body["results"]
        assert_keys(newest, OrderSerializer())
        assert (newest["items_count"], len(newest["items"])) == (2, 2)
        assert (newest["total_amount"], newest["completed_at"]) == (50.0, None)
        assert (oldest["status"], oldest["items"][0]["state"]) == ("completed", "fulfilled")

    @pytest.mark.parametrize("status", Order.Status.values)
    def test_by_status(self, client, user, status):
        for one in Order.Status.values:
            OrderFactory.create(user=user, status=one, completed_at=timezone.now())
        body = client.get(ORDERS, {"status": status}).json()
        assert [row["status"] for row in body["results"]] == [status]

    @pytest.mark.parametrize(
        ("query", "status"),
        [
            ({"status": "paid"}, 422),
            ({"page": "0"}, 422),
            ({"page_size": "x"}, 422),
            ({"page": "7"}, 404),
        ],
    )
    def test_queries_that_are_refused(self, client, query, status):
        assert client.get(ORDERS, query).status_code == status

    @pytest.mark.parametrize("count", [1, 20])
    def test_it_takes_five_queries(self, client, user, count, django_assert_num_queries):
        for _ in range(count):
            order = OrderFactory.create(user=user, status="failed")
            OrderItemFactory.create_batch(2, order=order)
        with django_assert_num_queries(5):  # person, count, orders, lines, late money
            assert len(client.get(ORDERS).json()["results"]) == count


class TestDetail:
    def test_a_paid_order(self, client, user, place, pay):
        order = place(user, "89.99")
        pay(order, transaction_id="ch_123")
        body = client.get(f"{ORDERS}{order.id}/").json()
        assert_keys(body, OrderDetailSerializer())
        assert body["payment"] == {
            "method": "stripe", "status": "succeeded", "transaction_id": "ch_123",
            "refund": None,
        }  # fmt: skip
        assert body["completed_at"].endswith("Z")
        year = Invoice.objects.get().issued_at.year
        assert body["invoice_number"] == f"INV-{year}-00001"

    def test_refunds_show(self, client, user, place, pay):
        order = place(user, "10.00", "20.00")
        pay(order)
        first, second = order.items.all()
        services.apply_refund(
            order_id=order.id,
            refund_id=new_id(),
            lines={first.id: Decimal("10.00")},
            rest=Decimal(0),
        )
        body = client.get(f"{ORDERS}{order.id}/").json()
        assert (body["status"], body["refunded_amount"]) == ("completed", 10.0)
        assert [item["state"] for item in body["items"]] == ["refunded", "fulfilled"]
        assert body["items"][0]["refunded_amount"] == 10.0
        assert body["payment"]["status"] == "succeeded"
        services.apply_refund(
            order_id=order.id,
            refund_id=new_id(),
            lines={second.id: Decimal("20.00")},
            rest=Decimal(0),
        )
        body = client.get(f"{ORDERS}{order.id}/").json()
        assert (body["status"], body["payment"]["status"]) == ("refunded", "refunded")

    def test_a_closed_order_says_why(self, client, user, place):
        order = place(user, "10.00")
        services.close_order(order_id=order.id, reason="canceled")
        body = client.get(f"{ORDERS}{order.id}/").json()
        assert (body["status"], body["failure_reason"]) == ("failed", "canceled")
        assert body["payment"] is None

    def test_staff_with_the_right_see_anybodys(self, client, place):
        path = f"{ORDERS}{place(UserFactory.create(), '20.00').id}/"
        member = UserFactory.create(is_staff=True)
        assert error(sign_in(member).get(path)) == (404, "ORDER_NOT_FOUND")
        member.user_permissions.add(Permission.objects.get(codename="view_order"))
        assert sign_in(member).get(path).json()["total_amount"] == 20.0
        assert client.get(path).status_code == 404

    def test_anothers_order_is_not_found(self, client, place):
        foreign = place(UserFactory.create(), "10.00")
        for order_id in (foreign.id, new_id()):
            assert error(client.get(f"{ORDERS}{order_id}/")) == (404, "ORDER_NOT_FOUND")
        assert client.get(f"{ORDERS}not-a-uuid/").status_code == 404

    @pytest.mark.parametrize("count", [1, 20])
    @pytest.mark.parametrize("status", ["completed", "pending", "failed"])
    def test_its_queries_are_fixed(self, client, user, count, status, django_assert_num_queries):
        paid_at = timezone.now() if status == "completed" else None
        queries = 3 if status == "completed" else 4
        order = OrderFactory.create(user=user, status=status, completed_at=paid_at)
        OrderItemFactory.create_batch(count, order=order)
        with django_assert_num_queries(queries):  # person, order, lines, money in vain
            assert client.get(f"{ORDERS}{order.id}/").json()["items_count"] == count


@pytest.mark.parametrize(
    ("method", "url"),
    [("get", ORDERS), ("get", f"{ORDERS}{NOBODYS}/"), ("post", CREATE)],
)
def test_nobody_anonymous(api, method, url):
    assert getattr(api, method)(url).status_code == 401


@pytest.mark.parametrize("count", [1, 20])
def test_creating_takes_a_fixed_number_of_queries(
    client, user, fill, count, django_assert_num_queries
):
    fill(user, *["10.00"] * count)
    with django_assert_num_queries(16):
        assert client.post(CREATE).status_code == 201
