"""What a refund means for an order."""

from decimal import Decimal

import pytest
from django.db import transaction

from core.ids import new_id
from enrollments.models import Enrollment
from orders import selectors, services
from orders.errors import OrderNotFound, RefundNotPossible
from orders.models import Order
from tests.factories import CartItemFactory, EnrollmentFactory
from tests.factories.coupons import CouponFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def paid(user, place, pay):
    """A paid order of 10.00 and 20.00."""
    order = place(user, "10.00", "20.00")
    pay(order)
    return order


def refund(order, lines=None, rest="0"):
    with transaction.atomic():
        services.apply_refund(
            order_id=order.id,
            refund_id=new_id(),
            lines={item_id: Decimal(amount) for item_id, amount in (lines or {}).items()},
            rest=Decimal(rest),
        )


def states(order):
    order.refresh_from_db()
    lines = selectors.list_order_lines(order_id=order.id)
    return (
        order.status,
        order.refunded_amount,
        [(line.state, line.refunded_amount) for line in lines],
        [
            Enrollment.objects.get(id=line.enrollment_id).status if line.enrollment_id else None
            for line in lines
        ],
    )


def test_some_lines_leave_the_order_completed(paid, events):
    first, _ = selectors.list_order_lines(order_id=paid.id)
    refund(paid, {first.id: "10.00"})
    assert states(paid) == (
        "completed",
        Decimal("10.00"),
        [("refunded", Decimal("10.00")), ("fulfilled", Decimal(0))],
        ["revoked", "active"],
    )
    (event,) = events("orders.order_refunded")
    assert (event["amount"], event["whole"]) == ("10.00", False)


def test_line_by_line_until_all_is_back(paid, events):
    first, second = selectors.list_order_lines(order_id=paid.id)
    refund(paid, {first.id: "10.00"})
    refund(paid, {second.id: "20.00"})
    assert states(paid) == (
        "refunded",
        Decimal("30.00"),
        [("refunded", Decimal("10.00")), ("refunded", Decimal("20.00"))],
        ["revoked", "revoked"],
    )
    assert [event["whole"] for event in events("orders.order_refunded")] == [False, True]


def test_part_of_a_line_keeps_its_enrolment(paid):
    first, _ = selectors.list_order_lines(order_id=paid.id)
    refund(paid, {first.id: "4.00"})
    assert states(paid)[2:] == (
        [("fulfilled", Decimal("4.00")), ("fulfilled", Decimal(0))],
        ["active", "active"],
    )
    refund(paid, {first.id: "6.00"})
    assert states(paid)[3] == ["revoked", "active"]


def test_money_without_a_line_refunds_all_of_them_at_the_end(paid):
    refund(paid, rest="12.00")
    assert states(paid) == (
        "completed",
        Decimal("12.00"),
        [("fulfilled", Decimal(0)), ("fulfilled", Decimal(0))],
        ["active", "active"],
    )
    refund(paid, rest="18.00")
    assert states(paid) == (
        "refunded",
        Decimal("30.00"),
        [("refunded", Decimal("10.00")), ("refunded", Decimal("20.00"))],
        ["revoked", "revoked"],
    )


def test_a_line_that_cost_nothing_goes_back_when_named_or_with_the_rest(user, place, pay):
    order = place(user, "0.00", "20.00")
    pay(order)
    free, priced = selectors.list_order_lines(order_id=order.id)
    refund(order, {free.id: "0.00"})
    assert states(order)[3] == ["revoked", "active"]
    refund(order, {priced.id: "20.00"})
    assert states(order)[0] == "refunded"


def test_discounts_bound_what_a_line_gives_back(user, place, pay):
    CouponFactory.create(code="HALF", percent_off=50)
    order = place(user, "10.00", "20.00", coupon_code="HALF")
    pay(order)
    first, _ = selectors.list_order_lines(order_id=order.id)
    assert first.net_amount == Decimal("5.00")
    with pytest.raises(RefundNotPossible):
        refund(order, {first.id: "5.01"})
    refund(order, {first.id: "5.00"})
    assert states(order)[3] == ["revoked", "active"]


def test_a_course_owned_before_is_kept(user, place, pay):
    order = place(user, "10.00", "20.00")
    first, _ = order.items.all()
    kept = EnrollmentFactory.create(user=user, course=first.course, source="free")
    (item_id,) = pay(order).already_owned_item_ids
    refund(order, {item_id: "10.00"})
    assert states(order)[:3] == (
        "completed",
        Decimal("10.00"),
        [("refunded", Decimal("10.00")), ("fulfilled", Decimal(0))],
    )
    kept.refresh_from_db()
    assert kept.status == "active"


def test_a_course_bought_again_survives_the_old_order(user, place, pay, paid):
    first, second = selectors.list_order_lines(order_id=paid.id)
    refund(paid, {first.id: "10.00"})
    enrollment = Enrollment.objects.filter(user=user, course_id=first.course_id)
    assert enrollment.get().status == "revoked"
    CartItemFactory.create(cart__user=user, course_id=first.course_id, course=None)
    created = services.create_from_cart(user_id=user.id, billing_address={}, coupon_code=None)
    pay(Order.objects.get(id=created.order_id))
    assert enrollment.get().status == "active"
    refund(paid, {second.id: "20.00"})
    assert states(paid)[0] == "refunded"
    assert enrollment.get().status == "active"


@pytest.mark.parametrize(
    ("lines", "rest"),
    [
        ({0: "10.01"}, "0"),
        ({0: "-1.00"}, "0"),
        ({}, "-0.01"),
        ({}, "30.01"),
        ({0: "10.00"}, "20.01"),
        ({None: "1.00"}, "0"),
    ],
)
def test_what_does_not_fit_is_refused(paid, events, lines, rest):
    items = selectors.list_order_lines(order_id=paid.id)
    before = states(paid)
    named = {items[i].id if i is not None else new_id(): amount for i, amount in lines.items()}
    with pytest.raises(RefundNotPossible):
        refund(paid, named, rest)
    assert states(paid) == before
    assert events("orders.order_refunded") == []


def test_only_a_paid_order_is_refunded(user, place):
    order = place(user, "10.00")
    with pytest.raises(RefundNotPossible):
        refund(order, rest="10.00")
    services.close_order(order_id=order.id, reason="canceled")
    with pytest.raises(RefundNotPossible):
        refund(order, rest="10.00")
    assert states(order)[:2] == ("failed", Decimal(0))


def test_an_unknown_order():
    with pytest.raises(OrderNotFound), transaction.atomic():
        services.apply_refund(order_id=new_id(), refund_id=new_id(), lines={}, rest=Decimal(1))
