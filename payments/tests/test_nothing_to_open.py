"""Nobody is asked for money that is known to go back: for an order whose courses they have."""

from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from courses.models import Course
from devtools.stripe_standin.client import StandIn
from enrollments.models import Enrollment
from enrollments.services import Reason, enroll_free, grant_access, revoke_enrollments
from orders import services as order_services
from orders.models import Order
from orders.selectors import list_shut_lines
from payments import selectors, services, stripe_gateway
from payments.models import Payment, Refund
from payments.tests.conftest import Pay, confirm, start_payment
from payments.tests.money import assert_books_hold, make_order
from tests.factories import EnrollmentFactory, StaffFactory, sign_in
from users.models import User

pytestmark = pytest.mark.django_db(transaction=True)

URL = "/api/v1/payments/create-payment-intent/"
DEBIT = "pm_usBankAccount_processing"


@pytest.fixture
def order(buyer: User) -> Order:
    return make_order("10.00", "20.00", user=buyer)


@pytest.fixture
def client(buyer: User) -> APIClient:
    return sign_in(buyer)


def courses_of(order: Order) -> list[Course]:
    return [item.course for item in order.items.order_by("price_at_purchase", "id")]


def give(order: Order, *courses: Course) -> None:
    """Staff give the buyer these courses, or all of the order's."""
    assert order.user_id is not None
    staff = StaffFactory.create()
    for course in courses or courses_of(order):
        grant_access(user_id=order.user_id, course_id=course.id, actor_id=staff.id)


def take_away(order: Order, course: Course) -> None:
    """Staff take away what the buyer had."""
    row = EnrollmentFactory.create(user=order.user, course=course, source="free")
    staff = StaffFactory.create()
    revoke_enrollments(
        enrollment_ids=[row.id], reason=Reason.of_staff("a mistake"), actor_id=staff.id
    )


def ask(client: APIClient, order: Order, key: str | None = None) -> Any:
    headers = {"Idempotency-Key": key} if key else {}
    return client.post(URL, {"order_id": str(order.id)}, headers=headers)


def refusal(answer: Any) -> tuple[int, str, dict[str, Any]]:
    error = answer.json()["error"]
    return answer.status_code, error["code"], error["details"]


def all_owned(order: Order) -> tuple[int, str, dict[str, Any]]:
    lines = [
        {"course_id": str(item.course_id), "title": item.title_at_purchase, "reason": reason}
        for item in order.items.order_by("created_at", "id")
        for reason in ["ALREADY_ENROLLED"]
    ]
    return 409, "ORDER_NOT_PAYABLE", {"order_status": "pending", "lines": lines}


def test_no_payment_is_begun_for_what_the_buyer_has(
    order: Order, client: APIClient, standin: StandIn
) -> None:
    give(order)
    assert refusal(ask(client, order)) == all_owned(order)
    assert refusal(ask(client, order, key="once")) == all_owned(order)
    assert standin.counts() == {}
    assert not Payment.objects.exists()


def test_nor_is_one_gone_on_with(order: Order, client: APIClient, standin: StandIn) -> None:
    assert ask(client, order, key="once").status_code == 201
    give(order)
    assert refusal(ask(client, order)) == all_owned(order)
    assert refusal(ask(client, order, key="once")) == all_owned(order)


def test_after_a_debit_that_failed_nobody_is_asked_again(
    order: Order, client: APIClient, standin: StandIn, pay: Pay
) -> None:
    intent = start_payment(order)
    pay(intent, DEBIT)
    assert confirm(order, intent).status == "processing"
    for course in courses_of(order):
        # An author may ask nothing any more; staff give the other one.
        Course.objects.filter(id=course.id).update(price=Decimal("0.00"))
    free, other = courses_of(order)
    give(order, other)
    standin.settle_payment(intent.payment_intent_id, "failed")
    facts = stripe_gateway.retrieve_intent(intent_id=intent.payment_intent_id)
    services.settle(intent=facts)
    assert order.user_id is not None
    payment = Payment.objects.get()
    assert selectors.get_payment_details(payment_id=payment.id).payable_until is not None
    enroll_free(user_id=order.user_id, course_id=free.id)
    assert selectors.get_payment_details(payment_id=payment.id).payable_until is None
    assert refusal(ask(client, order)) == all_owned(order)


def test_money_on_its_way_is_told_whatever_the_buyer_has(
    order: Order, client: APIClient, standin: StandIn, pay: Pay
) -> None:
    pay(start_payment(order), DEBIT)
    give(order)
    answer = ask(client, order)
    assert (answer.status_code, answer.json()["status"]) == (200, "processing")


def test_what_is_left_to_open_is_paid_with_the_rest(
    order: Order, client: APIClient, standin: StandIn, pay: Pay
) -> None:
    """The money of the part that is owned goes back, as the order's total is what was agreed to."""
    cheap, _ = courses_of(order)
    give(order, cheap)
    assert ask(client, order).status_code == 201
    intent = start_payment(order)
    pay(intent)
    assert confirm(order, intent).status == "succeeded"
    assert [refund.amount for refund in Refund.objects.all()] == [Decimal("10.00")]
    assert Enrollment.objects.filter(user=order.user, status="active").count() == 2
    assert_books_hold()


def test_who_pays_all_the_same_gets_it_back(
    order: Order, client: APIClient, standin: StandIn, pay: Pay
) -> None:
    """By the secret that they had before."""
    intent = start_payment(order)
    give(order)
    assert ask(client, order).status_code == 409
    pay(intent)
    assert confirm(order, intent).status == "succeeded"
    assert sum(refund.amount for refund in Refund.objects.all()) == Decimal("30.00")
    assert_books_hold()


@pytest.mark.parametrize(
    ("is_taken_away", "reasons"),
    [(True, ["ACCESS_WITHDRAWN", "ALREADY_ENROLLED"]), (False, [])],
)
def test_a_free_course_beside_what_the_buyer_has(
    *, buyer: User, client: APIClient, standin: StandIn, is_taken_away: bool, reasons: list[str]
) -> None:
    order = make_order("0.00", "20.00", user=buyer)
    free, paid = courses_of(order)
    give(order, paid)
    if is_taken_away:
        take_away(order, free)
    shut = list_shut_lines(order_id=order.id, user_id=buyer.id)
    assert sorted(line["reason"] for line in shut) == reasons
    assert ask(client, order).status_code == (409 if is_taken_away else 201)


def test_what_was_taken_away_is_bought_again(
    order: Order, client: APIClient, standin: StandIn
) -> None:
    cheap, dear = courses_of(order)
    take_away(order, cheap)
    give(order, dear)
    assert ask(client, order).status_code == 201


def test_asking_for_it_uses_up_none_of_the_next_payments(
    order: Order, client: APIClient, standin: StandIn, settings: Any
) -> None:
    settings.THROTTLE_RATES = {"payment": "1/hour"}
    give(order)
    assert [ask(client, order).status_code for _ in range(3)] == [409] * 3
    order_services.close_order(order_id=order.id, reason="canceled")
    assert ask(client, make_order("5.00", user=order.user)).status_code == 201


def test_it_takes_as_many_queries_for_many_lines(buyer: User) -> None:
    counts = []
    for prices in (("0.00", "1.00"), ("0.00", "0.00", "0.00", "1.00", "2.00", "3.00")):
        order = make_order(*prices, user=buyer)
        give(order, *[course for course in courses_of(order) if course.price])
        with CaptureQueriesContext(connection) as queries:
            assert list_shut_lines(order_id=order.id, user_id=buyer.id) == []
        counts.append(len(queries))
        order_services.close_order(order_id=order.id, reason="canceled")
    assert counts == [3, 3]
