"""Deciding refunds: what may go back, and never more than was paid."""

from collections import Counter
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from core.errors import Invalid
from core.ids import new_id
from core.models import AuditEntry
from enrollments import services as enrollment_services
from orders.errors import OrderNotFound, RefundNotPossible
from orders.models import OrderItem
from payments import selectors, services
from payments.models import Payment, Refund
from payments.services import refunds
from payments.services.refunds import plan_refund
from payments.tests.money import (
    assert_books_hold,
    dispute_facts,
    hear,
    make_order,
    make_paid,
    refund_facts,
    reserved,
    settle,
)
from tests.factories import StaffFactory, UserFactory
from tests.parallel import meet, run_in_parallel
from users.models import User

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def staff() -> User:
    return StaffFactory.create()


@pytest.fixture
def payment() -> Payment:
    """The payment of an order of 10.00, 20.00 and 30.00."""
    return make_paid("10.00", "20.00", "30.00")


def items(payment: Payment) -> list[OrderItem]:
    return list(payment.order.items.order_by("created_at", "id"))


def give_back(payment: Payment, staff: User, *chosen: OrderItem, **given: Any) -> Refund:
    facts = {"note": "kind", "actor_id": staff.id, **given}
    return services.refund_order(
        order_id=payment.order_id, item_ids=[item.id for item in chosen] or None, **facts
    )


def test_the_whole_order(payment: Payment, staff: User) -> None:
    refund = give_back(payment, staff)
    assert (refund.amount, refund.status, refund.reason, refund.note, refund.requested_by_id) == (
        Decimal("60.00"), "due", "requested", "kind", staff.id,
    )  # fmt: skip
    assert [line.amount for line in refund.lines.order_by("amount")] == [10, 20, 30]
    assert reserved(payment) == 60
    assert AuditEntry.objects.filter(action="order.refund_planned", actor_id=staff.id).count() == 1
    assert_books_hold()


def test_chosen_lines_then_the_rest(payment: Payment, staff: User) -> None:
    first, second, third = items(payment)
    refund = give_back(payment, staff, first, third)
    assert (refund.amount, reserved(payment)) == (Decimal(40), 40)
    rest = give_back(payment, staff)
    assert (rest.amount, reserved(payment)) == (Decimal(20), 60)
    assert [line.order_item_id for line in rest.lines.all()] == [second.id]


def test_a_line_under_way_is_not_refunded_again(payment: Payment, staff: User) -> None:
    first, second, _ = items(payment)
    give_back(payment, staff, first)
    with pytest.raises(RefundNotPossible) as caught:
        give_back(payment, staff, first, second)
    assert caught.value.details["items"] == [
        {"id": str(first.id), "title": first.title_at_purchase}
    ]
    assert reserved(payment) == 10


def test_with_money_back_of_no_line_the_whole_rest_has_none_either(
    payment: Payment, staff: User
) -> None:
    hear(payment, "succeeded", amount="15.00")
    _, _, third = items(payment)
    refund = give_back(payment, staff)
    assert (refund.amount, refund.lines.count()) == (Decimal(45), 0)
    with pytest.raises(RefundNotPossible):
        give_back(payment, staff, third)


def test_lines_are_bounded_by_what_is_left_of_the_payment(payment: Payment, staff: User) -> None:
    hear(payment, "succeeded", amount="35.00")
    _, _, third = items(payment)
    with pytest.raises(RefundNotPossible) as caught:
        give_back(payment, staff, third)
    assert caught.value.details["left"] == Decimal("25.00")
    assert reserved(payment) == 35


def test_lines_that_cost_nothing_go_along_but_not_alone(staff: User) -> None:
    payment = make_paid("0.00", "20.00")
    free, priced = items(payment)
    with pytest.raises(RefundNotPossible):
        give_back(payment, staff, free)
    refund = give_back(payment, staff, free, priced)
    assert {line.order_item_id for line in refund.lines.all()} == {free.id, priced.id}
    assert not any(line.is_refundable for line in selectors.list_refundable_lines(payment=payment))


def test_what_has_nothing_to_give_back(payment: Payment, staff: User) -> None:
    with pytest.raises(RefundNotPossible):
        services.refund_order(
            order_id=make_order("5.00").id, item_ids=None, note="", actor_id=staff.id
        )
    with pytest.raises(OrderNotFound):
        services.refund_order(order_id=new_id(), item_ids=None, note="", actor_id=staff.id)
    foreign = items(make_paid("5.00"))[0]
    with pytest.raises(Invalid) as caught:
        give_back(payment, staff, foreign)
    assert str(foreign.id) in str(caught.value.details)
    give_back(payment, staff)
    with pytest.raises(RefundNotPossible):
        give_back(payment, staff)
    assert Refund.objects.count() == 1


@pytest.mark.parametrize(
    ("status", "possible"),
    [("needs_response", False), ("lost", False), ("won", True), ("warning_needs_response", True)],
)
def test_what_the_bank_holds_is_not_refunded(
    payment: Payment, staff: User, status: str, possible: bool
) -> None:
    services.sync_dispute(facts=dispute_facts(payment, status))
    if possible:
        assert give_back(payment, staff).amount == 60
    else:
        with pytest.raises(RefundNotPossible):
            give_back(payment, staff)
        assert reserved(payment) == 0


def test_parallel_refunds_never_exceed_what_was_paid(payment: Payment, staff: User) -> None:
    chosen = items(payment)
    calls = [[item.id] for item in chosen] * 3 + [None] * 3

    def refund(number: int) -> Refund:
        return services.refund_order(
            order_id=payment.order_id, item_ids=calls[number], note="", actor_id=staff.id
        )

    results = run_in_parallel(len(calls), refund)
    made = [result for result in results if isinstance(result, Refund)]
    assert {type(result) for result in results} <= {Refund, RefundNotPossible}
    assert sum(refund.amount for refund in made) == 60
    assert reserved(payment) == 60
    assert_books_hold()


def test_the_database_bounds_what_is_reserved(payment: Payment) -> None:
    for wrong in ("60.01", "-0.01"):
        with pytest.raises(IntegrityError, match="payment_refunds_bounded"):
            Payment.objects.filter(id=payment.id).update(refunding_amount=Decimal(wrong))


def test_more_than_is_left_or_nothing_is_not_planned(payment: Payment) -> None:
    for wrong in ("60.01", "0.00", "-1.00"):
        with pytest.raises(RefundNotPossible), transaction.atomic():
            plan_refund(payment=payment, reason="requested", amount=Decimal(wrong))
    assert (reserved(payment), Refund.objects.count()) == (0, 0)


def test_money_that_stands_for_no_order_can_be_given_back_by_hand(
    payment: Payment, staff: User
) -> None:
    """Its automatic refund was refused, say, and staff try again: never the payment that counts."""
    second = settle(payment.order, number="second")
    automatic = Refund.objects.get(payment=second)
    services.sync_refund(
        facts=refund_facts(second, "failed", amount="60.00", refund_id=automatic.id)
    )
    refund = services.refund_payment(
        payment_id=second.id, item_ids=None, note="", actor_id=staff.id
    )
    assert (refund.payment_id, refund.amount) == (second.id, Decimal(60))
    assert not refund.lines.exists(), "no line of the order stands on it"
    assert (reserved(second), reserved(payment)) == (60, 0)
    with pytest.raises(RefundNotPossible):
        services.refund_payment(payment_id=new_id(), item_ids=None, note="", actor_id=staff.id)


@pytest.mark.parametrize("numbers", [(0,), (0, 1, 2), ()])
def test_no_line_is_refunded_of_money_that_stands_for_none(
    payment: Payment, staff: User, numbers: tuple[int, ...]
) -> None:
    """More would go back than the lines that were named."""
    second = settle(payment.order, number="second")
    Refund.objects.get(payment=second).delete()
    Payment.objects.filter(id=second.id).update(refunding_amount=0)
    chosen = items(payment)
    with pytest.raises(RefundNotPossible, match="stands for no line"):
        services.refund_payment(
            payment_id=second.id,
            item_ids=[chosen[number].id for number in numbers],
            note="",
            actor_id=staff.id,
        )
    assert (reserved(second), Refund.objects.count()) == (0, 0)


def test_what_staff_give_back_at_once_goes_back_once(
    payment: Payment, staff: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each has read what is left before any of them sets it aside."""
    second = settle(payment.order, number="second")
    automatic = Refund.objects.get(payment=second)
    services.sync_refund(
        facts=refund_facts(second, "failed", amount="60.00", refund_id=automatic.id)
    )
    check = refunds.check_undisputed

    def meet_and_check(*, payment: Payment) -> None:
        meet()
        check(payment=payment)

    monkeypatch.setattr(refunds, "check_undisputed", meet_and_check)

    def refund(_: int) -> Refund:
        return services.refund_payment(
            payment_id=second.id, item_ids=None, note="", actor_id=staff.id
        )

    results = run_in_parallel(4, refund)
    assert Counter(map(type, results)) == {Refund: 1, RefundNotPossible: 3}
    assert (reserved(second), Refund.objects.filter(status="due").count()) == (60, 1)


def test_a_line_the_buyer_owned_already_is_refunded_by_itself_once(staff: User) -> None:
    buyer = UserFactory.create()
    order = make_order("10.00", "20.00", user=buyer)
    owned = order.items.order_by("created_at", "id")[0]
    enrollment_services.grant_access(user_id=buyer.id, course_id=owned.course_id, actor_id=staff.id)
    payment = settle(order)
    assert reserved(payment) == 10
    assert give_back(payment, staff).amount == 20
    assert_books_hold()
