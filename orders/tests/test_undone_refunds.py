"""What it means for an order that a refund failed at the bank after all."""

import datetime as dt
from decimal import Decimal

import pytest
from django.db import connection, transaction
from django.utils import timezone

from core.ids import new_id
from core.models import AuditEntry
from courses.models import CourseStats
from enrollments import services as enrollment_services
from enrollments.models import Enrollment
from enrollments.services import Reason
from orders import services
from orders.errors import RefundNotPossible
from orders.models import Order
from orders.services import refunds
from tests.factories import CartItemFactory, EnrollmentFactory
from tests.parallel import Beside, at_once

pytestmark = pytest.mark.django_db

TERMS = Reason.of_staff("terms")


@pytest.fixture
def paid(user, place, pay):
    """A paid order of 10.00 and 20.00."""
    order = place(user, "10.00", "20.00")
    pay(order)
    return order


def refund(order, lines=None, rest="0"):
    with transaction.atomic():
        services.apply_refund(
            order_id=order.id, refund_id=new_id(), lines=lines or {}, rest=Decimal(rest)
        )


def undo(order, amount, still_back=None):
    with transaction.atomic():
        return services.undo_refund(
            order_id=order.id,
            refund_id=new_id(),
            amount=Decimal(amount),
            still_back=still_back or {},
        )


def states(order):
    order.refresh_from_db()
    items = list(order.items.select_related("enrollment"))
    return (
        order.status,
        order.refunded_amount,
        [(item.state, item.refunded_amount) for item in items],
        [item.enrollment.status if item.enrollment else None for item in items],
    )


def students(order):
    courses = order.items.order_by("created_at", "id").values_list("course_id", flat=True)
    counts = dict(CourseStats.objects.values_list("course_id", "student_count"))
    return [counts[course_id] for course_id in courses]


def test_a_whole_refund_undone_leaves_no_trace(paid, events):
    before = (states(paid), students(paid))
    refund(paid, rest="30.00")
    assert (states(paid)[0], students(paid)) == ("refunded", [0, 0])
    assert undo(paid, "30.00") == []
    assert (states(paid), students(paid)) == before
    (event,) = events("orders.order_refund_undone")
    assert event["amount"] == "30.00"
    assert AuditEntry.objects.filter(action="enrollment.reopened").count() == 2


def test_what_other_refunds_gave_back_stays_back(paid):
    first, second = paid.items.all()
    refund(paid, {first.id: Decimal("10.00")})
    refund(paid, {second.id: Decimal("5.00")})
    refund(paid, {second.id: Decimal("15.00")})
    undo(paid, "15.00", {first.id: Decimal("10.00"), second.id: Decimal("5.00")})
    assert states(paid) == (
        "completed",
        Decimal("15.00"),
        [("refunded", Decimal("10.00")), ("fulfilled", Decimal("5.00"))],
        ["revoked", "active"],
    )


def test_a_line_that_cost_nothing_comes_back_unless_it_was_named(user, place, pay):
    order = place(user, "0.00", "20.00")
    pay(order)
    free, priced = order.items.all()
    refund(order, rest="20.00")
    undo(order, "20.00")
    assert states(order)[3] == ["active", "active"]
    refund(order, {free.id: Decimal(0), priced.id: Decimal("10.00")})
    refund(order, {priced.id: Decimal("10.00")})
    undo(order, "10.00", {free.id: Decimal(0), priced.id: Decimal("10.00")})
    assert states(order)[3] == ["revoked", "active"]


def buy_again(user, course, pay, **facts):
    CartItemFactory.create(cart__user=user, course=course)
    created = services.create_from_cart(user_id=user.id, billing_address={}, coupon_code=None)
    again = Order.objects.get(id=created.order_id)
    pay(again, **facts)
    return again


def test_a_course_bought_again_meanwhile_is_not_given_twice(user, paid, pay):
    first, _ = paid.items.all()
    refund(paid, rest="30.00")
    again = buy_again(user, first.course, pay)
    assert undo(paid, "30.00") == [first.id]
    assert states(paid)[2] == [("canceled", Decimal(0)), ("fulfilled", Decimal(0))]
    assert states(again)[2] == [("fulfilled", Decimal(0))]
    assert set(Enrollment.objects.values_list("status", flat=True)) == {"active"}
    assert students(paid) == [1, 1]


def test_a_course_the_buyer_owned_before_has_nothing_to_open(user, place, pay):
    order = place(user, "10.00", "20.00")
    first, _ = order.items.all()
    EnrollmentFactory.create(user=user, course=first.course, source="free")
    (item_id,) = pay(order).already_owned_item_ids
    refund(order, {item_id: Decimal("10.00")})
    assert undo(order, "10.00") == [item_id]
    assert states(order)[2][0] == ("canceled", Decimal(0))


def test_an_erased_buyer_gets_nothing_opened(paid):
    refund(paid, rest="30.00")
    paid.refresh_from_db()
    paid.user.delete()
    assert len(undo(paid, "30.00")) == 2
    assert states(paid)[3] == [None, None]


def test_the_later_purchase_alone_holds_the_course(user, paid, pay):
    """The first order's access was taken away by staff: refunding the second ends it again."""
    first, _ = paid.items.all()
    enrollment_services.revoke_enrollments(enrollment_ids=[first.enrollment_id], reason=TERMS)
    again = buy_again(user, first.course, pay)
    assert services.list_standing_enrollments(order_id=again.id) == [first.enrollment_id]
    assert first.enrollment_id not in services.list_standing_enrollments(order_id=paid.id)
    refund(again, rest="10.00")
    assert Enrollment.objects.get(id=first.enrollment_id).status == "revoked"


@pytest.mark.parametrize("amount", ["10.01", "0", "-1"])
def test_more_than_was_given_back_is_refused(paid, amount):
    refund(paid, rest="10.00")
    before = states(paid)
    with pytest.raises(RefundNotPossible):
        undo(paid, amount)
    assert states(paid) == before


@pytest.mark.django_db(transaction=True)
def test_buying_again_races_the_undoing(user, paid, pay):
    """Whoever is first: one line of the two stands on the course, never both."""
    again = order_again(user, paid)
    results = at_once(lambda: undo(paid, "10.00"), lambda: pay(again))
    assert not [result for result in results if isinstance(result, Exception)]
    assert_one_stands(paid, again)


def test_which_order_is_later_does_not_hang_on_clocks(user, place, pay):
    paid, now = place(user, "10.00"), timezone.now()
    pay(paid, paid_at=now + dt.timedelta(seconds=60))
    course = paid.items.get().course
    refund(paid, rest="10.00")
    again = buy_again(user, course, pay, paid_at=now - dt.timedelta(seconds=60))
    assert undo(paid, "10.00") == [paid.items.get().id]
    assert states(paid)[2] == [("canceled", Decimal(0))]
    assert states(again)[2:] == ([("fulfilled", Decimal(0))], ["active"])


@pytest.mark.django_db(transaction=True)
def test_what_is_bought_again_while_it_is_undone_stands_once(user, paid, pay, monkeypatch):
    """The purchase comes after the look at who else pays for the course."""
    again = order_again(user, paid)
    look = refunds.find_bought_again
    begun = []

    def look_and_let_it_be_bought(**given):
        found = look(**given)
        begun.append(Beside(lambda: pay(again)))
        return found

    monkeypatch.setattr(refunds, "find_bought_again", look_and_let_it_be_bought)
    undo(paid, "10.00")
    (paying,) = begun
    assert paying.had_to_wait
    assert paying.result().kind == "completed"
    assert_one_stands(paid, again)


def order_again(user, paid):
    """The first course's money went back; a new order of it, to be paid."""
    first, _ = paid.items.all()
    refund(paid, {first.id: Decimal("10.00")})
    CartItemFactory.create(cart__user=user, course=first.course)
    created = services.create_from_cart(user_id=user.id, billing_address={}, coupon_code=None)
    return Order.objects.get(id=created.order_id)


def assert_one_stands(paid, again):
    connection.close()
    lines = [states(paid)[2][0][0], states(again)[2][0][0]]
    assert sorted(lines) == ["canceled", "fulfilled"]
    assert Enrollment.objects.get(id=paid.items.all()[0].enrollment_id).status == "active"
    assert students(paid)[0] == 1
