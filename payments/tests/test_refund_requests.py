"""Buyers ask for their money back, staff decide."""

import datetime as dt
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from core.errors import Invalid
from core.ids import new_id
from core.models import AuditEntry
from courses.models import Lesson
from enrollments import services as enrollment_services
from enrollments.models import Enrollment, LessonProgress
from orders.errors import OrderNotFound, RefundNotPossible
from orders.models import Order
from payments import services
from payments.errors import (
    RefundAlreadyRequested,
    RefundProgressTooFar,
    RefundRequestDecided,
    RefundRequestNotFound,
    RefundWindowClosed,
)
from payments.models import Payment, Refund, RefundRequest
from payments.services import refund_sending
from payments.tests.money import (
    assert_books_hold,
    dispute_facts,
    event_names,
    hear,
    make_order,
    make_paid,
    refund_facts,
    reserved,
    settle,
)
from tests.factories import StaffFactory, UserFactory, make_course
from tests.parallel import Beside, at_once, run_in_parallel
from users.models import User

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def staff() -> User:
    return StaffFactory.create()


@pytest.fixture
def buyer() -> User:
    return UserFactory.create()


@pytest.fixture
def payment(buyer: User) -> Payment:
    """The payment of an order of 10.00 and 20.00."""
    return make_paid("10.00", "20.00", user=buyer)


def ask(payment: Payment, buyer: User, *numbers: int) -> RefundRequest:
    items = list(payment.order.items.order_by("created_at", "id"))
    return services.request_refund(
        order_id=payment.order_id,
        user_id=buyer.id,
        item_ids=[items[number].id for number in numbers] or None,
        reason="Not for me",
    )


def learn(payment: Payment, number: int, done: int) -> None:
    """Complete some of the four lessons of the line's course."""
    item = payment.order.items.order_by("created_at", "id")[number]
    enrollment = Enrollment.objects.get(course=item.course, user=payment.order.user)
    for lesson in Lesson.objects.filter(curriculum__course=item.course)[:done]:
        LessonProgress.objects.create(
            enrollment=enrollment, lesson=lesson, is_completed=True, completed_at=timezone.now()
        )


def test_asking_for_everything(payment: Payment, buyer: User) -> None:
    request = ask(payment, buyer)
    assert (request.status, request.reason, request.order_items.count()) == (
        "open",
        "Not for me",
        2,
    )
    assert event_names().count("payments.refund_requested") == 1
    assert (reserved(payment), Refund.objects.count()) == (0, 0), "staff haven't decided"


def test_granting_refunds_what_was_asked_for(payment: Payment, buyer: User, staff: User) -> None:
    request = ask(payment, buyer, 1)
    services.approve_request(request_id=request.id, actor_id=staff.id)
    request.refresh_from_db()
    refund = Refund.objects.get()
    assert (request.status, request.refund_id, request.decided_by_id) == ("open", refund.id, None)
    assert AuditEntry.objects.filter(action="refund_request.approved", actor_id=staff.id).exists()
    assert "payments.refund_request_decided" not in event_names(), "no money has gone"
    hear(payment, "succeeded", amount="20.00", refund_id=refund.id)
    request.refresh_from_db()
    assert (request.status, request.refund_id, request.decided_by_id) == (
        "granted", refund.id, staff.id,
    )  # fmt: skip
    assert request.decided_at is not None
    assert (str(refund.amount), refund.lines.count()) == ("20.00", 1)
    assert event_names().count("payments.refund_request_decided") == 1
    assert AuditEntry.objects.filter(action="refund_request.granted", actor_id=staff.id).exists()
    assert_books_hold()


def test_declining_tells_why_and_moves_nothing(payment: Payment, buyer: User, staff: User) -> None:
    request = ask(payment, buyer)
    with pytest.raises(Invalid):
        services.refuse_request(request_id=request.id, actor_id=staff.id, reason="  ")
    services.refuse_request(request_id=request.id, actor_id=staff.id, reason=" Too late ")
    request.refresh_from_db()
    assert (request.status, request.decision_reason) == ("declined", "Too late")
    assert not Refund.objects.exists()
    ask(payment, buyer)  # there may be something to add


def test_one_open_request_an_order(payment: Payment, buyer: User) -> None:
    ask(payment, buyer, 0)
    with pytest.raises(RefundAlreadyRequested):
        ask(payment, buyer, 1)
    with pytest.raises(IntegrityError, match="refund_request_one_open"):
        RefundRequest.objects.create(order_id=payment.order_id, user=buyer)


def test_ten_requests_at_once_are_one(payment: Payment, buyer: User) -> None:
    results = run_in_parallel(10, lambda _: ask(payment, buyer))
    assert [type(result) for result in results].count(RefundRequest) == 1
    assert {type(result) for result in results} == {RefundRequest, RefundAlreadyRequested}


def test_the_window(payment: Payment, buyer: User, settings: Any) -> None:
    settings.REFUND_WINDOW = dt.timedelta(days=7)
    Order.objects.update(completed_at=timezone.now() - dt.timedelta(days=7, minutes=1))
    with pytest.raises(RefundWindowClosed) as caught:
        ask(payment, buyer)
    assert caught.value.details["window_days"] == 7
    Order.objects.update(completed_at=timezone.now() - dt.timedelta(days=6, hours=23))
    ask(payment, buyer)


def test_how_much_was_learned_of_each_course(buyer: User, settings: Any) -> None:
    settings.REFUND_MAX_PROGRESS_PERCENT = 50
    order = make_order("10.00", "20.00", user=buyer, courses=[make_course() for _ in "ab"])
    payment = settle(order)
    learn(payment, 0, 2)
    learn(payment, 1, 3)
    with pytest.raises(RefundProgressTooFar) as caught:
        ask(payment, buyer)
    item = order.items.order_by("created_at", "id")[1]
    assert caught.value.details["courses"] == [
        {"id": str(item.course_id), "title": item.title_at_purchase, "progress_percent": 75}
    ]
    ask(payment, buyer, 0)


def test_a_course_once_completed_is_learned_whatever_was_added(
    payment: Payment, buyer: User
) -> None:
    Enrollment.objects.update(is_completed=True, completed_at=timezone.now())
    with pytest.raises(RefundProgressTooFar):
        ask(payment, buyer)


def test_what_was_learned_counts_when_it_is_taken_back(buyer: User, settings: Any) -> None:
    """A completion taken back doesn't open the way again, whoever counted it."""
    settings.REFUND_MAX_PROGRESS_PERCENT = 50
    payment = make_paid("30.00", user=buyer)
    enrollment = Enrollment.objects.get(user=buyer)
    lessons = Lesson.objects.filter(curriculum__course=enrollment.course)
    ids = list(lessons.values_list("id", flat=True)[:3])
    for mark in (
        enrollment_services.mark_lesson_complete,
        enrollment_services.take_back_completion,
    ):
        for lesson_id in ids:
            mark(user_id=buyer.id, enrollment_id=enrollment.id, lesson_id=lesson_id)
    enrollment.refresh_from_db()
    assert (enrollment.progress_percent, enrollment.highest_progress_percent) == (0, 75)
    with pytest.raises(RefundProgressTooFar) as caught:
        ask(payment, buyer)
    item = payment.order.items.get()
    assert caught.value.details["courses"] == [
        {"id": str(item.course_id), "title": item.title_at_purchase, "progress_percent": 75}
    ]


def test_what_the_version_before_stored_counts_when_it_is_taken_back(
    buyer: User, settings: Any
) -> None:
    settings.REFUND_MAX_PROGRESS_PERCENT = 50
    payment = make_paid("30.00", user=buyer)
    learn(payment, 0, 1)
    Enrollment.objects.update(progress_percent=75)
    enrollment = Enrollment.objects.get(user=buyer)
    lesson_id = LessonProgress.objects.get().lesson_id
    enrollment_services.take_back_completion(
        user_id=buyer.id, enrollment_id=enrollment.id, lesson_id=lesson_id
    )
    with pytest.raises(RefundProgressTooFar):
        ask(payment, buyer)


def test_what_cannot_be_asked_for(payment: Payment, buyer: User, staff: User) -> None:
    with pytest.raises(OrderNotFound):
        ask(payment, UserFactory.create())
    with pytest.raises(RefundNotPossible):
        services.request_refund(
            order_id=make_order("5.00", user=buyer).id, user_id=buyer.id, item_ids=None, reason=""
        )
    with pytest.raises(Invalid):
        services.request_refund(
            order_id=payment.order_id, user_id=buyer.id, item_ids=[new_id()], reason=""
        )
    services.refund_order(order_id=payment.order_id, item_ids=None, note="", actor_id=staff.id)
    with pytest.raises(RefundNotPossible):
        ask(payment, buyer)
    assert not RefundRequest.objects.exists()


def test_not_while_the_bank_has_the_money(payment: Payment, buyer: User) -> None:
    services.sync_dispute(facts=dispute_facts(payment, "needs_response"))
    with pytest.raises(RefundNotPossible):
        ask(payment, buyer)


def test_of_many_decisions_at_once_one_counts(payment: Payment, buyer: User, staff: User) -> None:
    request = ask(payment, buyer)

    def approve() -> None:
        services.approve_request(request_id=request.id, actor_id=staff.id)

    def refuse() -> None:
        services.refuse_request(request_id=request.id, actor_id=staff.id, reason="No")

    results = at_once(*[approve, refuse] * 5)
    assert results.count(None) == 1
    assert {type(result) for result in results} == {type(None), RefundRequestDecided}
    request.refresh_from_db()
    is_approved = request.status == "open"
    assert Refund.objects.count() == (1 if is_approved else 0)
    assert event_names().count("payments.refund_request_decided") == (0 if is_approved else 1)
    assert_books_hold()


def test_what_is_approved_is_not_decided_again(payment: Payment, buyer: User, staff: User) -> None:
    request = ask(payment, buyer)
    services.approve_request(request_id=request.id, actor_id=staff.id)
    for decide in (
        lambda: services.approve_request(request_id=request.id, actor_id=staff.id),
        lambda: services.refuse_request(request_id=request.id, actor_id=staff.id, reason="No"),
    ):
        with pytest.raises(RefundRequestDecided) as caught:
            decide()
        assert caught.value.details["status"] == "approved"
    with pytest.raises(RefundAlreadyRequested):
        ask(payment, buyer)


def test_a_request_whose_refund_came_to_nothing_is_open_as_before(
    payment: Payment, buyer: User, staff: User
) -> None:
    request = ask(payment, buyer)
    services.approve_request(request_id=request.id, actor_id=staff.id)
    refund_sending._give_up(Refund.objects.get(), code="charge_disputed", words="")
    request.refresh_from_db()
    assert request.status == "open"
    services.approve_request(request_id=request.id, actor_id=staff.id)
    refund = Refund.objects.get(status="due")
    hear(payment, "succeeded", amount="30.00", refund_id=refund.id)
    request.refresh_from_db()
    assert (request.status, request.refund_id) == ("granted", refund.id)


def test_a_decided_request_stays_decided(payment: Payment, buyer: User, staff: User) -> None:
    request = ask(payment, buyer)
    services.refuse_request(request_id=request.id, actor_id=staff.id, reason="No")
    with pytest.raises(RefundRequestDecided) as caught:
        services.approve_request(request_id=request.id, actor_id=staff.id)
    assert caught.value.details["status"] == "declined"
    with pytest.raises(RefundRequestNotFound):
        services.approve_request(request_id=new_id(), actor_id=staff.id)
    with pytest.raises(RefundRequestNotFound):
        services.refuse_request(request_id=new_id(), actor_id=staff.id, reason="No")


def test_what_is_on_its_way_by_now_is_not_granted(
    payment: Payment, buyer: User, staff: User
) -> None:
    request = ask(payment, buyer)
    services.refund_order(order_id=payment.order_id, item_ids=None, note="", actor_id=staff.id)
    with pytest.raises(RefundNotPossible):
        services.approve_request(request_id=request.id, actor_id=staff.id)
    request.refresh_from_db()
    assert request.status == "open"


def test_a_refund_of_all_that_was_asked_for_answers_the_request(
    payment: Payment, buyer: User, staff: User
) -> None:
    request = ask(payment, buyer, 0)
    second = payment.order.items.order_by("created_at", "id")[1]
    other = services.refund_order(
        order_id=payment.order_id, item_ids=[second.id], note="", actor_id=staff.id
    )
    services.sync_refund(
        facts=refund_facts(payment, "succeeded", amount="20.00", refund_id=other.id)
    )
    request.refresh_from_db()
    assert request.status == "open"
    hear(payment, "succeeded", amount="10.00", number=2)
    request.refresh_from_db()
    assert request.status == "granted"
    assert request.refund is not None
    assert request.refund.stripe_refund_id == "re_2"
    assert_books_hold()


def refund_line(payment: Payment, number: int, staff: User) -> Refund:
    item = payment.order.items.order_by("created_at", "id")[number]
    return services.refund_order(
        order_id=payment.order_id, item_ids=[item.id], note="", actor_id=staff.id
    )


def lines_of(refund: Refund) -> list[str]:
    return [str(line.amount) for line in refund.lines.order_by("amount")]


@pytest.mark.parametrize("is_gone", [True, False])
def test_what_is_left_of_a_request_is_granted(
    payment: Payment, buyer: User, staff: User, is_gone: bool
) -> None:
    """One of its lines is back by now, or about to be."""
    request = ask(payment, buyer)
    earlier = refund_line(payment, 0, staff)
    if is_gone:
        hear(payment, "succeeded", amount="10.00", refund_id=earlier.id)
    left = services.estimate_request(request_id=request.id)
    assert (str(left.amount), len(left.item_ids)) == ("20.00", 1)
    services.approve_request(request_id=request.id, actor_id=staff.id)
    rest = Refund.objects.exclude(id=earlier.id).get()
    assert lines_of(rest) == ["20.00"]
    if not is_gone:
        hear(payment, "succeeded", amount="10.00", refund_id=earlier.id)
    request.refresh_from_db()
    assert (request.status, request.refund_id) == ("open", rest.id)
    hear(payment, "succeeded", amount="20.00", number=2, refund_id=rest.id)
    request.refresh_from_db()
    assert (request.status, request.refund_id) == ("granted", rest.id)
    assert_books_hold()


@pytest.mark.parametrize("comes", [True, False])
def test_a_request_is_not_granted_while_some_of_it_is_on_its_way_by_another_refund(
    payment: Payment, buyer: User, staff: User, comes: bool
) -> None:
    request = ask(payment, buyer)
    earlier = refund_line(payment, 0, staff)
    services.approve_request(request_id=request.id, actor_id=staff.id)
    rest = Refund.objects.exclude(id=earlier.id).get()
    hear(payment, "succeeded", amount="20.00", refund_id=rest.id)
    request.refresh_from_db()
    assert (request.status, request.refund_id) == ("open", None)
    assert "payments.refund_request_decided" not in event_names()
    with pytest.raises(RefundNotPossible):
        services.approve_request(request_id=request.id, actor_id=staff.id)
    assert_books_hold()
    if not comes:
        refund_sending._give_up(earlier, code="charge_disputed", words="")
        services.approve_request(request_id=request.id, actor_id=staff.id)
        earlier = Refund.objects.get(status="due")
    assert lines_of(earlier) == ["10.00"]
    hear(payment, "succeeded", amount="10.00", number=2, refund_id=earlier.id)
    request.refresh_from_db()
    assert (request.status, request.refund_id) == ("granted", earlier.id)
    assert_books_hold()


def test_a_request_of_which_all_is_back_is_granted_without_a_refund(
    payment: Payment, buyer: User, staff: User
) -> None:
    request = ask(payment, buyer, 0)
    refund = refund_line(payment, 0, staff)
    hear(payment, "succeeded", amount="10.00", refund_id=refund.id)
    # As if that hadn't answered it.
    RefundRequest.objects.update(
        status="open", decided_at=None, decided_by=None, decision_reason="", refund=None
    )
    assert services.estimate_request(request_id=request.id).amount == 0
    services.approve_request(request_id=request.id, actor_id=staff.id)
    request.refresh_from_db()
    assert (request.status, request.refund_id, request.decided_by_id) == (
        "granted", None, staff.id,
    )  # fmt: skip
    assert Refund.objects.count() == 1
    assert_books_hold()


def test_what_cost_nothing_keeps_no_request_open(buyer: User, staff: User) -> None:
    payment = settle(make_order("10.00", "0.00", "20.00", user=buyer))
    request = ask(payment, buyer, 0, 1)
    refund = refund_line(payment, 0, staff)
    hear(payment, "succeeded", amount="10.00", refund_id=refund.id)
    request.refresh_from_db()
    assert (request.status, request.refund_id) == ("granted", refund.id)
    assert_books_hold()


def test_all_is_granted_although_some_of_the_money_is_back_without_a_line(
    payment: Payment, buyer: User, staff: User
) -> None:
    hear(payment, "succeeded", amount="5.00")
    request = ask(payment, buyer)
    services.approve_request(request_id=request.id, actor_id=staff.id)
    refund = Refund.objects.get(reason="requested")
    assert str(refund.amount) == "25.00"
    hear(payment, "succeeded", amount="25.00", number=2, refund_id=refund.id)
    request.refresh_from_db()
    assert request.status == "granted"


def test_a_refund_that_crosses_a_refusal_does_not_overrule_it(
    payment: Payment, buyer: User, staff: User
) -> None:
    request = ask(payment, buyer)

    with transaction.atomic():
        services.refuse_request(request_id=request.id, actor_id=staff.id, reason="No")
        hearing = Beside(lambda: hear(payment, "succeeded", amount="30.00"))
        assert hearing.had_to_wait
    hearing.result()
    request.refresh_from_db()
    assert request.status == "declined"
    assert Payment.objects.get().refunding_amount == 30
    assert event_names().count("payments.refund_request_decided") == 1
