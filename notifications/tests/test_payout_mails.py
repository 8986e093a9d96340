"""Who is mailed when an instructor couldn't be paid, or money was taken back."""

from decimal import Decimal

import pytest
from django.db import transaction
from django.utils import timezone

from core import outbox
from core.events import Event
from core.models import OutboxDelivery
from notifications.models import Email
from payments.events import (
    BankPayoutFailed,
    PayoutAccountInTrouble,
    PayoutFailed,
    PayoutsHeld,
    PayoutTakenBack,
)
from payments.models import (
    BankPayoutFailure,
    Payout,
    PayoutAccount,
    ReconciliationDifference,
    ReconciliationRun,
)
from tests.factories import StaffFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def payout() -> Payout:
    teacher = UserFactory.create(email="teacher@learnflow.test")
    return Payout.objects.create(
        account=PayoutAccount.objects.create(instructor=teacher),
        amount=Decimal("28.00"),
        currency="usd",
        status="failed",
        last_error="balance_insufficient: You have insufficient funds",
        next_attempt_at=timezone.now(),
    )


def tell(event: Event) -> Email:
    """Record the event, deliver it twice, and return the one mail that was written."""
    (mail,) = tell_all(event)
    return mail


def tell_all(event: Event) -> list[Email]:
    """Record the event, deliver it twice, and return the mails that were written."""
    StaffFactory.create(email="money@learnflow.test")
    with transaction.atomic():
        outbox.record(event)
    outbox.deliver_due()
    OutboxDelivery.objects.update(status="pending", next_attempt_at=timezone.now())
    outbox.deliver_due()
    assert not OutboxDelivery.objects.exclude(last_error="").exists()
    return list(Email.objects.order_by("to"))


def test_payouts_that_are_held_are_told_to_staff(payout: Payout) -> None:
    difference = ReconciliationDifference.objects.create(
        kind="amount", object_type="payment_intent", object_id="pi_1", last_seen_at=timezone.now(),
        found_by=ReconciliationRun.objects.create(since=timezone.now()),
        earners=[str(payout.account.instructor_id)],
    )  # fmt: skip
    mail = tell(PayoutsHeld(difference_id=difference.id))
    assert (mail.kind, mail.to) == ("staff-payouts-held", "money@learnflow.test")
    for word in ("teacher@learnflow.test", "payment_intent pi_1: amount", "/admin/"):
        assert word in mail.text


def test_a_payout_that_failed_is_told_to_staff(payout: Payout) -> None:
    mail = tell(PayoutFailed(payout_id=payout.id))
    assert (mail.kind, mail.to) == ("staff-payout-failed", "money@learnflow.test")
    for word in ("28.00 USD", "teacher@learnflow.test", "balance_insufficient", "owed", "/admin/"):
        assert word in mail.text
    assert str(payout.id) in mail.text


def test_a_payout_that_was_taken_back_is_told_to_staff(payout: Payout) -> None:
    mail = tell(PayoutTakenBack(payout_id=payout.id, amount=Decimal("8.00")))
    assert (mail.kind, mail.to) == ("staff-payout-taken-back", "money@learnflow.test")
    for word in ("8.00 USD", "28.00 USD", "teacher@learnflow.test", "/admin/"):
        assert word in mail.text


@pytest.mark.parametrize("trouble", PayoutAccount.Trouble.values)
def test_an_account_in_trouble_is_told_to_its_instructor(payout: Payout, trouble: str) -> None:
    account = payout.account
    mail = tell(
        PayoutAccountInTrouble(
            account_id=account.id, user_id=account.instructor_id, trouble=trouble
        )
    )
    assert (mail.kind, mail.to) == ("payout-account", "teacher@learnflow.test")
    assert "paused" in mail.subject
    assert "/instructor/payouts" in mail.text


def test_a_payout_that_a_bank_refused_is_told_to_both(payout: Payout) -> None:
    failure = BankPayoutFailure.objects.create(
        account=payout.account, stripe_payout_id="po_1", reason="account_closed"
    )
    staff, teacher = tell_all(
        BankPayoutFailed(failure_id=failure.id, user_id=payout.account.instructor_id)
    )
    assert (staff.kind, staff.to) == ("staff-bank-payout", "money@learnflow.test")
    assert (teacher.kind, teacher.to) == ("bank-payout-failed", "teacher@learnflow.test")
    for mail in (staff, teacher):
        assert "account closed" in mail.text
    assert str(failure.id) in staff.text
