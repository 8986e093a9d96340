"""What a version before held, for a dispute or a refund, of what staff granted or was taken for
free since: it is opened."""

import pytest
from django.db import connection

from enrollments.models import Enrollment
from orders.services import refunds as order_refunds
from orders.services import standing
from payments import books, services
from payments.models import Payment
from payments.services import access_reasons
from payments.tests.money import assert_books_hold, make_paid
from payments.tests.test_access_reasons import (
    MONEY,
    access,
    explained,
    forget_reasons,
    repair_all,
    say,
    staff_grant,
    staff_hold,
)

pytestmark = pytest.mark.django_db


@pytest.fixture(params=["appealed", "refunded"])
def held_anew(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Payment:
    """The payment of a course that a lost dispute took, that staff granted since, and that its
    money held again under a version that only asked what was bought again."""
    payment = make_paid("50.00")
    say(payment, "lost")
    staff_grant(payment)
    with monkeypatch.context() as before:
        for module in (standing, order_refunds):
            before.setattr(module, "find_standing_elsewhere", standing.find_bought_again)
        MONEY[request.param](payment)
    assert access(payment)[0] != "active"
    assert "reason_against_access_stands" in {row.invariant for row in books.verify()}
    return payment


def test_what_money_held_of_a_grant_is_opened_by_the_repair(held_anew: Payment) -> None:
    assert services.repair_access() == 1
    assert access(held_anew) == ["active"]
    assert not explained()
    assert_books_hold()
    assert services.repair_access() == 0


def test_of_a_grant_that_money_held_staffs_own_reason_is_left(held_anew: Payment) -> None:
    staff_hold(held_anew)
    services.repair_access()
    assert access(held_anew) == ["suspended"]
    assert explained() == {("staff", "suspended", None)}
    assert_books_hold()


def test_a_grant_that_money_held_is_open_once_its_money_goes_on(held_anew: Payment) -> None:
    say(held_anew, "won")
    assert access(held_anew) == ["active"]
    assert not explained()
    assert_books_hold()


def test_a_grant_that_money_held_without_a_reason_is_opened() -> None:
    payment = make_paid("50.00")
    say(payment, "needs_response")
    forget_reasons()
    Enrollment.objects.update(source="free", enrolled_at="2020-01-01T00:00Z")
    assert repair_all() == 1
    assert access(payment) == ["active"]
    assert not explained()


def test_the_repair_ends_a_batch_after_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access_reasons, "AT_ONCE", 2)
    for number in range(5):
        say(make_paid("50.00"), "lost", number=number)
    Enrollment.objects.update(source="staff")
    assert services.repair_access(limit=3) == 3
    assert services.repair_access() == 2
    assert set(Enrollment.objects.values_list("status", flat=True)) == {"active"}


def test_what_money_may_not_hold_is_found_by_its_index() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(f"EXPLAIN {access_reasons._LIST_OUTLIVED}", {"limit": 10})
        plan = "\n".join(row for (row,) in cursor.fetchall())
    assert "enrollment_given_not_active" in plan
