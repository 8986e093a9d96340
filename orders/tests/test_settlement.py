"""Paid means enrolled."""

import datetime as dt
from decimal import Decimal

import pytest
from django.db import transaction
from django.db.models import F

from cart import services as cart_services
from cart.models import Cart, CartItem, WishlistItem
from core.ids import new_id
from core.models import OutboxEvent
from courses.models import CourseStats
from enrollments.models import Enrollment
from orders import services
from orders.errors import OrderNotFound
from orders.models import Invoice, NumberSeries, Order
from orders.numbers import next_invoice_numbers, next_order_number, skip_order_numbers
from orders.services import PaidOrder
from tests.factories import CartItemFactory, EnrollmentFactory, UserFactory
from tests.factories.coupons import CouponFactory

pytestmark = pytest.mark.django_db


def facts(order):
    """Everything a refused payment must leave as it was."""
    return (
        Order.objects.filter(id=order.id).values().get(),
        list(order.items.values()),
        list(Enrollment.objects.values()),
        Invoice.objects.count(),
        CartItem.objects.count(),
        OutboxEvent.objects.count(),
    )


def test_a_payment_completes_its_order(user, place, pay, events):
    order = place(user, "89.99", "79.99")
    course_ids = list(order.items.values_list("course_id", flat=True))
    WishlistItem.objects.create(user=user, course_id=course_ids[0])
    later = CartItemFactory.create(cart__user=user)

    outcome = pay(order, payment_id="pi_1", transaction_id="ch_1")

    assert outcome == services.PaidOutcome(kind="completed", same_payment=True)
    order.refresh_from_db()
    assert (order.status, order.payment_method) == ("completed", "stripe")
    assert (order.payment_id, order.transaction_id) == ("pi_1", "ch_1")
    assert order.completed_at is not None
    enrolled = Enrollment.objects.filter(user=user, status="active", source="purchase")
    assert set(enrolled.values_list("course_id", flat=True)) == set(course_ids)
    for item in order.items.select_related("enrollment"):
        assert item.state == "fulfilled"
        assert item.enrollment.course_id == item.course_id
    assert set(CourseStats.objects.filter(course_id__in=course_ids)
               .values_list("student_count", flat=True)) == {1}  # fmt: skip
    # What was put into the cart after ordering stays.
    assert CartItem.objects.get() == later
    assert not WishlistItem.objects.exists()
    assert events("orders.order_completed") == [
        {"order_id": str(order.id), "user_id": str(user.id)}
    ]


def test_the_invoice_says_what_was_bought(user, fill, pay):
    first, second = fill(user, "89.99", "79.99")
    address = {"first_name": "John", "email": "john@example.com"}
    created = services.create_from_cart(user_id=user.id, billing_address=address, coupon_code=None)
    order = Order.objects.get(id=created.order_id)
    pay(order)
    order.refresh_from_db()
    invoice = Invoice.objects.get()
    assert invoice.order == order
    assert invoice.number == f"INV-{invoice.issued_at.year}-00001"
    assert (invoice.total_amount, invoice.currency) == (Decimal("169.98"), "usd")
    assert invoice.issued_at == order.completed_at
    assert invoice.billing_address == address
    assert invoice.lines == [
        {"course_id": str(course.id), "title": course.title, "price": price, "discount": "0.00",
         "amount": price, "tax": "0.00"}
        for course, price in ((first, "89.99"), (second, "79.99"))
    ]  # fmt: skip


def test_an_invoice_without_an_address_names_the_buyer(user, place, pay):
    pay(place(user, "10.00"))
    assert Invoice.objects.get().billing_address == {
        "first_name": user.first_name, "last_name": user.last_name, "email": user.email,
    }  # fmt: skip


def test_the_second_report_finds_it_done(user, place, pay):
    order = place(user, "10.00")
    pay(order, payment_id="pi_1")
    before = facts(order)
    assert pay(order, payment_id="pi_1") == services.PaidOutcome(
        kind="already_completed", same_payment=True
    )
    assert pay(order, payment_id="pi_2") == services.PaidOutcome(
        kind="already_completed", same_payment=False
    )
    assert facts(order) == before


@pytest.mark.parametrize("reason", ["expired", "replaced", "canceled"])
def test_a_closed_order_is_never_completed(user, place, pay, reason):
    order = place(user, "10.00")
    Order.objects.update(expires_at=order.created_at)
    assert services.close_order(order_id=order.id, reason=reason)
    before = facts(order)
    assert pay(order) == services.PaidOutcome(kind="order_closed")
    assert facts(order) == before


def test_an_order_without_its_buyer_is_not_completed(user, place, pay):
    order = place(user, "10.00")
    user.delete()
    before = facts(order)
    assert pay(order).kind == "order_closed"
    assert facts(order) == before


@pytest.mark.parametrize(
    "wrong", [{"amount": Decimal("9.99")}, {"amount": Decimal("10.01")}, {"currency": "eur"}]
)
def test_a_wrong_amount_or_currency_opens_nothing(user, place, pay, wrong):
    order = place(user, "10.00")
    before = facts(order)
    assert pay(order, **wrong) == services.PaidOutcome(kind="amount_mismatch", is_pending=True)
    assert facts(order) == before
    assert pay(order, currency="USD").kind == "completed"


@pytest.mark.parametrize("status", ["active", "suspended"])
def test_a_course_owned_by_now_is_reported_and_not_enrolled_twice(user, place, pay, status):
    order = place(user, "10.00", "20.00")
    first, second = order.items.all()
    owned = EnrollmentFactory.create(user=user, course=first.course, status=status, source="free")
    outcome = pay(order)
    assert outcome.kind == "completed"
    assert outcome.already_owned_item_ids == [first.id]
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.state, first.enrollment) == ("canceled", None)
    assert second.state == "fulfilled"
    owned.refresh_from_db()
    assert (owned.status, owned.source) == (status, "free")
    assert Enrollment.objects.filter(user=user).count() == 2


def test_a_revoked_course_is_bought_again(user, place, pay):
    order = place(user, "10.00")
    item = order.items.get()
    lost = EnrollmentFactory.create(user=user, course=item.course, status="revoked")
    assert pay(order).already_owned_item_ids == []
    item.refresh_from_db()
    assert item.enrollment == lost
    lost.refresh_from_db()
    assert lost.status == "active"


def test_a_free_course_that_staff_took_since_stays_away(user, place, pay):
    order = place(user, "10.00", "0.00")
    paid, free = order.items.all()
    taken = EnrollmentFactory.create(user=user, course=free.course, source="free", status="revoked")
    assert pay(order).kind == "completed"
    for row in (paid, free, taken):
        row.refresh_from_db()
    assert (paid.state, free.state, free.enrollment) == ("fulfilled", "canceled", None)
    assert (taken.status, taken.source) == ("revoked", "free")
    assert taken.holds.get().ended_at is None


def test_an_unknown_order(pay):
    with pytest.raises(OrderNotFound), transaction.atomic():
        services.mark_all_paid(payments=[
            PaidOrder(order_id=new_id(), payment_id="pi", transaction_id="ch",
                      amount=Decimal(1), currency="usd")
        ])  # fmt: skip


@pytest.mark.parametrize(
    "case",  # what was paid with, what is on the cart, whether more is in it, what is left
    [
        ("TEN", "TEN", True, ""),
        ("TEN", "OTHER", True, "OTHER"),
        (None, "OTHER", True, "OTHER"),
        (None, "OTHER", False, ""),
        ("TEN", "", False, ""),
    ],
)
def test_the_carts_coupon_goes_with_the_purchase(user, fill, place, pay, case):
    paid_with, on_the_cart, more_in_it, left = case
    CouponFactory.create(code="TEN")
    order = place(user, "10.00", coupon_code=paid_with)
    cart_services.set_coupon(user_id=user.id, code=on_the_cart)
    stranger = place(UserFactory.create(), "10.00").user
    cart_services.set_coupon(user_id=stranger.id, code="TEN")
    if more_in_it:
        fill(user, "5.00")
    pay(order)
    assert Cart.objects.get(user=user).coupon_code == left
    assert Cart.objects.get(user=stranger).coupon_code == "TEN"


@pytest.mark.django_db(transaction=True)
def test_it_needs_the_callers_transaction(place):
    order = place(UserFactory.create(), "10.00")
    with pytest.raises(transaction.TransactionManagementError):
        services.mark_all_paid(payments=[
            PaidOrder(order_id=order.id, payment_id="pi", transaction_id="ch",
                      amount=order.total_amount, currency="usd")
        ])  # fmt: skip
    order.refresh_from_db()
    assert order.status == "pending"


class TestNumbers:
    AT = dt.datetime(2026, 6, 1, tzinfo=dt.UTC)

    def test_orders_rise_beyond_the_years_end(self):
        years = (2026, 2026, 2027)
        given = [next_order_number(at=self.AT.replace(year=year)) for year in years]
        first = int(given[0][9:])
        assert given == [
            f"ORD-{year}-{first + place:05d}" for place, year in enumerate(years)
        ]  # fmt: skip

    def test_invoices_start_anew_each_year(self):
        years = (2026, 2026, 2027)
        given = next_invoice_numbers(times=[self.AT.replace(year=year) for year in years])
        assert given == ["INV-2026-00001", "INV-2026-00002", "INV-2027-00001"]

    def test_numbers_that_are_skipped_are_never_given(self):
        before = int(next_order_number(at=self.AT)[9:])
        skip_order_numbers(up_to=before + 10)
        assert next_order_number(at=self.AT) == f"ORD-2026-{before + 11:05d}"
        skip_order_numbers(up_to=before)
        assert next_order_number(at=self.AT) == f"ORD-2026-{before + 12:05d}"

    def test_the_version_before_is_given_the_sequences_numbers(self):
        series = NumberSeries.objects.create(name="ORD-2026", last=3)
        before = int(next_order_number(at=self.AT)[9:])
        NumberSeries.objects.filter(name="ORD-2026").update(last=F("last") + 1)
        series.refresh_from_db()
        assert series.last == before + 1
        assert next_order_number(at=self.AT) == f"ORD-2026-{before + 2:05d}"

    def test_the_year_is_utcs(self):
        tokyo = dt.timezone(dt.timedelta(hours=9))
        at = dt.datetime(2027, 1, 1, 8, 59, tzinfo=tokyo)
        assert next_order_number(at=at).startswith("ORD-2026-")
        assert next_invoice_numbers(times=[at]) == ["INV-2026-00001"]

    def test_a_rollback_leaves_no_gap(self, user, place, pay):
        first, second = place(user, "10.00"), place(UserFactory.create(), "10.00")

        with transaction.atomic():
            pay(first)
            assert Invoice.objects.get().number.endswith("-00001")
            transaction.set_rollback(True)
        assert not Invoice.objects.exists()
        pay(second)
        assert Invoice.objects.get().number.endswith("-00001")
