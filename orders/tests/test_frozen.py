"""What was ordered, by whom and at what price, stays, whoever writes to the database."""

from decimal import Decimal

import pytest
from django.db import DatabaseError, connection, transaction

from orders.models import OrderItem
from tests.factories.coupons import CouponFactory
from tests.factories.people import InstructorFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def order(place, user):
    CouponFactory.create(code="TEN")
    return place(user, "39.99", "10.00", coupon_code="TEN")


@pytest.mark.parametrize(
    "change",
    [
        "subtotal = subtotal - 5, total_amount = total_amount - 5", "currency = 'eur'",
        "discount_amount = 0, total_amount = subtotal", "tax_lines = '[{{}}]'",
        "user_id = '{other}'", "coupon_id = NULL", "order_number = 'ORD-1'",
    ],
)  # fmt: skip
def test_an_order_stays(order, change):
    other = InstructorFactory.create()
    with pytest.raises(DatabaseError, match="stays"), transaction.atomic():
        run(f"UPDATE orders_order SET {change.format(other=other.id)}")


@pytest.mark.parametrize(
    "change",
    [
        "price_at_purchase = 0.50", "discount_amount = 0", "tax_amount = 1",
        "title_at_purchase = 'Another'", "instructor_id = NULL", "instructor_id = '{other}'",
        "course_id = (SELECT id FROM courses_course ORDER BY price LIMIT 1)",
    ],
)  # fmt: skip
def test_its_lines_stay(order, change):
    other = InstructorFactory.create()
    with pytest.raises(DatabaseError, match="stay"), transaction.atomic():
        run(f"UPDATE orders_orderitem SET {change.format(other=other.id)}")


def test_none_of_its_lines_is_deleted(order):
    with pytest.raises(DatabaseError, match="stays"), transaction.atomic():
        OrderItem.objects.filter(order=order).delete()


@pytest.fixture
def item(order):
    """A line whose instructor teaches nothing any more."""
    item = order.items.get(price_at_purchase=Decimal("10.00"))
    run(f"UPDATE courses_course SET instructor_id = '{InstructorFactory.create().id}'")
    return item


def test_a_person_who_goes_is_taken_out(order, item):
    """Of their lines as an instructor, and of their orders as a buyer."""
    item.instructor.delete()
    order.user.delete()
    run("SET CONSTRAINTS ALL IMMEDIATE")
    item.refresh_from_db()
    order.refresh_from_db()
    assert (item.instructor_id, order.user_id) == (None, None)


def test_nobody_is_taken_out_of_a_line_who_is_there(item):
    """Also where another has the course for a moment."""
    with pytest.raises(DatabaseError, match="as long as they are there"), transaction.atomic():
        run(
            f"UPDATE orders_orderitem SET instructor_id = NULL WHERE id = '{item.id}';"
            f"UPDATE courses_course SET instructor_id = '{item.instructor_id}';"
            "SET CONSTRAINTS ALL IMMEDIATE"
        )


def test_no_buyer_is_taken_out_who_is_there(order):
    with pytest.raises(DatabaseError, match="as long as they are there"), transaction.atomic():
        run("UPDATE orders_order SET user_id = NULL; SET CONSTRAINTS ALL IMMEDIATE")


def test_a_line_that_is_nobodys_is_nobodys_for_good(item):
    other = InstructorFactory.create()
    item.instructor.delete()
    with pytest.raises(DatabaseError, match="stays"), transaction.atomic():
        run(f"UPDATE orders_orderitem SET instructor_id = '{other.id}' WHERE id = '{item.id}'")


def run(statement):
    with connection.cursor() as cursor:
        cursor.execute(statement)
