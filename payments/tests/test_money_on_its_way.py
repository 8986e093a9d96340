"""Money on its way is left alone: what would close its order asks Stripe first, or lets it be."""

import datetime as dt
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from importlib import import_module
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from rest_framework.test import APIClient

from cart.models import CartItem
from core import outbox
from core.models import OutboxEvent
from courses.models import Course
from devtools.stripe_standin.client import StandIn
from enrollments.errors import PaymentInProgress
from orders import services as order_services
from orders.models import Order
from payments import services, stripe_gateway
from payments.errors import OrderNotPayable
from payments.models import Payment, Refund
from payments.services import intents
from payments.services.settlement import forget_payment
from payments.tests.conftest import Pay, confirm, start_payment
from payments.tests.money import assert_books_hold, close_anyway
from tests.factories import CartItemFactory, StaffFactory, sign_in
from tests.parallel import at_once
from users.models import User

pytestmark = pytest.mark.django_db(transaction=True)

CREATE = "/api/v1/orders/create-from-cart/"
DEBIT = "pm_usBankAccount_processing"


def fill(user: User, *prices: str) -> list[Course]:
    lines = [
        CartItemFactory.create(
            cart__user=user, course__price=Decimal(price), course__original_price=None
        )
        for price in prices
    ]
    return [line.course for line in lines]


@pytest.fixture
def client(buyer: User) -> APIClient:
    return sign_in(buyer)


@pytest.fixture
def order(client: APIClient, buyer: User) -> Order:
    """A pending order of what lies in the buyer's cart: two courses, 30.00 in all."""
    fill(buyer, "10.00", "20.00")
    return Order.objects.get(id=client.post(CREATE).json()["id"])


def facts(intent: services.PaymentIntent) -> stripe_gateway.IntentFacts:
    return stripe_gateway.retrieve_intent(intent_id=intent.payment_intent_id)


def hear(intent: services.PaymentIntent) -> None:
    """What its event does."""
    services.settle(intent=facts(intent))


def look(order: Order) -> tuple[str, str, bool]:
    """How the order stands: its status, why it failed, and whether money is on its way."""
    order.refresh_from_db()
    return order.status, order.failure_reason, order.payment_in_progress_since is not None


@pytest.fixture
def debit(order: Order, standin: StandIn, pay: Pay) -> services.PaymentIntent:
    """A bank debit of the order that is under way, of which we haven't heard yet."""
    intent = start_payment(order)
    assert pay(intent, DEBIT)["status"] == "processing"
    return intent


STANDS = ("pending", "", True)


def let_it_be_overdue(order: Order) -> None:
    Order.objects.filter(id=order.id).update(expires_at=timezone.now())


def add_a_course(order: Order) -> None:
    assert order.user is not None
    fill(order.user, "5.00")


def raise_the_price(order: Order) -> None:
    Course.objects.update(price=Decimal("99.00"), original_price=None)


def take_a_line_out(order: Order) -> None:
    CartItem.objects.filter(course_id=order.items.all()[0].course_id).delete()


Change = Callable[[Order], None]


@pytest.mark.parametrize("is_heard", [True, False], ids=["heard of", "not heard of yet"])
@pytest.mark.parametrize(
    ("change", "status"),
    [(let_it_be_overdue, 200), (raise_the_price, 200), (add_a_course, 409), (take_a_line_out, 409)],
)
def test_ordering_again_leaves_it_alone(
    *,
    order: Order,
    debit: services.PaymentIntent,
    client: APIClient,
    change: Change,
    status: int,
    is_heard: bool,
) -> None:
    if is_heard:
        hear(debit)
    change(order)
    answer = client.post(CREATE)
    assert answer.status_code == status
    body = answer.json()
    if status == 200:
        assert body["id"] == str(order.id)
        assert body["payment"]["status"] == "processing"
    else:
        assert body["error"]["code"] == "PAYMENT_IN_PROGRESS"
        in_cart = set(CartItem.objects.values_list("course_id", flat=True))
        shared = {str(i.course_id) for i in order.items.all() if i.course_id in in_cart}
        assert {one["course_id"] for one in body["error"]["details"]["courses"]} == shared
    assert look(order) == STANDS
    assert Order.objects.count() == 1
    assert facts(debit).status == "processing"


ADDRESS = {
    "first_name": "Ada", "last_name": "Byron", "email": "ada@example.test",
    "address_line1": "Main St 1", "city": "Berlin", "postal_code": "10115", "country": "DE",
}  # fmt: skip


@pytest.mark.parametrize("method", [DEBIT, "pm_card_visa"])
def test_what_is_paid_keeps_its_address(
    order: Order, client: APIClient, pay: Pay, method: str
) -> None:
    client.post(CREATE, {"billing_address": ADDRESS}, format="json")
    pay(start_payment(order), method)
    other = {**ADDRESS, "first_name": "Eve"}
    answer = client.post(CREATE, {"billing_address": other}, format="json")
    assert answer.status_code == 200
    body = answer.json()
    assert (body["id"], body["billing_address"]) == (str(order.id), ADDRESS)
    assert body["status"] == ("pending" if method == DEBIT else "completed")


def test_an_address_is_changed_where_nobody_pays_for_the_one_before(
    order: Order, client: APIClient, standin: StandIn
) -> None:
    intent = start_payment(order)
    answer = client.post(CREATE, {"billing_address": ADDRESS}, format="json")
    assert (answer.status_code, answer.json()["billing_address"]) == (200, ADDRESS)
    assert answer.json()["id"] == str(order.id)
    assert facts(intent).status == "canceled"
    again = start_payment(order)
    assert again.created
    assert client.post(CREATE, {"billing_address": ADDRESS}, format="json").status_code == 200
    assert facts(again).status == "requires_payment_method", "the same address ends nothing"


# What a browser does with an intent of which we hear nothing, and how its order stands once
# somebody asks: nobody paid, a debit set out, a card paid.
UNHEARD = pytest.mark.parametrize(
    ("method", "stands"),
    [
        (None, ("failed", "replaced", False)),
        (DEBIT, ("pending", "", True)),
        ("pm_card_visa", ("completed", "", False)),
    ],
    ids=["open", "debit", "card"],
)


def pay_unheard(order: Order, pay: Pay, method: str | None) -> services.PaymentIntent:
    intent = start_payment(order)
    if method is not None:
        pay(intent, method)
    return intent


@UNHEARD
def test_a_free_course_instead(
    *, order: Order, client: APIClient, buyer: User, pay: Pay, method: str | None, stands: Any
) -> None:
    intent = pay_unheard(order, pay, method)
    CartItem.objects.all().delete()
    fill(buyer, "0.00")
    answer = client.post(CREATE, headers={"Idempotency-Key": "once"})
    assert (answer.status_code, answer.json()["status"]) == (201, "completed")
    assert look(order) == stands
    assert (facts(intent).status == "canceled") == (method is None)
    assert_books_hold()


@UNHEARD
def test_another_country_with_another_tax(
    *, client: APIClient, buyer: User, pay: Pay, settings: Any, method: str | None, stands: Any
) -> None:
    settings.TAX_RULE = "orders.taxes.rate_by_country"
    settings.TAX_RATES = {"DE": Decimal(19), "FR": Decimal("5.5")}
    fill(buyer, "10.00")
    taxed = client.post(CREATE, {"billing_address": ADDRESS}, format="json").json()
    order = Order.objects.get(id=taxed["id"])
    intent = pay_unheard(order, pay, method)
    elsewhere = {"billing_address": {**ADDRESS, "country": "FR"}}
    answer = client.post(CREATE, elsewhere, format="json")
    body = answer.json()
    if method is None:
        assert (answer.status_code, body["tax_amount"]) == (201, 0.55)
        assert facts(intent).status == "canceled"
    else:
        assert (answer.status_code, body["id"], body["tax_amount"]) == (200, taxed["id"], 1.9)
        assert body["billing_address"] == ADDRESS
    assert look(order) == stands
    assert_books_hold()


@UNHEARD
def test_an_emptied_cart_ends_nothing_and_another_in_its_place_does(
    *, order: Order, client: APIClient, buyer: User, pay: Pay, method: str | None, stands: Any
) -> None:
    intent = pay_unheard(order, pay, method)
    told = facts(intent).status
    assert client.delete("/api/v1/cart/").status_code == 204
    assert client.post(CREATE).json()["error"]["code"] == "CART_EMPTY"
    assert look(order) == ("pending", "", False)
    assert facts(intent).status == told
    fill(buyer, "5.00")
    assert client.post(CREATE).status_code == 201
    assert look(order) == stands
    assert (facts(intent).status == "canceled") == (method is None)
    assert_books_hold()


def test_the_list_tells_pending_from_under_way(
    order: Order, client: APIClient, debit: services.PaymentIntent
) -> None:
    (row,) = client.get("/api/v1/orders/").json()["results"]
    assert (row["status"], row["payment"]) == ("pending", None)
    hear(debit)
    (row,) = client.get("/api/v1/orders/").json()["results"]
    assert (row["status"], row["payment"]["status"]) == ("pending", "processing")
    assert row["payment"] == client.get(f"/api/v1/orders/{order.id}/").json()["payment"]


def test_other_courses_are_ordered_beside_it(
    order: Order, debit: services.PaymentIntent, client: APIClient, buyer: User, standin: StandIn
) -> None:
    hear(debit)
    CartItem.objects.all().delete()
    (course,) = fill(buyer, "5.00")
    answer = client.post(CREATE)
    assert answer.status_code == 201
    assert [item["course"]["id"] for item in answer.json()["items"]] == [str(course.id)]
    assert look(order) == STANDS
    standin.settle_payment(debit.payment_intent_id, "succeeded")
    hear(debit)
    assert look(order) == ("completed", "", False)
    assert_books_hold()


def test_the_intents_answer_says_how_far_it_is(
    order: Order, client: APIClient, standin: StandIn, pay: Pay
) -> None:
    url, body = "/api/v1/payments/create-payment-intent/", {"order_id": str(order.id)}
    assert client.post(url, body).json()["status"] == "requires_payment_method"
    pay(start_payment(order), DEBIT)
    answer = client.post(url, body)
    assert (answer.status_code, answer.json()["status"]) == (200, "processing")
    # What Stripe said there counts, whatever became of its event.
    assert look(order) == STANDS


@pytest.mark.parametrize("change", [add_a_course, raise_the_price, let_it_be_overdue])
def test_the_payment_ends_before_its_order_does(
    order: Order, client: APIClient, standin: StandIn, pay: Pay, change: Change
) -> None:
    intent = start_payment(order)
    change(order)
    answer = client.post(CREATE)
    assert answer.status_code == 201
    assert answer.json()["id"] != str(order.id)
    assert look(order)[0] == "failed"
    assert facts(intent).status == "canceled"
    assert Payment.objects.get().status == "failed"
    assert pay(intent)["error"]["code"] == "payment_intent_unexpected_state"


@pytest.mark.parametrize(
    ("price", "body", "code"),
    [
        ("5.00", {"coupon_code": "UNKNOWN"}, "COUPON_INVALID"),
        ("999999.99", {}, "AMOUNT_TOO_LARGE"),
    ],
)
def test_a_refusal_leaves_the_payment_as_it_was(
    *, order: Order, client: APIClient, buyer: User, standin: StandIn, price: str,
    body: dict[str, str], code: str,
) -> None:  # fmt: skip
    intent = start_payment(order)
    fill(buyer, price)
    assert client.post(CREATE, body).json()["error"]["code"] == code
    assert facts(intent).status == "requires_payment_method"
    assert look(order) == ("pending", "", False)


def test_what_a_card_paid_already_is_settled_and_the_rest_is_ordered(
    order: Order, client: APIClient, buyer: User, standin: StandIn, pay: Pay
) -> None:
    pay(start_payment(order))
    (course,) = fill(buyer, "5.00")
    answer = client.post(CREATE)
    assert answer.status_code == 201
    assert [item["course"]["id"] for item in answer.json()["items"]] == [str(course.id)]
    assert look(order) == ("completed", "", False)
    assert_books_hold()


@pytest.mark.parametrize("change", [raise_the_price, let_it_be_overdue])
def test_when_all_of_it_is_paid_already_that_order_is_the_answer(
    order: Order, client: APIClient, standin: StandIn, pay: Pay, change: Change
) -> None:
    pay(start_payment(order))
    change(order)
    headers = {"Idempotency-Key": "once"}
    answer = client.post(CREATE, headers=headers)
    assert answer.status_code == 200
    assert (answer.json()["id"], answer.json()["status"]) == (str(order.id), "completed")
    assert client.post(CREATE, headers=headers).json() == answer.json()
    assert client.post(CREATE).json()["error"]["code"] == "CART_EMPTY"
    assert Order.objects.count() == 1


def test_while_stripe_is_away_nothing_is_changed(
    order: Order, client: APIClient, standin: StandIn
) -> None:
    start_payment(order)
    add_a_course(order)
    standin.fault("refuse", "payment_intents.cancel", status=503)
    answer = client.post(CREATE)
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "PAYMENTS_UNAVAILABLE")
    assert look(order) == ("pending", "", False)
    assert Order.objects.count() == 1
    assert client.post(CREATE).status_code == 201


def test_an_order_that_nobody_can_pay_needs_no_stripe(
    order: Order, client: APIClient, standin: StandIn
) -> None:
    add_a_course(order)
    standin.fault("refuse", times=9, status=503)
    assert client.post(CREATE).status_code == 201
    assert look(order) == ("failed", "replaced", False)
    assert standin.counts() == {}


def test_a_payment_that_stripe_will_not_have_cancelled_keeps_its_order(
    order: Order, client: APIClient, standin: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(**_: Any) -> None:
        raise stripe_gateway.StripeRefused(code="odd", message="Not now")

    start_payment(order)
    add_a_course(order)
    monkeypatch.setattr(stripe_gateway, "cancel_intent", refuse)
    assert client.post(CREATE).status_code == 503
    assert look(order) == ("pending", "", False)


def test_an_intent_that_stripe_does_not_know_keeps_nothing_open(
    order: Order, client: APIClient, standin: StandIn
) -> None:
    start_payment(order)
    Payment.objects.update(stripe_payment_id="pi_forgotten", stripe_status="processing")
    add_a_course(order)
    assert client.post(CREATE).status_code == 201
    assert look(order) == ("failed", "replaced", False)


def test_a_buyer_who_begins_to_pay_anew_each_time_is_left_alone(
    order: Order, client: APIClient, standin: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    cancel = stripe_gateway.cancel_intent

    def cancel_and_begin_anew(**given: Any) -> stripe_gateway.IntentFacts:
        answer = cancel(**given)
        services.settle(intent=answer)
        start_payment(order)
        return answer

    start_payment(order)
    add_a_course(order)
    monkeypatch.setattr(stripe_gateway, "cancel_intent", cancel_and_begin_anew)
    answer = client.post(CREATE)
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "PAYMENT_IN_PROGRESS")
    assert look(order) == ("pending", "", False)


def test_staff_cannot_close_it(order: Order, debit: services.PaymentIntent) -> None:
    staff = Client()
    staff.force_login(StaffFactory.create())
    chosen = {"action": "close_pending", "_selected_action": [str(order.id)]}
    page = staff.post("/admin/orders/order/", chosen, follow=True).content.decode()
    assert f"{order.order_number} stays open: A payment for these courses" in page
    assert "0 orders closed" in page
    assert look(order) == STANDS


def test_staff_close_nothing_that_a_card_paid_unheard(
    order: Order, standin: StandIn, pay: Pay
) -> None:
    pay_unheard(order, pay, "pm_card_visa")
    staff = Client()
    staff.force_login(StaffFactory.create())
    chosen = {"action": "close_pending", "_selected_action": [str(order.id)]}
    page = staff.post("/admin/orders/order/", chosen, follow=True).content.decode()
    assert "0 orders closed" in page
    assert look(order) == ("completed", "", False)
    assert_books_hold()


def test_staff_are_told_that_stripe_does_not_answer(order: Order, standin: StandIn) -> None:
    intent = start_payment(order)
    staff = Client()
    staff.force_login(StaffFactory.create())
    chosen = {"action": "close_pending", "_selected_action": [str(order.id)]}
    standin.fault("refuse", "payment_intents.cancel", status=503)
    page = staff.post("/admin/orders/order/", chosen, follow=True).content.decode()
    assert "stays open: Payments are not available" in page
    assert look(order) == ("pending", "", False)
    page = staff.post("/admin/orders/order/", chosen, follow=True).content.decode()
    assert "1 orders closed" in page
    assert facts(intent).status == "canceled"


def test_it_outlives_its_time(order: Order, debit: services.PaymentIntent) -> None:
    let_it_be_overdue(order)
    assert services.expire_orders() == 0
    assert look(order) == STANDS


def test_a_debit_that_failed_leaves_the_order_payable(
    order: Order, debit: services.PaymentIntent, client: APIClient, standin: StandIn, pay: Pay
) -> None:
    hear(debit)
    Order.objects.update(expires_at=timezone.now() - dt.timedelta(days=4))
    standin.settle_payment(debit.payment_intent_id, "failed")
    hear(debit)
    assert look(order) == ("pending", "", False)
    assert services.expire_orders() == 0, "its buyer has a day again"
    answer = client.post(CREATE).json()
    assert (answer["id"], answer["payment"]) == (str(order.id), None)
    again = start_payment(order)
    assert again.payment_intent_id == debit.payment_intent_id
    pay(again)
    assert confirm(order, again).status == "succeeded"


def order_something_else(client: APIClient, buyer: User) -> Order:
    CartItem.objects.all().delete()
    fill(buyer, "5.00")
    return Order.objects.get(id=client.post(CREATE).json()["id"])


def test_a_failed_debit_of_an_order_that_was_replaced_ends_it(
    order: Order, debit: services.PaymentIntent, client: APIClient, buyer: User, standin: StandIn
) -> None:
    hear(debit)
    other = order_something_else(client, buyer)
    standin.settle_payment(debit.payment_intent_id, "failed")
    hear(debit)
    assert look(order) == STANDS, "until its intent can't take money any more"
    assert services.reconcile_due_payments() == 1
    assert facts(debit).status == "canceled"
    assert look(order) == ("failed", "replaced", False)
    assert look(other) == ("pending", "", False)


def test_a_failed_debit_that_is_tried_again_before_its_order_ends(
    *, order: Order, debit: services.PaymentIntent, client: APIClient, buyer: User,
    standin: StandIn, pay: Pay,
) -> None:  # fmt: skip
    hear(debit)
    other = order_something_else(client, buyer)
    standin.settle_payment(debit.payment_intent_id, "failed")
    hear(debit)
    pay(debit, "pm_card_visa")
    assert services.reconcile_due_payments() == 1
    assert look(order) == ("completed", "", False)
    assert look(other) == ("pending", "", False)
    assert_books_hold()


def test_news_from_before_changes_nothing(order: Order, standin: StandIn, pay: Pay) -> None:
    intent = start_payment(order)
    before = facts(intent)
    pay(intent, DEBIT)
    meanwhile = facts(intent)
    services.settle(intent=meanwhile)
    services.settle(intent=before)
    assert look(order) == STANDS
    standin.settle_payment(intent.payment_intent_id, "failed")
    hear(intent)
    services.settle(intent=meanwhile)
    assert look(order) == ("pending", "", False)
    # Another debit of the same intent is under way again.
    pay(intent, DEBIT)
    hear(intent)
    assert look(order) == STANDS


def test_money_faster_than_our_own_commit(order: Order, debit: services.PaymentIntent) -> None:
    Payment.objects.all().delete()
    hear(debit)
    assert look(order) == STANDS
    assert Payment.objects.get().status == "pending"


def test_a_second_intent_under_way_keeps_the_order_as_well(
    order: Order, debit: services.PaymentIntent, client: APIClient
) -> None:
    """As a restored backup may have made one."""
    second = replace(facts(debit), id="pi_second", charge_id="ch_2")
    services.settle(intent=second)
    services.settle(intent=replace(facts(debit), status="canceled"))
    assert look(order) == STANDS
    services.settle(intent=replace(second, status="canceled"))
    assert look(order) == ("pending", "", False)


def test_the_wrong_money_is_no_longer_on_its_way(
    order: Order, debit: services.PaymentIntent
) -> None:
    hear(debit)
    services.settle(intent=replace(facts(debit), status="succeeded", amount_received=2999))
    assert look(order) == ("pending", "", False)


def test_the_wrong_money_leaves_alone_what_is_on_its_way_beside_it(
    order: Order, debit: services.PaymentIntent, standin: StandIn
) -> None:
    hear(debit)
    other = replace(facts(debit), id="pi_second", charge_id="ch_2", status="succeeded")
    services.settle(intent=replace(other, amount_received=2999))
    assert look(order) == STANDS
    standin.settle_payment(debit.payment_intent_id, "succeeded")
    hear(debit)
    assert look(order) == ("completed", "", False)
    assert_books_hold()


def test_an_erased_buyers_order_is_closed_once_its_money_came(
    order: Order, debit: services.PaymentIntent, buyer: User, standin: StandIn
) -> None:
    hear(debit)
    buyer.delete()
    standin.settle_payment(debit.payment_intent_id, "succeeded")
    hear(debit)
    assert look(order) == ("pending", "", False)
    assert Refund.objects.get().reason == "late_payment"
    assert_books_hold()
    let_it_be_overdue(order)
    assert services.expire_orders() == 1
    assert look(order) == ("failed", "expired", False)
    assert_books_hold()


def test_what_waited_for_nothing_under_the_version_before_waits_no_more(
    order: Order, debit: services.PaymentIntent, buyer: User, standin: StandIn
) -> None:
    free = import_module("payments.migrations.0054_free_erased_orders").Migration.operations[0]
    hear(debit)
    buyer.delete()
    with connection.cursor() as cursor:
        cursor.execute(free.sql)
    assert look(order) == STANDS
    Payment.objects.update(stripe_status="succeeded")
    with connection.cursor() as cursor:
        cursor.execute(free.sql)
    assert look(order) == ("pending", "", False)


def test_nobody_gets_the_secret_of_an_order_that_was_closed_meanwhile(
    order: Order, standin: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    create = intents._create_at_stripe

    def create_and_close(*given: Any) -> stripe_gateway.IntentFacts:
        intent = create(*given)
        assert order_services.close_order(order_id=order.id, reason="canceled")
        return intent

    monkeypatch.setattr(intents, "_create_at_stripe", create_and_close)
    with pytest.raises(OrderNotPayable):
        start_payment(order)
    payment = Payment.objects.get()
    Payment.objects.update(next_check_at=timezone.now())
    assert services.reconcile_due_payments() == 1
    intent = stripe_gateway.retrieve_intent(intent_id=payment.stripe_payment_id)
    assert intent.status == "canceled"


def test_closing_waits_for_an_intent_that_is_being_stored(order: Order, standin: StandIn) -> None:
    """Either the order is closed and nobody has a secret, or the payment is ended first."""
    outcomes = at_once(
        lambda: start_payment(order).payment_intent_id,
        lambda: order_services.close_order(order_id=order.id, reason="canceled"),
    )
    assert outcomes[1] is True
    assert look(order)[0] == "failed"
    Payment.objects.update(next_check_at=timezone.now())
    services.reconcile_due_payments()
    for payment in Payment.objects.all():
        intent = stripe_gateway.retrieve_intent(intent_id=payment.stripe_payment_id)
        assert intent.status == "canceled"


@pytest.mark.parametrize("method", ["pm_card_visa", DEBIT])
def test_of_paying_and_closing_one_happens(
    order: Order, standin: StandIn, pay: Pay, method: str
) -> None:
    intent = start_payment(order)
    paid, closed = at_once(
        lambda: pay(intent, method),
        lambda: order_services.close_order(order_id=order.id, reason="canceled"),
    )
    hear(intent)
    if paid.get("status") == "succeeded":
        assert closed is False
        assert look(order) == ("completed", "", False)
    elif paid.get("status") == "processing":
        assert isinstance(closed, PaymentInProgress)
        assert look(order) == STANDS
    else:
        assert closed is True
        assert look(order) == ("failed", "canceled", False)
        assert facts(intent).status == "canceled"


def test_two_checkouts_at_once_of_a_changed_cart(
    order: Order, buyer: User, standin: StandIn
) -> None:
    intent = start_payment(order)
    add_a_course(order)
    clients = [sign_in(buyer) for _ in range(4)]
    answers = at_once(*[lambda one=client: one.post(CREATE) for client in clients])
    assert sorted(answer.status_code for answer in answers) == [200, 200, 200, 201]
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert look(order) == ("failed", "replaced", False)
    assert facts(intent).status == "canceled"


def test_money_for_an_order_closed_long_ago_goes_back_in_its_buyers_sight(
    order: Order, debit: services.PaymentIntent, client: APIClient, standin: StandIn
) -> None:
    def payment() -> Any:
        return client.get(f"/api/v1/orders/{order.id}/").json()["payment"]

    close_anyway(order)
    hear(debit)
    assert look(order) == ("failed", "canceled", False)
    assert payment() is None
    standin.settle_payment(debit.payment_intent_id, "succeeded")
    hear(debit)
    assert payment() == {
        "method": "stripe",
        "status": "refunding",
        "transaction_id": facts(debit).charge_id,
        "refund": {"amount": 30.0, "status": "due"},
    }
    assert services.send_due_refunds() == 1
    assert payment()["status"] == "refunded"
    assert payment()["refund"] == {"amount": 30.0, "status": "pending"}
    refund = Refund.objects.get()
    standin.settle_refund(refund.stripe_refund_id or "", "failed")
    services.sync_refund(
        facts=stripe_gateway.retrieve_refund(stripe_refund_id=refund.stripe_refund_id or "")
    )
    assert payment()["status"] == "succeeded", "staff have to find another way"
    assert payment()["refund"]["status"] == "failed"
    assert look(order) == ("failed", "canceled", False)
    assert_books_hold()


def test_money_of_another_amount_is_shown_while_its_order_waits_to_be_paid(
    order: Order, debit: services.PaymentIntent, client: APIClient, standin: StandIn, pay: Pay
) -> None:
    hear(debit)
    services.settle(intent=replace(facts(debit), status="succeeded", amount_received=2999))
    in_vain = {
        "method": "stripe",
        "status": "refunding",
        "transaction_id": facts(debit).charge_id,
        "refund": {"amount": 29.99, "status": "due"},
    }
    assert client.get(f"/api/v1/orders/{order.id}/").json()["payment"] == in_vain
    (row,) = client.get("/api/v1/orders/").json()["results"]
    assert (row["status"], row["payment"]) == ("pending", in_vain)
    again = start_payment(order)
    pay(again, DEBIT)
    hear(again)
    (row,) = client.get("/api/v1/orders/").json()["results"]
    assert (row["payment"]["status"], row["payment"]["refund"]) == ("processing", None)


def test_nobody_enrols_for_nothing_in_what_they_are_paying_for(
    order: Order, debit: services.PaymentIntent, client: APIClient, standin: StandIn
) -> None:
    hear(debit)
    Course.objects.update(price=0, original_price=None)
    course = order.items.all()[0].course
    answers = [
        client.post(f"/api/v1/courses/{course.id}/enroll/"),
        client.post("/api/v1/cart/items/", {"course_id": str(course.id)}),
    ]
    for answer in answers:
        error = answer.json()["error"]
        assert (answer.status_code, error["code"]) == (409, "PAYMENT_IN_PROGRESS")
        assert error["details"]["courses"] == [
            {"course_id": str(course.id), "title": course.title, "order_id": str(order.id)}
        ]
    standin.settle_payment(debit.payment_intent_id, "failed")
    hear(debit)
    assert client.post(f"/api/v1/courses/{course.id}/enroll/").status_code == 201


def told() -> int:
    """How often buyers were told that their debit came to nothing."""
    return OutboxEvent.objects.filter(name="payments.debit_failed").count()


def test_a_debit_that_stripe_does_not_know_is_told_once(
    order: Order, debit: services.PaymentIntent
) -> None:
    hear(debit)
    payment = Payment.objects.get()
    for _ in range(2):
        forget_payment(payment_id=payment.id)
    assert told() == 1
    assert look(order) == ("pending", "", False)
    # Stripe knows it after all, as when another account's key was set for a while.
    hear(debit)
    assert look(order) == STANDS


def test_an_open_payment_that_stripe_does_not_know_is_no_failed_debit(
    order: Order, standin: StandIn
) -> None:
    start_payment(order)
    forget_payment(payment_id=Payment.objects.get().id)
    assert told() == 0


def test_each_failed_debit_is_told_once(
    order: Order, debit: services.PaymentIntent, standin: StandIn, pay: Pay
) -> None:
    meanwhile = facts(debit)
    hear(debit)
    standin.settle_payment(debit.payment_intent_id, "failed")
    for _ in range(2):
        hear(debit)
        services.settle(intent=meanwhile)
    assert told() == 1
    pay(debit, DEBIT)
    hear(debit)
    standin.settle_payment(debit.payment_intent_id, "failed")
    assert told() == 1
    hear(debit)
    assert told() == 2


def test_a_declined_card_is_no_failed_debit(order: Order, standin: StandIn, pay: Pay) -> None:
    intent = start_payment(order)
    pay(intent, "pm_card_chargeDeclined")
    hear(intent)
    assert not OutboxEvent.objects.filter(name="payments.debit_failed").exists()


# --- A second intent of an order, as a restored backup or a key that Stripe forgot makes one ------


@pytest.fixture
def second(order: Order, standin: StandIn) -> services.PaymentIntent:
    """A second intent, of which no event told that it is paid, and whose secret its buyer has."""
    first = start_payment(order)
    intent = stripe_gateway.create_intent(
        amount=first.amount, currency=first.currency, order_id=str(order.id),
        order_number=order.order_number, idempotency_key="forgotten",
    )  # fmt: skip
    services.settle(intent=intent)
    assert dict(Payment.objects.values_list("stripe_payment_id", "status")) == {
        first.payment_intent_id: "pending",
        intent.id: "failed",
    }
    return replace(first, payment_intent_id=intent.id, client_secret=intent.client_secret)


@pytest.fixture
def first(order: Order, second: services.PaymentIntent) -> services.PaymentIntent:
    return start_payment(order)


def reconcile() -> int:
    Payment.objects.update(next_check_at=timezone.now())
    return services.reconcile_due_payments()


def test_a_second_intent_ends_before_its_order_does(
    order: Order, second: services.PaymentIntent, client: APIClient, standin: StandIn, pay: Pay
) -> None:
    Payment.objects.filter(status="pending").update(status="failed", stripe_status="canceled")
    add_a_course(order)
    standin.fault("refuse", "payment_intents.cancel", status=503)
    assert client.post(CREATE).status_code == 503
    assert look(order) == ("pending", "", False)
    assert client.post(CREATE).status_code == 201
    assert look(order) == ("failed", "replaced", False)
    assert facts(second).status == "canceled"
    assert pay(second)["error"]["code"] == "payment_intent_unexpected_state"


def test_a_second_intent_that_nobody_reports_on_is_looked_up(
    order: Order, second: services.PaymentIntent, pay: Pay
) -> None:
    pay(second)
    assert reconcile() == 2
    assert look(order) == ("completed", "", False)
    order.refresh_from_db()
    assert order.payment_id == second.payment_intent_id


def test_a_second_intent_of_an_order_that_is_paid_is_cancelled(
    order: Order, first: services.PaymentIntent, second: services.PaymentIntent, pay: Pay
) -> None:
    pay(first)
    hear(first)
    assert reconcile() == 1
    assert facts(second).status == "canceled"
    assert reconcile() == 0, "what is dead is asked for no more"


def test_a_second_intent_of_an_order_that_was_closed_is_due_at_once(
    order: Order, second: services.PaymentIntent
) -> None:
    Payment.objects.update(next_check_at=timezone.now() + dt.timedelta(hours=1))
    close_anyway(order)
    outbox.deliver_due()
    services.reconcile_due_payments()
    assert facts(second).status == "canceled"


def test_a_second_intent_that_stripe_does_not_know_is_given_up(
    second: services.PaymentIntent,
) -> None:
    Payment.objects.filter(status="failed").update(stripe_payment_id="pi_forgotten")
    assert reconcile() == 2
    given_up = Payment.objects.get(stripe_payment_id="pi_forgotten")
    assert (given_up.status, given_up.stripe_status) == ("failed", "")
    assert "know" in given_up.needs_attention
    assert reconcile() == 1


def test_an_order_that_was_replaced_waits_for_its_second_intent(
    *, order: Order, first: services.PaymentIntent, second: services.PaymentIntent,
    client: APIClient, buyer: User, pay: Pay,
) -> None:  # fmt: skip
    pay(first, DEBIT)
    hear(first)
    order_something_else(client, buyer)
    Payment.objects.update(next_check_at=timezone.now() + dt.timedelta(hours=1))
    services.settle(intent=replace(facts(first), status="canceled"))
    assert look(order) == STANDS, "as long as somebody may pay it"
    assert services.reconcile_due_payments() == 1
    assert facts(second).status == "canceled"
    assert look(order) == ("failed", "replaced", False)


def test_the_wrong_money_leaves_an_order_to_what_is_on_its_way(
    order: Order, first: services.PaymentIntent, second: services.PaymentIntent, pay: Pay
) -> None:
    pay(second, DEBIT)
    hear(second)
    services.settle(intent=replace(facts(first), status="succeeded", amount_received=2999))
    assert look(order) == STANDS


def test_an_intent_is_stored_though_the_webhook_was_faster_with_another(
    order: Order, standin: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever sees its row ends it; its secret is out."""
    create = intents._create_at_stripe

    def create_and_hear_of_another(*given: Any) -> stripe_gateway.IntentFacts:
        intent = create(*given)
        services.settle(intent=replace(intent, id="pi_other"))
        return intent

    monkeypatch.setattr(intents, "_create_at_stripe", create_and_hear_of_another)
    started = start_payment(order)
    states = dict(Payment.objects.values_list("stripe_payment_id", "status"))
    assert states == {"pi_other": "pending", started.payment_intent_id: "failed"}
    assert order_services.close_order(order_id=order.id, reason="canceled")
    assert facts(started).status == "canceled"


def test_what_is_due_is_found_among_what_may_be_paid() -> None:
    """However many payments came to nothing before."""
    with connection.cursor() as cursor, CaptureQueriesContext(connection) as queries:
        cursor.execute("SET enable_seqscan = off")
        services.reconcile_due_payments()
        claim = next(one["sql"] for one in queries if "SKIP LOCKED" in one["sql"])
        cursor.execute(f"EXPLAIN {claim}")
        plan = "\n".join(row for (row,) in cursor.fetchall())
        cursor.execute("RESET enable_seqscan")
    assert "payment_may_be_paid" in plan
