"""One row of each table that the admin shows, with secrets to look for."""

import datetime as dt
from decimal import Decimal
from typing import Any

from django.contrib.auth.models import Group
from django.db.models import Model
from django.utils import timezone

from cart.models import Cart
from core.models import AuditEntry, JobRun, OutboxDelivery, OutboxEvent
from courses.models import Category, Curriculum, Lesson, SearchCount
from enrollments.models import Certificate, Enrollment
from notifications.models import Email, Notification
from orders.models import Coupon, CouponRedemption, CreditNote, Invoice, Order
from payments import services
from payments.models import (
    BalanceMovement,
    BankPayoutFailure,
    Dispute,
    LedgerEntry,
    LedgerTransaction,
    Payment,
    Payout,
    PayoutAccount,
    ReconciliationDifference,
    ReconciliationRun,
    Refund,
    RefundRequest,
    RevenueShare,
    StripeEvent,
)
from payments.tests.money import dispute_facts, hear, make_order, settle
from reviews.models import Review
from tests.factories import CartItemFactory, ReviewFactory, UserFactory, make_course
from tests.factories.coupons import CouponFactory, redeem
from tests.factories.people import open_test_session
from users.models import Session, User

# Nobody may read these in the admin, by no right.
SECRET = "sesame-open-thyself"

Rows = dict[type[Model], Any]


def furnish() -> Rows:
    """Return a row of each model in the admin."""
    rows: Rows = {}
    for make in (_people, _catalogue, _money, _traces):
        for row in make(rows):
            rows[type(row)] = row
    return rows


def _people(rows: Rows) -> list[Model]:
    person = UserFactory.create()
    session = open_test_session(person)
    session.recent_rotations = [{"used": SECRET, "successor": SECRET, "at": SECRET}]
    session.save()
    return [person, session, Group.objects.create(name="Clerks")]


def _catalogue(rows: Rows) -> list[Model]:
    user = rows[User]
    draft: Any = make_course(sections=1, lessons=1, status="draft", published_at=None)
    section = draft.curriculum.get()
    count = SearchCount.objects.create(query="lute", day=dt.date(2026, 1, 2), found=1)
    cart = CartItemFactory.create(cart__user=user).cart
    review = ReviewFactory.create(user=user)
    return [
        draft, section, section.lessons.get(), draft.category, count, cart, review,
        Notification.objects.create(user=user, dedupe_key="n", kind="k", title="A notice"),
    ]  # fmt: skip


def _money(rows: Rows) -> list[Model]:
    user = rows[User]
    order = make_order("10.00", user=user)
    coupon = CouponFactory.create()
    redemption = redeem(coupon, order)
    payment = settle(order)
    hear(payment, "succeeded", amount="1.00")
    services.sync_dispute(facts=dispute_facts(payment, "needs_response"))
    order.refresh_from_db()
    refund = Refund.objects.get()
    movement = LedgerTransaction.objects.order_by("id")[0]
    teacher: Any = order.items.get().instructor
    account = PayoutAccount.objects.create(instructor=teacher, stripe_account_id="acct_1")
    payout = Payout.objects.create(
        account=account, amount=Decimal(5), currency="usd", status="failed",
        next_attempt_at=timezone.now(),
    )  # fmt: skip
    run = ReconciliationRun.objects.create(since=timezone.now())
    difference = ReconciliationDifference.objects.create(
        kind="status", object_type="refund", object_id="re_9", found_by=run,
        last_seen_at=timezone.now(),
    )  # fmt: skip
    return [
        order, coupon, redemption, payment, refund, movement, LedgerEntry.objects.all()[0],
        Invoice.objects.get(), CreditNote.objects.get(), Dispute.objects.get(), account, payout,
        RevenueShare.objects.create(course=make_course(), percent=50), run, difference,
        RefundRequest.objects.create(order=order, user=user), *_learning(order),
        BankPayoutFailure.objects.create(account=account, stripe_payout_id="po_1"),
        BalanceMovement.objects.create(
            stripe_id="txn_1", type="topup", amount=5, fee=0, net=5, currency="eur",
            happened_at=timezone.now(), available_on=timezone.now(),
        ),
    ]  # fmt: skip


def _learning(order: Order) -> list[Model]:
    enrollment = Enrollment.objects.get(course=order.items.get().course)
    certificate = Certificate.objects.create(
        enrollment=enrollment, user=enrollment.user, course=enrollment.course, serial="LF-1",
        student_name="Ada", course_title="Lute", instructor_name="Bob", hours=1,
        issued_at=timezone.now(), next_attempt_at=timezone.now(),
    )  # fmt: skip
    return [enrollment, certificate]


def _traces(rows: Rows) -> list[Model]:
    now = timezone.now()
    event = OutboxEvent.objects.create(name="users.registered", payload={"secret": SECRET})
    return [
        OutboxDelivery.objects.create(event=event, handler="h", next_attempt_at=now, status="dead"),
        AuditEntry.objects.create(action="tried", target_type="x", target_id="y"),
        JobRun.objects.create(job="j", due_at=now, started_at=now, next_attempt_at=now),
        StripeEvent.objects.create(
            id="evt_1", type="charge.refunded", payload={"secret": SECRET}, status="dead",
            created_at_stripe=now, next_attempt_at=now,
        ),
        Email.objects.create(
            dedupe_key="reset:1", kind="reset", to="ada@example.test", subject="Reset",
            text=SECRET, html=SECRET, next_attempt_at=now, status="dead",
        ),
    ]  # fmt: skip


__all__ = [
    "SECRET", "Cart", "Category", "Coupon", "CouponRedemption", "Curriculum", "Lesson", "Payment",
    "Review", "Rows", "Session", "furnish",
]  # fmt: skip
