"""Staff are mailed when an instructor couldn't be paid, or money was taken back."""

from decimal import Decimal

import pytest
from django.db import transaction
from django.utils import timezone

from core import outbox
from core.events import Event
from core.models import OutboxDelivery
from notifications.models import Email
from payments.events import PayoutFailed, PayoutTakenBack
from payments.models import Payout, PayoutAccount
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
    StaffFactory.create(email="money@learnflow.test")
    with transaction.atomic():
        outbox.record(event)
    outbox.deliver_due()
    OutboxDelivery.objects.update(status="pending", next_attempt_at=timezone.now())
    outbox.deliver_due()
    assert not OutboxDelivery.objects.exclude(last_error="").exists()
    return Email.objects.get()


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
