"""What a transaction leaves undone is noted by the database, and found without a search."""

import uuid
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import transaction
from django.utils import timezone

from enrollments.models import AccessHold, Enrollment
from orders.models import CreditNote, NumberSeries
from payments import ledger, loose_ends, services
from payments.models import Dispute, LedgerTransaction, LooseEnd, Payment
from payments.tests.ledger.conftest import Sell, add_dispute, add_refund
from payments.tests.ledger.test_missing import unbooked
from tests.factories import UserFactory, make_course

pytestmark = pytest.mark.django_db(transaction=True)
Kind = LooseEnd.Kind


def noted() -> list[tuple[str, uuid.UUID]]:
    return list(LooseEnd.objects.order_by("id").values_list("kind", "object_id"))


def test_what_is_booked_with_its_fact_is_not_noted(sell: Sell) -> None:
    with transaction.atomic():
        payment = sell("40.00")
        payment.fee_amount = Decimal("1.00")
        payment.save()
        ledger.post_fees(payments=[payment])
        ledger.post_refund(refund=add_refund(payment, "10.00"))
        ledger.post_dispute(dispute=add_dispute(payment, "5.00"))
    assert noted() == []


def test_each_fact_that_is_committed_unbooked_is_noted_and_booked(sell: Sell) -> None:
    payment, other = unbooked("10.00"), sell("40.00")
    LooseEnd.objects.exclude(object_id=payment.id).delete()
    refund, dispute = add_refund(other, "10.00"), add_dispute(other, "5.00")
    assert noted() == [
        ("payment", payment.id), ("fee", payment.id), ("refund", refund.id),
        ("dispute", dispute.id),
    ]  # fmt: skip
    assert services.book_missing() == 4
    assert noted() == []
    assert services.book_missing() == 0


def test_a_payment_that_changes_as_little_as_it_may_is_not_noted_again() -> None:
    payment = unbooked("10.00")
    LooseEnd.objects.all().delete()
    payment.needs_attention = "look"
    payment.save()
    assert noted() == []


def test_what_can_not_be_booked_stays_noted() -> None:
    payment = unbooked("20.00", lines="19.00")
    assert services.book_missing() == 1, "its fee"
    assert noted() == [("payment", payment.id)]
    assert services.book_missing() == 0
    assert noted() == [("payment", payment.id)]


def test_a_note_made_meanwhile_is_not_forgotten() -> None:
    payment = unbooked("10.00")

    def look(ids: list[uuid.UUID]) -> int:
        # It becomes undone once more while it is worked on.
        LooseEnd.objects.create(kind=Kind.PAYMENT, object_id=payment.id)
        LedgerTransaction.objects.all()
        return len(ids)

    nothing: set[uuid.UUID] = set()
    done = loose_ends.work_off(
        kind=Kind.PAYMENT, work=look, at_once=10, limit=1, keep=lambda ids: nothing
    )
    assert done == 1
    assert ("payment", payment.id) in noted()


def test_a_full_look_finds_what_was_written_past_the_triggers() -> None:
    payment = unbooked("10.00")
    LooseEnd.objects.all().delete()
    assert services.book_missing() == 0
    assert services.book_missing(everything=True) == 2
    assert LedgerTransaction.objects.filter(payment=payment).count() == 2
    assert services.book_missing(everything=True) == 0
    assert noted() == []


def test_a_full_look_notes_nothing_twice() -> None:
    unbooked("20.00", lines="19.00")
    for _ in range(2):
        services.book_missing(everything=True)
    assert [kind for kind, _ in noted()] == ["payment"]


def test_it_is_the_commit_that_counts() -> None:
    with transaction.atomic():
        payment = unbooked("10.00")
        assert noted() == []
    assert ("payment", payment.id) in noted()


def enrol(status: str) -> Enrollment:
    return Enrollment.objects.create(
        user=UserFactory.create(), course=make_course(), status=status, source="purchase",
        enrolled_at=timezone.now() - timedelta(days=1),
    )  # fmt: skip


def test_access_without_its_reason_is_noted_and_explained() -> None:
    closed, opened = enrol("revoked"), enrol("active")
    assert noted() == [("access", closed.id)]
    Enrollment.objects.filter(id=opened.id).update(status="suspended")
    assert ("access", opened.id) in noted()
    assert services.repair_access() == 2
    assert noted() == []
    assert AccessHold.objects.count() == 2
    AccessHold.objects.all().delete()
    assert {object_id for _, object_id in noted()} == {closed.id, opened.id}


def test_progress_is_not_looked_at() -> None:
    enrollment = enrol("active")
    Enrollment.objects.filter(id=enrollment.id).update(lessons_completed=1)
    assert noted() == []


def test_a_dispute_decided_without_its_credit_note_is_noted_once(sell: Sell) -> None:
    """Of its order, which has no invoice, nothing can be credited: nobody looks again."""
    dispute = add_dispute(sell("40.00"), "40.00")
    services.book_missing()
    Dispute.objects.filter(id=dispute.id).update(status="lost", closed_at=timezone.now())
    assert noted() == [("note", dispute.id)]
    services.book_missing()
    assert noted() == []
    assert not CreditNote.objects.exists()
    assert not NumberSeries.objects.filter(name__startswith="CN").exists()


def test_payments_of_all_kinds_are_noted_in_order() -> None:
    first, second = unbooked("10.00"), unbooked("20.00")
    LooseEnd.objects.all().delete()
    Payment.objects.filter(id=second.id).update(succeeded_at=timezone.now() - timedelta(days=2))
    LooseEnd.objects.all().delete()
    assert loose_ends.note_all(kinds=[Kind.PAYMENT]) == 2
    assert [object_id for _, object_id in noted()] == [second.id, first.id]
