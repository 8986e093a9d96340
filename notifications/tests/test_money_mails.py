"""Who is mailed when money goes back, is asked for, or goes wrong."""

import datetime as dt
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission
from django.db import transaction

from core import outbox
from core.ids import new_id
from core.models import OutboxDelivery
from enrollments import services as enrollment_services
from enrollments.services import Reason
from notifications import staff_handlers
from notifications.models import Email
from orders import services as order_services
from orders.events import OrderCompleted
from orders.models import Invoice, Order
from orders.selectors import HeldDocument
from payments import services, stripe_gateway
from payments.events import RefundDelayed, RefundFailed
from payments.models import Dispute, Payment
from payments.services.refund_shortages import tell_shortage
from payments.stripe_facts import IntentFacts
from payments.stripe_gateway import StripeRefused
from payments.tests.money import (
    close_anyway,
    dispute_facts,
    hear,
    make_order,
    make_paid,
    settle,
)
from tests.factories import CartItemFactory, CourseFactory, StaffFactory, UserFactory
from users.models import User

pytestmark = pytest.mark.django_db


@pytest.fixture
def member() -> User:
    return StaffFactory.create(email="money@learnflow.test")


@pytest.fixture
def buyer() -> User:
    return UserFactory.create(email="buyer@learnflow.test")


@pytest.fixture
def payment(buyer: User, member: User) -> Payment:
    """The payment of an order of 10.00 and 20.00, whose own mails are out."""
    payment = make_paid("10.00", "20.00", user=buyer)
    deliver()
    Email.objects.all().delete()
    return payment


def deliver() -> None:
    outbox.deliver_due(limit=200)
    assert not OutboxDelivery.objects.exclude(last_error="").exists()


def mails() -> dict[str, Email]:
    """What was written since, by kind and address."""
    deliver()
    return {f"{mail.kind} to {mail.to}": mail for mail in Email.objects.all()}


def of_buyer(payment: Payment) -> dict[str, Email]:
    """What the buyer was written, by kind, one mail of each at most."""
    deliver()
    assert payment.order.user is not None
    mails = Email.objects.filter(to=payment.order.user.email)
    assert mails.count() == len({mail.kind for mail in mails})
    return {mail.kind: mail for mail in mails}


def alerts() -> set[str]:
    """Which mails to staff were written."""
    return {name for name in mails() if name.startswith("staff-")}


def test_a_dispute_is_told_to_staff(payment: Payment) -> None:
    services.sync_dispute(facts=dispute_facts(payment, "needs_response"))
    mail = mails()["staff-dispute to money@learnflow.test"]
    due = f"{Dispute.objects.get().evidence_due_at:%B %Y}"
    for word in ("30.00 USD", "dp_1", "fraudulent", due, payment.order.order_number, "/admin/"):
        assert word in mail.text
    services.sync_dispute(facts=dispute_facts(payment, "lost"))
    closed = mails()["staff-dispute-closed to money@learnflow.test"]
    assert "lost" in closed.subject
    assert "courses are closed" in closed.text


def hear_of_debit(order: Order, status: str) -> None:
    """What Stripe says of the order's one intent, which a bank debit pays."""
    services.settle(
        intent=IntentFacts(
            id="pi_debit", status=status, amount=3000,
            amount_received=3000 if status == "succeeded" else 0, currency="usd",
            client_secret="", charge_id="py_1", order_id=str(order.id),
            error_code="", error_message="",
        )
    )  # fmt: skip


def test_a_debit_that_failed_is_told_once(buyer: User) -> None:
    order = make_order("10.00", "20.00", user=buyer)
    for status in ("processing", *["requires_payment_method"] * 2, "processing"):
        hear_of_debit(order, status)
    (mail,) = mails().values()
    assert (mail.kind, mail.to) == ("debit-failed", buyer.email)
    order.refresh_from_db()
    for word in ("30.00 USD", order.order_number, f"{order.expires_at:%d %B %Y}", "in another way"):
        assert word in mail.text
    assert "its courses are not open" in mail.text.lower()
    assert str(order.id) in mail.text


def test_nobody_is_asked_to_pay_what_was_replaced(buyer: User) -> None:
    order = make_order("10.00", "20.00", user=buyer)
    hear_of_debit(order, "processing")
    make_order("5.00", user=buyer)
    hear_of_debit(order, "requires_payment_method")
    (mail,) = mails().values()
    assert "did not go through" in mail.subject
    assert "another way" not in mail.text


def give(order: Order, *places: int) -> None:
    """Staff give the buyer the order's courses at these places, by price."""
    lines = list(order.items.order_by("price_at_purchase"))
    assert order.user_id is not None
    for place in places:
        enrollment_services.grant_access(
            user_id=order.user_id,
            course_id=lines[place].course_id,
            actor_id=StaffFactory.create().id,
        )


def test_nobody_is_asked_to_pay_for_what_they_have(buyer: User) -> None:
    order = make_order("10.00", "20.00", user=buyer)
    hear_of_debit(order, "processing")
    give(order, 0, 1)
    hear_of_debit(order, "requires_payment_method")
    mail = mails()[f"debit-failed to {buyer.email}"]
    assert "open to you all the same" in mail.text
    for word in ("not open", "another way", "until"):
        assert word not in mail.text, word


def test_a_failed_debit_names_what_is_open_all_the_same(buyer: User) -> None:
    order = make_order("10.00", "20.00", user=buyer)
    hear_of_debit(order, "processing")
    give(order, 0)
    hear_of_debit(order, "requires_payment_method")
    mail = mails()[f"debit-failed to {buyer.email}"]
    has, lacks = order.items.order_by("price_at_purchase")
    told = f"Open: “{has.title_at_purchase}”. Closed: “{lacks.title_at_purchase}”."
    for word in (told, "in another way until"):
        assert word in " ".join(mail.text.split()), word


def test_a_debit_that_cleared_gets_the_receipt(buyer: User) -> None:
    order = make_order("10.00", "20.00", user=buyer)
    hear_of_debit(order, "processing")
    assert mails() == {}
    hear_of_debit(order, "succeeded")
    assert f"receipt to {buyer.email}" in mails()


def test_a_date_by_which_to_appeal_is_told_to_staff(payment: Payment) -> None:
    services.sync_dispute(facts=dispute_facts(payment, "lost"))
    mails()
    Email.objects.all().delete()
    services.sync_dispute(facts=dispute_facts(payment, "appeal_needs_response"))
    mail = mails()["staff-dispute to money@learnflow.test"]
    assert "can be appealed" in mail.text
    assert "Evidence is due" in mail.text
    services.sync_dispute(facts=dispute_facts(payment, "appeal_under_review"))
    assert len(mails()) == 1, "and nobody else, the buyer's courses being closed as before"
    services.sync_dispute(facts=dispute_facts(payment, "won"))
    assert "for us" in mails()["staff-dispute-closed to money@learnflow.test"].text


@pytest.mark.parametrize(
    ("decision", "means"), [("won", "open again"), ("lost", "You can buy them again")]
)
def test_a_buyer_hears_why_the_courses_are_closed(
    payment: Payment, decision: str, means: str
) -> None:
    services.sync_dispute(facts=dispute_facts(payment, "warning_needs_response"))
    assert of_buyer(payment) == {}, "a bank's question changes nothing"
    services.sync_dispute(facts=dispute_facts(payment, "needs_response"))
    services.sync_dispute(facts=dispute_facts(payment, "under_review"))
    (opened,) = of_buyer(payment).values()
    assert opened.kind == "dispute"
    assert "suspended" in opened.text
    assert payment.order.order_number in opened.subject
    services.sync_dispute(facts=dispute_facts(payment, decision))
    assert means in of_buyer(payment)["dispute-closed"].text


def hold(payment: Payment, *places: int) -> None:
    """Staff suspend access to the order's courses at these places, by price."""
    lines = list(payment.order.items.order_by("price_at_purchase"))
    enrollment_services.suspend_enrollments(
        enrollment_ids=[
            enrollment_id for place in places if (enrollment_id := lines[place].enrollment_id)
        ],
        reason=Reason.of_staff("Copied"),
    )


def titles_of(payment: Payment) -> list[str]:
    return list(
        payment.order.items.order_by("price_at_purchase").values_list(
            "title_at_purchase", flat=True
        )
    )


@pytest.mark.parametrize(
    ("held", "says", "staff_read"),
    [
        ((), "courses of this order are open again", "courses are open."),
        ((0, 1), "remain closed, for another reason than the dispute", "courses are closed."),
    ],
)
def test_what_a_won_dispute_opens_is_told_as_it_is(
    payment: Payment, held: tuple[int, ...], says: str, staff_read: str
) -> None:
    services.sync_dispute(facts=dispute_facts(payment, "needs_response"))
    hold(payment, *held)
    services.sync_dispute(facts=dispute_facts(payment, "won"))
    assert says in of_buyer(payment)["dispute-closed"].text
    assert staff_read in mails()["staff-dispute-closed to money@learnflow.test"].text


def test_courses_are_named_where_some_are_open(payment: Payment) -> None:
    services.sync_dispute(facts=dispute_facts(payment, "needs_response"))
    hold(payment, 0)
    services.sync_dispute(facts=dispute_facts(payment, "won"))
    closed, opened = titles_of(payment)
    text = of_buyer(payment)["dispute-closed"].text
    assert f"Open: “{opened}”. Closed: “{closed}”." in text
    assert "open again" not in text
    assert f"“{closed}”" in mails()["staff-dispute-closed to money@learnflow.test"].text


def test_what_a_dispute_leaves_open_is_told_as_it_is(
    payment: Payment, buyer: User, member: User
) -> None:
    """Staff granted one of the courses since."""
    granted = payment.order.items.order_by("price_at_purchase")[0]
    assert granted.enrollment_id is not None
    enrollment_services.revoke_enrollments(
        enrollment_ids=[granted.enrollment_id], reason=Reason.of_staff("Copied")
    )
    enrollment_services.grant_access(
        user_id=buyer.id, course_id=granted.course_id, actor_id=member.id
    )
    services.sync_dispute(facts=dispute_facts(payment, "needs_response"))
    opened, closed = titles_of(payment)
    text = of_buyer(payment)["dispute"].text
    assert f"Open: “{opened}”. Closed: “{closed}”." in text
    assert "are suspended" not in text
    staffs = mails()["staff-dispute to money@learnflow.test"].text
    assert f"Open: “{opened}”. Closed: “{closed}”." in staffs


def test_staff_read_of_no_course_that_a_second_payment_opened(payment: Payment) -> None:
    second = settle(payment.order, number="second")
    services.sync_dispute(facts=dispute_facts(second, "needs_response"))
    assert "courses" not in mails()["staff-dispute to money@learnflow.test"].text


def test_no_title_is_told_to_an_address_that_nobody_has_confirmed(payment: Payment) -> None:
    User.objects.filter(orders=payment.order).update(email_verified_at=None)
    services.sync_dispute(facts=dispute_facts(payment, "needs_response"))
    hold(payment, 0)
    services.sync_dispute(facts=dispute_facts(payment, "won"))
    text = of_buyer(payment)["dispute-closed"].text
    assert "1 of the 2 courses of this order can be opened now" in text
    assert not [title for title in titles_of(payment) if title in text]


def test_a_dispute_over_a_part_names_its_amount(payment: Payment) -> None:
    for status in ("needs_response", "lost"):
        services.sync_dispute(facts=replace(dispute_facts(payment, status), amount=1234))
    told = of_buyer(payment)
    assert "taken back 12.34 USD of the payment" in told["dispute"].text
    assert "12.34 USD stays with you" in told["dispute-closed"].text
    assert "The money stays" not in told["dispute-closed"].text


@pytest.mark.parametrize(
    ("held", "says"),
    [((), "courses are open again"), ((0, 1), "remain closed meanwhile, for another")],
)
def test_what_a_failed_refund_opens_is_told_as_it_is(
    payment: Payment, held: tuple[int, ...], says: str
) -> None:
    hear(payment, "succeeded", amount="30.00")
    hold(payment, *held)
    hear(payment, "failed", amount="30.00")
    found = mails()
    assert says in found["refund-undone to buyer@learnflow.test"].text
    staff_read = "courses are closed." if held else "courses are open."
    assert staff_read in found["staff-refund-failed to money@learnflow.test"].text


def test_no_course_is_promised_for_money_that_came_too_late(buyer: User) -> None:
    order = make_order("10.00", user=buyer)
    close_anyway(order)
    late = settle(order)
    refund = late.refunds.get()
    for status in ("succeeded", "failed"):
        hear(late, status, amount="10.00", refund_id=refund.id)
    text = of_buyer(late)["refund-undone"].text
    assert "will get in touch" in text
    assert "course" not in text


def test_a_buyer_hears_nothing_of_an_inquirys_end(payment: Payment) -> None:
    services.sync_dispute(facts=dispute_facts(payment, "warning_needs_response"))
    services.sync_dispute(facts=dispute_facts(payment, "warning_closed"))
    assert of_buyer(payment) == {}


def test_a_buyer_hears_nothing_of_money_that_opened_no_course(payment: Payment) -> None:
    Order.objects.update(payment_id="pi_another")
    services.sync_dispute(facts=dispute_facts(payment, "needs_response"))
    assert of_buyer(payment) == {}


def test_an_inquiry_that_becomes_a_dispute_is_told_twice(payment: Payment) -> None:
    services.sync_dispute(facts=dispute_facts(payment, "warning_needs_response"))
    assert "courses are open" in mails()["staff-dispute to money@learnflow.test"].text
    services.sync_dispute(facts=dispute_facts(payment, "needs_response"))
    deliver()
    assert Email.objects.filter(kind="staff-dispute").count() == 2
    services.sync_dispute(facts=dispute_facts(payment, "won"))
    assert "for us" in mails()["staff-dispute-closed to money@learnflow.test"].text


def test_alerts_go_to_the_addresses_that_are_set(payment: Payment, settings: Any) -> None:
    settings.STAFF_ALERT_EMAILS = ["a@learnflow.test", "b@learnflow.test"]
    services.sync_dispute(facts=dispute_facts(payment, "needs_response"))
    assert alerts() == {
        "staff-dispute to a@learnflow.test", "staff-dispute to b@learnflow.test",
    }  # fmt: skip


def test_only_active_staff_are_told(payment: Payment) -> None:
    StaffFactory.create(email="gone@learnflow.test", is_active=False)
    services.sync_dispute(facts=dispute_facts(payment, "needs_response"))
    assert alerts() == {"staff-dispute to money@learnflow.test"}


def test_staff_are_told_of_what_they_may_see(payment: Payment) -> None:
    """By a right of their own, or of their group; each once."""
    StaffFactory.create(email="none@learnflow.test", is_superuser=False)
    others = Permission.objects.get(codename="view_refund")
    right = Permission.objects.get(codename="view_dispute")
    refunds, own, grouped = (
        StaffFactory.create(email=f"{name}@learnflow.test", is_superuser=False)
        for name in ("refunds", "own", "grouped")
    )
    refunds.user_permissions.add(others)
    own.user_permissions.add(right)
    for name in ("bank", "books"):
        group = Group.objects.create(name=name)
        group.permissions.add(right)
        grouped.groups.add(group)
    UserFactory.create(email="no-staff@learnflow.test").user_permissions.add(right)
    services.sync_dispute(facts=dispute_facts(payment, "needs_response"))
    assert alerts() == {
        f"staff-dispute to {name}@learnflow.test" for name in ("money", "own", "grouped")
    }


def test_a_refund_names_the_courses_it_is_for(payment: Payment, buyer: User, member: User) -> None:
    lines = list(payment.order.items.order_by("price_at_purchase"))
    refund = services.refund_payment(
        payment_id=payment.id, item_ids=[lines[0].id], note="", actor_id=member.id
    )
    hear(payment, "succeeded", amount="10.00", refund_id=refund.id)
    text = mails()["refund to buyer@learnflow.test"].text
    assert f"{lines[0].title_at_purchase}: 10.00 USD" in text
    assert lines[1].title_at_purchase not in text
    assert f"/orders/{payment.order_id}" in text
    assert "closed once all" in text


def test_money_that_nobody_asked_back_says_why(payment: Payment, member: User) -> None:
    second = settle(Order.objects.get(id=payment.order_id))
    refund = second.refunds.get()
    hear(second, "succeeded", amount="30.00", number=2, refund_id=refund.id)
    text = mails()["refund to buyer@learnflow.test"].text
    assert "had been paid already" in text
    assert "is closed" not in text


def test_a_refund_that_failed_is_told_to_both(payment: Payment) -> None:
    hear(payment, "succeeded", amount="30.00")
    assert set(mails()) == {"refund to buyer@learnflow.test"}
    hear(payment, "failed", amount="30.00")
    found = mails()
    assert "open again" in found["refund-undone to buyer@learnflow.test"].text
    staff = found["staff-refund-failed to money@learnflow.test"].text
    assert "lost or stolen card" in staff
    assert "taken out again" in staff
    assert "has to be paid in another way" in staff


def test_nobody_is_told_to_pay_again_what_may_be_back(payment: Payment, member: User) -> None:
    refund = services.refund_payment(
        payment_id=payment.id, item_ids=None, note="", actor_id=member.id
    )
    refund.status, refund.failure_reason = "failed", "charge_already_refunded"
    refund.save()
    with transaction.atomic():
        outbox.record(
            RefundFailed(
                refund_id=refund.id,
                order_id=payment.order_id,
                user_id=payment.order.user_id,
                was_applied=False,
            )
        )
    text = mails()["staff-refund-failed to money@learnflow.test"].text
    assert "charge already refunded" in text
    assert "Look at the payment first" in text
    assert "has to be paid" not in text


@pytest.mark.parametrize(("was_told", "buyers"), [(True, 1), (False, 0)])
def test_a_refund_that_waits_for_money_is_told_to_whom_it_was_promised(
    payment: Payment, member: User, was_told: bool, buyers: int
) -> None:
    refund = services.refund_payment(
        payment_id=payment.id, item_ids=None, note="", actor_id=member.id
    )
    with transaction.atomic():
        outbox.record(
            RefundDelayed(
                refund_id=refund.id,
                order_id=payment.order_id,
                user_id=payment.order.user_id,
                was_told=was_told,
            )
        )
    sent = mails()
    assert "Top up" in sent["staff-refund-delayed to money@learnflow.test"].text
    told = [mail for name, mail in sent.items() if name.startswith("refund-delayed ")]
    assert len(told) == buyers
    assert all("has not left us yet" in mail.text for mail in told)
    assert all("Until then your courses stay open" in mail.text for mail in told)
    staffs = sent["staff-refund-delayed to money@learnflow.test"].text
    assert ("is told that it takes longer" in staffs) == was_told


def test_a_shortage_of_a_refund_that_counts_promises_no_course(
    payment: Payment, member: User
) -> None:
    """What it has closed stays closed, and what is open hangs on nothing."""
    first = payment.order.items.order_by("created_at", "id")[0]
    refund = services.refund_payment(
        payment_id=payment.id, item_ids=[first.id], note="", actor_id=member.id
    )
    hear(payment, "pending", amount=str(refund.amount), refund_id=refund.id)
    refund.refresh_from_db()
    with transaction.atomic():
        tell_shortage(payment=payment, refund=refund, words="short")
    text = mails()["refund-delayed to buyer@learnflow.test"].text
    assert "has not left us yet" in text
    assert "courses" not in text


@pytest.mark.parametrize("word", ["delayed", "undone"])
def test_the_buyer_hears_of_undue_money_that_does_not_go_back(
    payment: Payment, monkeypatch: pytest.MonkeyPatch, word: str
) -> None:
    """The answer to their payment had said that it does."""
    settle(payment.order, number="second")
    code = "balance_insufficient" if word == "delayed" else "charge_already_refunded"

    def refuse(**given: object) -> None:
        raise StripeRefused(code=code, message="No.")

    monkeypatch.setattr(stripe_gateway, "create_refund", refuse)
    services.send_due_refunds()
    text = mails()[f"refund-{word} to buyer@learnflow.test"].text
    assert "The order had been paid already. So 30.00 USD" in text
    assert "granted" not in text


def test_a_promised_refund_that_stripe_refused_is_told_to_the_buyer(
    payment: Payment, member: User
) -> None:
    refund = services.refund_payment(
        payment_id=payment.id, item_ids=None, note="", actor_id=member.id
    )
    with transaction.atomic():
        outbox.record(
            RefundFailed(
                refund_id=refund.id,
                order_id=payment.order_id,
                user_id=payment.order.user_id,
                was_applied=False,
                was_promised=True,
            )
        )
    assert "another way" in mails()["refund-undone to buyer@learnflow.test"].text


def test_a_request_and_its_answer(payment: Payment, buyer: User, member: User) -> None:
    request = services.request_refund(
        order_id=payment.order_id, user_id=buyer.id, item_ids=None, reason="Not for me"
    )
    assert "Not for me" in mails()["staff-refund-request to money@learnflow.test"].text
    services.refuse_request(request_id=request.id, actor_id=member.id, reason="It was watched")
    assert "It was watched" in mails()["refund-request to buyer@learnflow.test"].text
    again = services.request_refund(
        order_id=payment.order_id, user_id=buyer.id, item_ids=None, reason=""
    )
    services.approve_request(request_id=again.id, actor_id=member.id)
    deliver()
    assert Email.objects.filter(kind="refund-request").count() == 1, "no money has gone"
    again.refresh_from_db()
    hear(payment, "succeeded", amount=str(payment.amount), refund_id=again.refund_id)
    deliver()
    answers = Email.objects.filter(kind="refund-request").order_by("created_at", "id")
    assert [mail.subject.endswith("granted") for mail in answers] == [False, True]
    assert payment.order.items.all()[0].title_at_purchase in answers[1].text


def test_a_refusal_says_how_each_course_stands_by_now(
    buyer: User, payment: Payment, member: User
) -> None:
    first, second = payment.order.items.order_by("price_at_purchase")
    single = make_paid("5.00", user=buyer)
    request = services.request_refund(
        order_id=payment.order_id, user_id=buyer.id, item_ids=None, reason=""
    )
    refund = services.refund_order(
        order_id=payment.order_id, item_ids=[first.id], note="", actor_id=member.id
    )
    hear(payment, "succeeded", amount="10.00", refund_id=refund.id)
    services.sync_dispute(facts=dispute_facts(payment, "needs_response"))
    other = services.request_refund(
        order_id=single.order_id, user_id=buyer.id, item_ids=None, reason=""
    )
    for one in (request, other):
        services.refuse_request(request_id=one.id, actor_id=member.id, reason="It was watched")
    deliver()
    of_both, of_one = Email.objects.filter(kind="refund-request").order_by("created_at", "id")
    assert f"{first.title_at_purchase}: refunded already" in of_both.text
    assert f"{second.title_at_purchase}: closed at present" in of_both.text
    assert f"{single.order.items.get().title_at_purchase}: open" in of_one.text


def test_money_that_cannot_stay_is_told_to_staff(payment: Payment) -> None:
    settle(payment.order, number="second")
    assert "duplicate payment" in mails()["staff-undue-payment to money@learnflow.test"].text


def test_a_receipt_that_cannot_be_printed_is_told_to_staff(
    buyer: User, member: User, settings: Any
) -> None:
    make_paid("10.00", user=buyer)
    assert "staff-receipt-held to money@learnflow.test" not in mails()
    settings.SELLER_NAME = "नगर"
    payment = make_paid("10.00", "0.00", user=buyer)
    mail = mails()["staff-receipt-held to money@learnflow.test"]
    invoice = Invoice.objects.get(order=payment.order)
    assert invoice.number in mail.subject
    assert "न ग र" in mail.text
    assert f"/admin/orders/invoice/{invoice.id}/change/" in mail.text


def test_who_orders_what_is_free_has_no_staff_mailed(
    buyer: User, member: User, settings: Any
) -> None:
    settings.SELLER_NAME = "नगर"
    free = CourseFactory.create(price=Decimal(0), original_price=None)
    CartItemFactory.create(cart__user=buyer, course=free)
    order_services.create_from_cart(user_id=buyer.id, billing_address={}, coupon_code=None)
    assert not alerts()
    assert Invoice.objects.get().total_amount == 0


def test_of_held_receipts_staff_are_told_once_per_buyer_and_day(
    buyer: User, member: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    payments = [make_paid("10.00", user=user) for user in (buyer, buyer, buyer, None)]
    deliver()
    days = dict(zip([payment.order_id for payment in payments], [1, 1, 2, 2], strict=True))
    held = {
        order_id: HeldDocument(
            id=new_id(), number=f"INV-{number}", order_number="ORD-1", characters=("x",),
            issued_at=dt.datetime(2026, 5, day, tzinfo=dt.UTC),
        )
        for number, (order_id, day) in enumerate(days.items())
    }  # fmt: skip
    monkeypatch.setattr(staff_handlers.order_selectors, "find_held_receipts", lambda **_: held)
    for payment in payments:
        assert payment.order.user_id is not None
        event = OrderCompleted(order_id=payment.order_id, user_id=payment.order.user_id)
        with transaction.atomic():
            staff_handlers.alert_held_receipts([event])
    told = Email.objects.filter(kind="staff-receipt-held").values_list("subject", flat=True)
    assert sorted(told) == [f"The receipt INV-{number} is held back" for number in (0, 2, 3)]


def test_an_erased_buyer_gets_no_mail(payment: Payment, buyer: User, member: User) -> None:
    request = services.request_refund(
        order_id=payment.order_id, user_id=buyer.id, item_ids=None, reason=""
    )
    deliver()
    buyer.delete()
    services.approve_request(request_id=request.id, actor_id=member.id)
    hear(payment, "failed", amount="30.00")
    assert not [to for to in mails() if to.endswith("buyer@learnflow.test")]
