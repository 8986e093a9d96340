"""Which event staff are mailed about: money that went wrong, and buyers who wait for an answer."""

import datetime as dt
from collections.abc import Sequence

from django.conf import settings
from django.urls import reverse
from django.utils import formats, timezone

from core.events import Event
from core.outbox import subscribe
from core.urls import absolute
from notifications import staff_letters
from notifications.course_access import CourseAccess
from notifications.letter import Letter
from notifications.selectors import find_access
from notifications.services import write_email
from orders import selectors as order_selectors
from orders.events import OrderCompleted
from payments import selectors as payment_selectors
from payments.events import (
    BankPayoutFailed,
    DisputeClosed,
    DisputeOpened,
    PaymentNeedsAttention,
    PayoutFailed,
    PayoutsHeld,
    PayoutTakenBack,
    RefundDelayed,
    RefundFailed,
    RefundRequested,
)
from payments.selectors import DisputeDetails
from users import selectors as user_selectors


@subscribe(DisputeOpened, name="notifications.alert_dispute_opened", queue="money")
def alert_dispute_opened(event: DisputeOpened) -> None:
    """There is a date by which to answer the bank."""
    dispute = payment_selectors.get_dispute_details(dispute_id=event.dispute_id)
    due = dispute.evidence_due_at
    letter = staff_letters.dispute(
        order_number=dispute.order_number,
        stripe_id=dispute.stripe_id,
        amount=dispute.amount,
        currency=dispute.currency,
        reason=dispute.reason.replace("_", " "),
        evidence_due=formats.date_format(timezone.localtime(due), "j F Y H:i e") if due else "",
        is_inquiry=dispute.is_inquiry,
        is_appeal=dispute.is_appeal,
        access=_find_access(dispute),
        url=_admin_url("dispute", event.dispute_id),
    )
    _alert(event, "staff-dispute", letter, of="dispute")


@subscribe(DisputeClosed, name="notifications.alert_dispute_closed", queue="money")
def alert_dispute_closed(event: DisputeClosed) -> None:
    """How the bank decided."""
    dispute = payment_selectors.get_dispute_details(dispute_id=event.dispute_id)
    letter = staff_letters.dispute_closed(
        order_number=dispute.order_number,
        stripe_id=dispute.stripe_id,
        amount=dispute.amount,
        currency=dispute.currency,
        won=event.won,
        access=_find_access(dispute),
        url=_admin_url("dispute", event.dispute_id),
    )
    _alert(event, "staff-dispute-closed", letter, of="dispute")


@subscribe(RefundFailed, name="notifications.alert_refund_failed", queue="money")
def alert_refund_failed(event: RefundFailed) -> None:
    """The buyer is still owed the money."""
    facts = payment_selectors.get_refund_facts(refund_id=event.refund_id)
    letter = staff_letters.refund_failed(
        order_number=facts.order_number,
        amount=facts.amount,
        currency=facts.currency,
        reason=facts.failure_reason.replace("_", " "),
        undone=event.was_applied,
        access=CourseAccess()
        if facts.is_undue
        else find_access(order_id=facts.order_id, user_id=facts.user_id),
        url=_admin_url("refund", event.refund_id),
    )
    _alert(event, "staff-refund-failed", letter, of="refund")


@subscribe(RefundDelayed, name="notifications.alert_refund_delayed", queue="money")
def alert_refund_delayed(event: RefundDelayed) -> None:
    """The balance at Stripe has to be topped up, or a buyer waits."""
    facts = payment_selectors.get_refund_facts(refund_id=event.refund_id)
    letter = staff_letters.refund_delayed(
        order_number=facts.order_number,
        amount=facts.amount,
        currency=facts.currency,
        was_told=event.was_told,
        goes_on=event.goes_on,
        url=_admin_url("refund", event.refund_id),
    )
    _alert(event, "staff-refund-delayed", letter, of="refund")


@subscribe(RefundRequested, name="notifications.alert_refund_requested", queue="money")
def alert_refund_requested(event: RefundRequested) -> None:
    """A buyer waits for an answer."""
    row = payment_selectors.get_request(request_id=event.request_id)
    letter = staff_letters.refund_request(
        order_number=row["order_number"],
        titles=[item["course"]["title"] for item in row["items"]],
        reason=row["reason"],
        url=_admin_url("refundrequest", event.request_id),
    )
    _alert(event, "staff-refund-request", letter, of="refundrequest")


@subscribe(PaymentNeedsAttention, name="notifications.alert_undue_payment", queue="money")
def alert_undue_payment(event: PaymentNeedsAttention) -> None:
    """Money came that can't stay."""
    letter = staff_letters.undue_payment(
        order_number=payment_selectors.get_order_number(order_id=event.order_id),
        reason=event.reason,
        url=_admin_url("payment", event.payment_id),
    )
    _alert(event, "staff-undue-payment", letter, of="payment")


@subscribe(PayoutFailed, name="notifications.alert_payout_failed", queue="money")
def alert_payout_failed(event: PayoutFailed) -> None:
    """An instructor waits for money."""
    payout = payment_selectors.get_payout_details(payout_id=event.payout_id)
    letter = staff_letters.payout_failed(
        instructor=payout.instructor,
        amount=payout.amount,
        currency=payout.currency,
        reason=payout.trouble,
        url=_admin_url("payout", event.payout_id),
    )
    _alert(event, "staff-payout-failed", letter, of="payout")


@subscribe(PayoutTakenBack, name="notifications.alert_payout_taken_back", queue="money")
def alert_payout_taken_back(event: PayoutTakenBack) -> None:
    """Somebody with access to Stripe moved money."""
    payout = payment_selectors.get_payout_details(payout_id=event.payout_id)
    letter = staff_letters.payout_taken_back(
        instructor=payout.instructor,
        amount=payout.amount,
        returned=event.amount,
        currency=payout.currency,
        url=_admin_url("payout", event.payout_id),
    )
    _alert(event, "staff-payout-taken-back", letter, of="payout")


@subscribe(PayoutsHeld, name="notifications.alert_payouts_held", queue="money")
def alert_payouts_held(event: PayoutsHeld) -> None:
    """Instructors wait for money until somebody looks."""
    held = payment_selectors.get_held_payouts(difference_id=event.difference_id)
    letter = staff_letters.payouts_held(
        what=held.what,
        instructors=held.instructors,
        url=_admin_url("reconciliationdifference", event.difference_id),
    )
    _alert(event, "staff-payouts-held", letter, of="reconciliationdifference")


@subscribe(BankPayoutFailed, name="notifications.alert_bank_payout_failed", queue="money")
def alert_bank_payout_failed(event: BankPayoutFailed) -> None:
    """An instructor's bank refused money; they may ask why it didn't come."""
    failure = payment_selectors.get_bank_failure_details(failure_id=event.failure_id)
    letter = staff_letters.bank_payout_failed(
        instructor=failure.instructor,
        stripe_id=failure.stripe_payout_id,
        reason=failure.reason,
        url=_admin_url("bankpayoutfailure", event.failure_id),
    )
    _alert(event, "staff-bank-payout", letter, of="bankpayoutfailure")


def alert_held_receipts(happened: Sequence[OrderCompleted]) -> None:
    """Tell staff of receipts that can't be printed, if one of these orders has such a one: once
    per buyer and day, and never of an order that cost nothing. Anybody can have either without
    end."""
    held = order_selectors.find_held_receipts(order_ids=[event.order_id for event in happened])
    for event in happened:
        if receipt := held.get(event.order_id):
            letter = staff_letters.receipt_held(
                order_number=receipt.order_number,
                invoice_number=receipt.number,
                characters=receipt.characters,
                url=_admin_url("invoice", receipt.id, app="orders"),
            )
            cause = f"{event.user_id}:{receipt.issued_at.astimezone(dt.UTC).date()}"
            _alert(cause, "staff-receipt-held", letter, of="invoice", app="orders")


def _find_access(dispute: DisputeDetails) -> CourseAccess:
    """What the buyer can open of what the disputed money paid; it may have paid nothing."""
    if not dispute.stands_for_order:
        return CourseAccess()
    return find_access(order_id=dispute.order_id, user_id=dispute.buyer_id)


def _admin_url(model: str, row_id: object, *, app: str = "payments") -> str:
    return absolute(reverse(f"admin:{app}_{model}_change", args=[row_id]))


def _alert(
    cause: Event | str, kind: str, letter: Letter, *, of: str, app: str = "payments"
) -> None:
    """Write one mail to each who is to know, once per cause and address: who may look at it in
    the admin, unless the settings say who."""
    key = cause if isinstance(cause, str) else cause.id
    permission = f"{app}.view_{of}"
    staff = settings.STAFF_ALERT_EMAILS or user_selectors.list_staff_emails(permission=permission)
    for address in staff:
        write_email(
            dedupe_key=f"{kind}:{key}:{address}"[:200],
            kind=kind,
            user_id=None,
            to=address,
            letter=letter,
        )
