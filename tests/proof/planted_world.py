"""One small and honest marketplace in which every kind of money has moved, for lies to be planted
in: made by the product's own services, of what Stripe would have told."""

import datetime as dt
import uuid
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from django.db import connection
from django.test import override_settings
from django.utils import timezone

from courses.models import Course
from enrollments import services as enrollment_services
from enrollments.models import Enrollment
from orders import services as order_services
from orders.models import Order, OrderItem
from payments import services as payment_services
from payments.ledger import payouts as payout_ledger
from payments.models import (
    BalanceMovement,
    Dispute,
    Payment,
    Payout,
    PayoutAccount,
    Refund,
    RevenueShare,
    SaleLine,
)
from payments.services.balance_reading import keep_movements
from payments.services.terms import remember_terms
from payments.stripe_facts import MovementFacts
from payments.stripe_gateway import DisputeFacts, IntentFacts, RefundFacts
from tests.emptying import unguarded
from tests.factories import CartItemFactory, StaffFactory, UserFactory, make_course
from tests.factories.coupons import CouponFactory
from tests.factories.people import InstructorFactory
from users.models import User

ADDRESS = {"first_name": "Ada", "last_name": "Lovelace", "country": "DE"}
# A payout's end, what of it came back, its amount; all of one instructor, one after the other.
_PAYOUTS = (("failed", "", "4.00"), ("paid", "", "5.00"), ("paid", "2.00", "6.00"),
            ("failed", "7.00", "7.00"), ("due", "", "3.00"))  # fmt: skip
# What moved on the balance at Stripe: its type, what came, Stripe's fee.
_MOVED = (("payout", -10000, 150), ("payout_failure", 10000, 0), ("topup", 5000, 0),
          ("topup_reversal", -5000, 0), ("stripe_fee", -70, 0), ("reserved_funds", -900, 0),
          ("adjustment", 333, 0), ("advance", 100, 0))  # fmt: skip


@dataclass(frozen=True)
class Bought:
    """An order of one fate, by the ids that a statement names."""

    order: str
    payment: str
    intent: str
    user: str
    line: str
    other_line: str
    course: str
    refund: str


@dataclass(frozen=True)
class PlantedWorld:
    """The orders by fate, and whatever else a lie is told of."""

    plain: Bought
    early: Bought
    by_line: Bought
    in_part: Bought
    whole: Bought
    bounced: Bought
    won: Bought
    lost: Bought
    open: Bought
    late: Bought
    owned: Bought
    given: Bought
    pending: Bought
    ann: str
    bob: str
    coupon: str
    free_enrollment: str
    payouts: dict[str, str]
    moved: dict[str, str]

    def names(self) -> dict[str, Any]:
        """Return what a statement may name in braces."""
        return dict(vars(self))


class Maker:
    """Makes the world, step by step."""

    def __init__(self) -> None:
        self.staff = StaffFactory.create()
        self.ann, self.bob = InstructorFactory.create(), InstructorFactory.create()
        self.courses = [
            _course("50.00", self.ann), _course("33.33", self.ann), _course("120.00", self.bob),
            _course("19.99", self.bob),
        ]  # fmt: skip
        self.free = _course("0.00", self.ann)
        RevenueShare.objects.create(course=self.courses[1], percent=80)
        self.coupon = CouponFactory.create(
            code="TEN", percent_off=10, max_redemptions=5, max_redemptions_per_person=1
        )

    def order(self, *places: int, user: User | None = None, coupon: str = "") -> Order:
        """A pending order of these courses, as the buyer's cart makes it."""
        user = user or UserFactory.create()
        for place in places:
            CartItemFactory.create(cart__user=user, course=self.courses[place])
        created = order_services.create_from_cart(
            user_id=user.id, billing_address=ADDRESS, coupon_code=coupon
        )
        return Order.objects.get(id=created.order_id)

    def buy(self, *places: int, user: User | None = None, coupon: str = "") -> Bought:
        """A paid order of these courses."""
        return self.pay(self.order(*places, user=user, coupon=coupon))

    def pay(self, order: Order) -> Bought:
        """Let Stripe say that the order was paid, and what it kept."""
        self.attempt(order, "succeeded")
        return describe(order)

    def attempt(self, order: Order, *statuses: str) -> None:
        """Let Stripe say how an intent of the order stands, one after the other."""
        name, minor = uuid.uuid4().hex, int(order.total_amount * 100)
        for status in statuses:
            is_paid = status == "succeeded"
            payment_services.settle(
                intent=IntentFacts(
                    id=f"pi_{name}", status=status, amount=minor,
                    amount_received=minor if is_paid else 0, currency="usd", client_secret="",
                    charge_id=f"ch_{name}", order_id=str(order.id), error_code="",
                    error_message="", fee=321 if is_paid else None,
                )
            )  # fmt: skip

    def refund(self, bought: Bought, status: str, *, of: str = "", amount: str = "") -> str:
        """Let Stripe tell how the planned refund `of` stands, or one made there; its id there."""
        planned = Refund.objects.filter(id=of).first() if of else None
        payment = Payment.objects.get(id=bought.payment)
        at_stripe = f"re_{of or uuid.uuid4().hex}"
        payment_services.sync_refund(
            facts=RefundFacts(
                id=at_stripe, status=status, intent_id=payment.stripe_payment_id,
                amount=int((planned.amount if planned else Decimal(amount)) * 100), refund_id=of,
            )
        )  # fmt: skip
        return at_stripe

    def give_back(self, bought: Bought, *lines: str, status: str = "succeeded") -> str:
        """Let staff refund these lines, or all, and Stripe do it, or the bank be at it; the
        refund's id."""
        planned = payment_services.refund_order(
            order_id=uuid.UUID(bought.order),
            item_ids=[uuid.UUID(line) for line in lines] or None,
            note="",
            actor_id=self.staff.id,
        )
        self.refund(bought, "pending", of=str(planned.id))
        self.refund(bought, status, of=str(planned.id))
        return str(planned.id)

    def dispute(self, bought: Bought, *statuses: str) -> None:
        """Let Stripe tell of a dispute in these states, one after the other."""
        payment = Payment.objects.get(id=bought.payment)
        for status in statuses:
            payment_services.sync_dispute(
                facts=DisputeFacts(
                    id=f"dp_{bought.payment}", status=status, reason="fraudulent",
                    amount=int(payment.amount * 100), currency="usd",
                    intent_id=payment.stripe_payment_id, opened_at=timezone.now(),
                    fee=None if status.startswith("warning_") else 1500,
                )
            )  # fmt: skip

    def give(self, place: int) -> None:
        """Let staff give somebody this course."""
        enrollment_services.grant_access(
            user_id=UserFactory.create().id,
            course_id=self.courses[place].id,
            actor_id=self.staff.id,
        )

    def pay_out(self) -> dict[str, str]:
        """Payouts of every end to one instructor; their ids by `<status>` or `<status>_<back>`."""
        account = PayoutAccount.objects.create(instructor=self.ann, stripe_account_id="acct_ann")
        made = {}
        for status, back, amount in _PAYOUTS:
            payout = _payout(account, status=status, back=back, amount=Decimal(amount))
            made[f"{status}_back" if back else status] = str(payout.id)
        return made


def make_world() -> PlantedWorld:
    """Make the marketplace in the caller's transaction. Nothing in it breaks an invariant."""
    with override_settings(TAX_RULE="orders.taxes.rate_by_country", TAX_RATES={"DE": Decimal(19)}):
        _remember_terms_of_before()
        maker = Maker()
        with override_settings(EARNINGS_HOLD=dt.timedelta(0)):
            remember_terms()
            early = maker.buy(0, 1)
        remember_terms()
        plain = maker.buy(0, 2, coupon="TEN")
        by_line = maker.buy(0, 1, 3)
        _ask_and_give_back(maker, by_line)
        in_part = maker.buy(0, 2)
        maker.refund(in_part, "succeeded", amount="23.45")
        whole, bounced = maker.buy(2, 3), maker.buy(0, 2)
        maker.give_back(whole)
        maker.give_back(bounced, status="failed")
        won, lost, opened = maker.buy(2), maker.buy(0, 3), maker.buy(3)
        maker.dispute(won, "needs_response", "won")
        maker.dispute(lost, "needs_response", "lost")
        maker.dispute(opened, "needs_response")
        _make_rarer_fates(maker)
        return _fold(PlantedWorld(
            plain=plain, early=early, by_line=again(by_line), in_part=again(in_part),
            whole=again(whole), bounced=again(bounced), won=won, lost=lost,
            open=opened, late=_pay_late(maker),
            owned=_buy_what_is_owned(maker), given=_buy_what_was_given(maker),
            pending=describe(maker.order(1)),
            ann=str(maker.ann.id), bob=str(maker.bob.id), coupon=str(maker.coupon.id),
            free_enrollment=_enroll_free(maker),
            payouts=maker.pay_out(),
            moved=_move_balance(),
        ))  # fmt: skip


def _remember_terms_of_before() -> None:
    """The terms are known for some days: what is sold within one of the first is held to none."""
    remember_terms()
    with unguarded(), connection.cursor() as cursor:
        cursor.execute("UPDATE payments_term SET changed_at = changed_at - interval '3 days'")


def _make_rarer_fates(maker: Maker) -> None:
    """What is no lie either, and none is told of."""
    maker.attempt(maker.order(0, 1), "processing")
    debited = maker.order(1)
    maker.attempt(debited, "processing", "requires_payment_method", "canceled")
    maker.pay(debited)
    maker.attempt(maker.order(2), "canceled")
    maker.give_back(maker.buy(0, 1), status="pending")
    maker.give_back(maker.buy(1, 3), status="canceled")
    maker.dispute(maker.buy(1, 2), "warning_needs_response")
    maker.dispute(maker.buy(0), "warning_needs_response", "warning_closed")
    maker.dispute(maker.buy(0, 1), "needs_response", "lost", "appeal_under_review")
    maker.dispute(maker.buy(1, 3), "needs_response", "lost", "appeal_needs_response", "won")
    maker.give(2)


def _fold(world: PlantedWorld) -> PlantedWorld:
    """Some of the running balances are folded in, some aren't: what is held stays apart."""
    assert payment_services.fold_balances() > 0
    return world


def describe(order: Order) -> Bought:
    """Name the rows of the order."""
    items = list(OrderItem.objects.filter(order=order).order_by("created_at", "id"))
    payment = Payment.objects.filter(order=order).first()
    return Bought(
        order=str(order.id),
        payment=str(payment.id) if payment else "",
        intent=payment.stripe_payment_id if payment else "",
        user=str(order.user_id),
        line=str(items[0].id),
        other_line=str(items[-1].id),
        course=str(items[0].course_id),
        refund="",
    )


def again(bought: Bought) -> Bought:
    """Name the refund, too, that was made since."""
    refund = Refund.objects.get(payment_id=bought.payment)
    return replace(bought, refund=str(refund.id))


def _ask_and_give_back(maker: Maker, bought: Bought) -> None:
    """A request of the buyer's that staff grant, and one that is open still."""
    ids = [uuid.UUID(bought.line)], [uuid.UUID(bought.other_line)]
    asked = [
        payment_services.request_refund(
            order_id=uuid.UUID(bought.order), user_id=uuid.UUID(bought.user), item_ids=ids[0],
            reason="too long",
        )
    ]  # fmt: skip
    payment_services.approve_request(request_id=asked[0].id, actor_id=maker.staff.id)
    granted = Refund.objects.get(payment_id=bought.payment)
    maker.refund(bought, "succeeded", of=str(granted.id))
    payment_services.request_refund(
        order_id=uuid.UUID(bought.order), user_id=uuid.UUID(bought.user), item_ids=ids[1],
        reason="too short",
    )  # fmt: skip


def _pay_late(maker: Maker) -> Bought:
    """Money for an order that was closed: it goes back."""
    order = maker.order(0)
    order_services.close_order(order_id=order.id, reason="canceled")
    late = maker.pay(order)
    maker.refund(late, "succeeded", of=str(Refund.objects.get(payment_id=late.payment).id))
    return again(late)


def _buy_what_is_owned(maker: Maker) -> Bought:
    """An order of two courses, of which the buyer was given one before it was paid: its money is to
    go back."""
    order = maker.order(0, 2)
    assert order.user_id is not None
    enrollment_services.grant_access(
        user_id=order.user_id, course_id=maker.courses[0].id, actor_id=maker.staff.id
    )
    return again(maker.pay(order))


def _buy_what_was_given(maker: Maker) -> Bought:
    """An order of a course that staff had given to the buyer and taken back; it is refunded."""
    user = UserFactory.create()
    given = enrollment_services.grant_access(
        user_id=user.id, course_id=maker.courses[0].id, actor_id=maker.staff.id
    )
    enrollment_services.revoke_enrollments(
        enrollment_ids=[given.id],
        reason=enrollment_services.Reason.of_staff("By mistake"),
        actor_id=maker.staff.id,
    )
    bought = maker.buy(0, user=user)
    maker.give_back(bought)
    return bought


def _enroll_free(maker: Maker) -> str:
    someone = UserFactory.create()
    return str(enrollment_services.enroll_free(user_id=someone.id, course_id=maker.free.id).id)


def _move_balance() -> dict[str, str]:
    """What moves at Stripe by itself, one of each kind and one that is only shown; their ids by
    Stripe's type."""
    for kind, amount, fee in _MOVED:
        keep_movements(
            [
                MovementFacts(
                    id=f"txn_{kind}", type=kind, reporting_category="", amount=amount, fee=fee,
                    net=amount - fee, currency="usd", created=timezone.now(),
                    available_on=timezone.now(), description="", source="",
                )
            ]
        )  # fmt: skip
    return {moved.type: str(moved.id) for moved in BalanceMovement.objects.all()}


def _payout(account: PayoutAccount, *, status: str, back: str, amount: Decimal) -> Payout:
    payout = Payout.objects.create(
        account=account, amount=amount, currency="usd", status=status,
        next_attempt_at=timezone.now(), paid_at=timezone.now() if status == "paid" else None,
        stripe_transfer_id=f"tr_{amount}",
    )  # fmt: skip
    payout_ledger.post_payout(payout=payout)
    if status == "paid" or back:
        payout_ledger.post_payout_paid(payout=payout)
    elif status == "failed":
        payout_ledger.post_payout_failed(payout=payout)
    if back:
        payout_ledger.post_payout_returned(payout=payout, returned=Decimal(back))
    return payout


def _course(price: str, instructor: User) -> Course:
    return make_course(
        sections=1, lessons=1, price=Decimal(price), original_price=None, instructor=instructor
    )


def count_fates() -> dict[str, set[Any]]:
    """Return which states there are of each kind of row, to show that none is missing."""
    return {
        "orders": set(Order.objects.values_list("status", flat=True)),
        "lines": set(OrderItem.objects.values_list("state", flat=True)),
        "payments": set(Payment.objects.values_list("status", flat=True)),
        "intents": set(Payment.objects.values_list("stripe_status", flat=True)),
        "percents": set(SaleLine.objects.values_list("percent", flat=True)),
        "refunds": set(Refund.objects.values_list("status", flat=True)),
        "disputes": set(Dispute.objects.values_list("status", flat=True)),
        "payouts": set(Payout.objects.values_list("status", flat=True)),
        "enrollments": set(Enrollment.objects.values_list("status", flat=True)),
        "sources": set(Enrollment.objects.values_list("source", flat=True)),
    }
