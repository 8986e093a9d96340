"""The books: they hold of an honest world, and through all that happens. That each invariant sees
its own lie is shown in `tests/proof/test_planted.py`."""

import datetime as dt
import io
import json
import uuid
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import InternalError, connection
from django.test import override_settings
from django.utils import timezone

from core import audit
from enrollments import services as enrollment_services
from enrollments.models import Enrollment
from enrollments.services import Reason
from orders import services as order_services
from orders.models import Order, OrderItem
from payments import books, services
from payments.ledger import payouts as ledger
from payments.models import (
    LedgerEntry,
    Payment,
    Payout,
    PayoutAccount,
    ReconciliationDifference,
    Refund,
)
from payments.stripe_gateway import DisputeFacts, IntentFacts, RefundFacts
from payments.tests.money import plan_decided
from tests.factories import (
    OrderFactory,
    OrderItemFactory,
    StaffFactory,
    UserFactory,
    make_course,
)
from tests.factories.coupons import CouponFactory, redeem
from tests.parallel import run_in_parallel
from users.models import User


def make_order(*, lines: int = 2, discount: str = "0.00", user: User | None = None) -> Order:
    """A pending order of courses at 50.00, each with an instructor."""
    price, off = Decimal("50.00") * lines, Decimal(discount)
    order = OrderFactory.create(
        user=user or UserFactory.create(), subtotal=price, discount_amount=off,
        total_amount=price - off,
    )  # fmt: skip
    for _ in range(lines):
        course = make_course(price=Decimal("50.00"))
        OrderItemFactory.create(
            order=order, course=course, price_at_purchase=Decimal("50.00"),
            discount_amount=off / lines, instructor=course.instructor,
        )  # fmt: skip
    return order


def pay(order: Order, *, amount: str | None = None) -> Payment:
    """Let Stripe say that the order was paid, with or without our having asked for it."""
    number = uuid.uuid4().hex
    minor = int(Decimal(amount or order.total_amount) * 100)
    services.settle(
        intent=IntentFacts(
            id=f"pi_{number}", status="succeeded", amount=minor, amount_received=minor,
            currency="usd", client_secret="", charge_id=f"ch_{number}", order_id=str(order.id),
            error_code="", error_message="", fee=321,
        )
    )  # fmt: skip
    return Payment.objects.get(stripe_payment_id=f"pi_{number}")


def hear_of_refund(
    payment: Payment, amount: str, *, status: str = "succeeded", of: str = ""
) -> str:
    """Let Stripe tell of a refund; returns its id there."""
    stripe_id = of or f"re_{uuid.uuid4().hex}"
    services.sync_refund(
        facts=RefundFacts(
            id=stripe_id, status=status, amount=int(Decimal(amount) * 100),
            intent_id=payment.stripe_payment_id, refund_id="",
        )
    )  # fmt: skip
    return stripe_id


def dispute(payment: Payment, *, status: str = "needs_response", of: str = "") -> str:
    """Let Stripe tell of a dispute over the whole payment; returns its id there."""
    stripe_id = of or f"dp_{uuid.uuid4().hex}"
    services.sync_dispute(
        facts=DisputeFacts(
            id=stripe_id, status=status, reason="fraudulent", amount=int(payment.amount * 100),
            currency="usd", intent_id=payment.stripe_payment_id, opened_at=timezone.now(),
            fee=None if status.startswith("warning") else 1500,
        )
    )  # fmt: skip
    return stripe_id


def pay_out() -> list[Payout]:
    """Payouts of 5.00 to one instructor, who earned enough: one that failed, one that was made, one
    that was taken back in part, one taken back as a whole, one that is due."""
    with override_settings(EARNINGS_HOLD=dt.timedelta(0)):
        earned = pay(make_order(lines=1)).order.items.get()
    assert earned.instructor is not None
    account = PayoutAccount.objects.create(instructor=earned.instructor)
    payouts: list[Payout] = []
    for status, returned in (
        ("failed", None), ("paid", None), ("paid", "2.00"), ("failed", "5.00"), ("due", None)
    ):  # fmt: skip
        payout = Payout.objects.create(
            account=account, amount=Decimal("5.00"), currency="usd", status=status,
            next_attempt_at=timezone.now(), paid_at=timezone.now() if status == "paid" else None,
            stripe_transfer_id=f"tr_{len(payouts)}",
        )  # fmt: skip
        ledger.post_payout(payout=payout)
        if status == "paid" or returned:
            ledger.post_payout_paid(payout=payout)
        elif status == "failed":
            ledger.post_payout_failed(payout=payout)
        if returned:
            ledger.post_payout_returned(payout=payout, returned=Decimal(returned))
        payouts.append(payout)
    return payouts


@dataclass(frozen=True)
class World:
    """One order of every fate."""

    pending: Order
    completed: Order
    with_coupon: Order
    refunded: Order
    owned: Order
    late: Order
    disputed: Order
    lost: Order


@pytest.fixture
def world(db: None) -> World:
    coupon = CouponFactory.create(max_redemptions=5, max_redemptions_per_person=1)
    pending, with_coupon = make_order(), make_order(discount="10.00")
    Order.objects.filter(id=with_coupon.id).update(coupon=coupon)
    redeem(coupon, with_coupon)
    completed, refunded, owned, late = make_order(), make_order(), make_order(), make_order()
    disputed, lost = make_order(), make_order()
    for order in (completed, with_coupon):
        pay(order)
    hear_of_refund(pay(refunded), "100.00", status="pending")
    item = owned.items.all()[0]
    assert owned.user is not None
    enrollment_services.grant_access(
        user_id=owned.user.id, course_id=item.course_id, actor_id=StaffFactory.create().id
    )
    pay(owned)
    order_services.close_order(order_id=late.id, reason="canceled")
    pay(late)
    dispute(pay(disputed))
    dispute(pay(lost), status="lost")
    failing = pay(make_order())
    hear_of_refund(failing, "100.00", status="failed", of=hear_of_refund(failing, "100.00"))
    pay_out()
    for enrollment in Enrollment.objects.all():
        _count_students(enrollment)
    return World(pending, completed, with_coupon, refunded, owned, late, disputed, lost)


def _count_students(enrollment: Enrollment) -> None:
    """Factories make enrolments without counting them."""
    active = Enrollment.objects.filter(course=enrollment.course, status="active").count()
    run_sql(
        f"UPDATE courses_coursestats SET student_count = {active} "
        f"WHERE course_id = '{enrollment.course_id}'"
    )


def run_sql(*statements: str) -> None:
    with connection.cursor() as cursor:
        # What is deferred has to be over before a table can be altered.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for statement in statements:
            cursor.execute(statement)
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")


def broken_names() -> set[str]:
    return {violation.invariant for violation in books.verify()}


def of(order: Order) -> str:
    return f"id = '{order.id}'"


_FREE_LEDGER = [
    f"ALTER TABLE payments_ledger{name} DISABLE TRIGGER USER" for name in ("entry", "transaction")
]


def test_an_honest_world_breaks_nothing(world: World) -> None:
    assert books.verify() == []
    states = Order.objects.values_list("status", flat=True)
    assert set(states) == {"pending", "completed", "refunded", "failed"}


def test_the_documentation_tells_every_invariant() -> None:
    told = (Path(settings.BASE_DIR) / "docs" / "reconciliation.md").read_text()
    for invariant in books.INVARIANTS:
        assert f"| `{invariant.name}` | {invariant.sentence} |" in told


@pytest.mark.parametrize(
    "lie",
    [
        "UPDATE payments_payout SET status = 'failed' WHERE id = '{paid}'",
        "UPDATE payments_payout SET status = 'paid', paid_at = now() WHERE id = '{returned}'",
        "UPDATE payments_payout SET status = 'paid', paid_at = now() WHERE id = '{due}'",
        "UPDATE payments_payout SET currency = 'eur' WHERE id = '{paid}'",
        "UPDATE payments_payoutaccount SET instructor_id = '{somebody}'",
    ],
)
def test_a_payout_is_seen_that_is_not_what_is_booked(db: None, lie: str) -> None:
    _, paid, _, returned, due = pay_out()
    assert books.verify() == []
    told = lie.format(
        paid=paid.id, returned=returned.id, due=due.id, somebody=UserFactory.create().id
    )
    run_sql(
        "SET LOCAL session_replication_role = replica", told,
        "SET LOCAL session_replication_role = origin",
    )  # fmt: skip
    assert "payout_is_booked_as_it_stands" in broken_names()


@override_settings(STRIPE_SECRET_KEY="")
def test_the_nightly_run_tells_of_a_guard_that_is_off(db: None) -> None:
    switch = "ALTER TABLE payments_payout {} TRIGGER payout_is_booked"
    for switched, told in (("DISABLE", ["guards_are_in_force"]), ("ENABLE", [])):
        run_sql(switch.format(switched))
        services.compare_now(since=timezone.now(), on_progress=lambda run: None)
        rows = ReconciliationDifference.objects.filter(resolved_at=None)
        assert list(rows.values_list("object_id", flat=True)) == told


def test_a_movement_without_sides_is_seen(world: World) -> None:
    run_sql(*_FREE_LEDGER)
    LedgerEntry.objects.filter(transaction__kind="sale").delete()
    found = [row for row in books.verify() if row.invariant == "ledger_transaction_adds_up"]
    assert found
    assert {row.facts["entries"] for row in found} == {"0"}


def test_staff_may_take_a_course_away_and_it_may_be_bought_again(world: World) -> None:
    item = world.completed.items.all()[0]
    assert item.enrollment_id is not None
    staff = UserFactory.create()
    enrollment_services.revoke_enrollments(
        enrollment_ids=[item.enrollment_id],
        reason=Reason.of_staff("shared the password"),
        actor_id=staff.id,
    )
    assert books.verify() == []
    again = OrderFactory.create(user=world.completed.user, subtotal=Decimal("50.00"))
    OrderItemFactory.create(
        order=again, course=item.course, price_at_purchase=Decimal("50.00"),
        instructor=item.course.instructor,
    )  # fmt: skip
    pay(again)
    assert OrderItem.objects.filter(enrollment_id=item.enrollment_id).count() == 2
    assert books.verify() == []


def test_a_course_taken_away_by_nobody_is_seen(world: World) -> None:
    item = world.completed.items.all()[0]
    assert item.enrollment_id is not None
    run_sql(
        f"UPDATE enrollments_enrollment SET status = 'revoked' WHERE id = '{item.enrollment_id}'"
    )
    _count_students(Enrollment.objects.get(id=item.enrollment_id))
    names = {"paid_line_opens_its_course", "access_follows_its_reasons"}
    assert broken_names() == names
    audit.record_audit(
        actor_id=uuid.uuid4(), action="enrollment.granted", target_type="enrollment",
        target_id=item.enrollment_id,
    )  # fmt: skip
    assert broken_names() == names


@pytest.mark.parametrize(
    "story",
    [
        ["needs_response"], ["needs_response", "won"], ["needs_response", "lost"], ["lost"],
        ["won"], ["warning_needs_response"], ["warning_needs_response", "warning_closed"],
        ["warning_needs_response", "needs_response", "won"],
    ],
    ids=" ".join,
)  # fmt: skip
def test_the_books_hold_through_a_dispute(db: None, story: list[str]) -> None:
    payment, at_stripe = pay(make_order()), ""
    for status in story:
        at_stripe = dispute(payment, status=status, of=at_stripe)
        assert books.verify() == [], status


@pytest.mark.parametrize("amounts", [["100.00"], ["30.00", "70.00"], ["10.00"]], ids=" ".join)
@pytest.mark.parametrize("end", ["pending", "succeeded", "failed", "canceled"])
def test_the_books_hold_through_refunds(db: None, amounts: list[str], end: str) -> None:
    payment = pay(make_order())
    for amount in amounts:
        at_stripe = hear_of_refund(payment, amount, status="pending")
        assert books.verify() == []
        hear_of_refund(payment, amount, status=end, of=at_stripe)
        assert books.verify() == []


def test_the_books_hold_while_a_refund_is_due(db: None) -> None:
    payment = pay(make_order())
    plan_decided(payment, "20.00")
    assert books.verify() == []


@pytest.mark.parametrize("amount", ["99.00", "101.00"])
def test_the_books_hold_with_the_wrong_amount(db: None, amount: str) -> None:
    pay(make_order(), amount=amount)
    assert books.verify() == []


@pytest.mark.parametrize("fate", ["late", "owned"])
def test_staff_may_deal_with_money_that_cannot_go_back(world: World, fate: str) -> None:
    payment = Payment.objects.get(order=getattr(world, fate))
    refund = Refund.objects.get(payment=payment)
    services.sync_refund(
        facts=RefundFacts(
            id="re_back", status="failed", amount=int(refund.amount * 100),
            intent_id=payment.stripe_payment_id, refund_id=str(refund.id),
        )
    )  # fmt: skip
    assert books.verify() == []
    services.clear_attention(payment_ids=[payment.id], actor_id=uuid.uuid4())
    payment.refresh_from_db()
    assert payment.needs_attention == ""
    assert books.verify() == []
    run_sql("DELETE FROM core_auditentry WHERE action = 'payment.attention_cleared'")
    assert len(broken_names()) == 1


def test_a_limit_below_what_was_used_is_seen_after_any_edit(world: World) -> None:
    coupon = world.with_coupon.redemption.coupon
    coupon.max_redemptions = 0
    coupon.max_redemptions_per_person = 0
    coupon.save()
    assert broken_names() == {"coupon_within_its_limit", "coupon_within_a_persons_limit"}


def test_verify_books_tells_and_fails(world: World) -> None:
    out = io.StringIO()
    call_command("verify_books", stdout=out)
    assert "paid_line_opens_its_course" in out.getvalue()
    run_sql(f"UPDATE orders_order SET refunded_amount = 1 WHERE {of(world.completed)}")
    out = io.StringIO()
    with pytest.raises(CommandError) as failure:
        call_command("verify_books", "--json", stdout=out)
    assert failure.value.returncode == 1
    rows = json.loads(out.getvalue())
    assert [(row["invariant"], row["subject"]) for row in rows] == [
        ("order_refunds_add_up", world.completed.order_number)
    ]


@pytest.mark.django_db(transaction=True)
def test_all_invariants_are_asked_of_one_snapshot() -> None:
    """An order is paid between one question and the next; nothing of it is to be seen."""
    order = make_order()
    paid = books.Invariant(
        name="paid",
        sentence="How many orders are paid.",
        query="SELECT count(*) AS subject FROM orders_order WHERE status = 'completed'",
    )

    def pay_meanwhile(*_: object) -> None:
        outcome = run_in_parallel(1, lambda _: pay(order))[0]
        assert isinstance(outcome, Payment), outcome

    answers = books.verify(invariants=(paid, paid), on_checked=pay_meanwhile)
    assert [answer.subject for answer in answers] == ["0", "0"]
    assert books.verify(invariants=(paid,))[0].subject == "1"


@pytest.mark.django_db(transaction=True)
def test_verifying_can_change_nothing() -> None:
    lie = books.Invariant(
        name="lie",
        sentence="Reads only.",
        query="SELECT * FROM made",
        given="WITH made AS (INSERT INTO orders_numberseries VALUES ('X', 1) RETURNING name)",
    )
    with pytest.raises(InternalError, match="read-only"):
        books.verify(invariants=(lie,))
