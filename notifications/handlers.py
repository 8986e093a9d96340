"""Which event makes which mail. Each writes a row and nothing else; the key of the row names the
cause, so the same event twice is one mail."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from functools import partial

from django.conf import settings

from core.events import Event
from core.money import money_text
from core.outbox import subscribe, subscribe_many
from core.urls import absolute
from courses import selectors as course_selectors
from courses.selectors import CourseForSale
from enrollments import selectors as enrollment_selectors
from enrollments.events import CertificateIssued, Enrolled
from notifications import letters, payout_letters
from notifications.course_access import CourseAccess
from notifications.letter import Letter
from notifications.selectors import (
    find_access,
    find_ordered_access,
    find_standings,
    name_for,
    title_for,
    wants,
    who_declined,
)
from notifications.services import Draft, write_emails
from notifications.staff_handlers import alert_held_receipts
from orders import selectors as order_selectors
from orders.events import OrderCompleted
from orders.selectors import OrderDetail
from payments import selectors as payment_selectors
from payments.events import (
    BankPayoutFailed,
    DebitFailed,
    DisputeClosed,
    DisputeOpened,
    PayoutAccountInTrouble,
    RefundDelayed,
    RefundFailed,
    RefundRequestDecided,
    RefundSucceeded,
)
from payments.selectors import DisputeDetails, RefundFacts
from users import selectors as user_selectors
from users.events import PasswordChanged, PasswordResetRequested, VerificationRequested
from users.models import User


@subscribe(VerificationRequested, name="notifications.mail_verification")
def mail_verification(event: VerificationRequested) -> None:
    """Welcome the person and ask for the address to be confirmed."""
    user = _find(event.user_id)
    if user is not None and user.email_verified_at is None:
        _mail_unwritten(user, event)


@subscribe(PasswordResetRequested, name="notifications.mail_password_reset")
def mail_password_reset(event: PasswordResetRequested) -> None:
    """Send the link that sets a new password."""
    user = _find(event.user_id)
    if user is not None and user.is_active:
        _mail_unwritten(user, event)


@subscribe(PasswordChanged, name="notifications.mail_password_changed")
def mail_password_changed(event: PasswordChanged) -> None:
    """Tell the person, in case it wasn't them."""
    user = _find(event.user_id)
    if user is not None and user.is_active:
        _mail(user, event, letters.password_changed(first_name=name_for(user)))


@subscribe_many(OrderCompleted, name="notifications.mail_receipt")
def mail_receipts(happened: Sequence[OrderCompleted]) -> None:
    """Send receipts; nothing was paid for a free order, so it has none. Where a PDF can't be
    printed, staff hear of it, whoever bought."""
    alert_held_receipts(happened)
    users = _find_all(event.user_id for event in happened)
    told = [event for event in happened if event.user_id in users]
    orders = order_selectors.list_details(order_ids=[event.order_id for event in told])
    write_emails(
        drafts=[
            _draft(users[event.user_id], event, _receipt(orders[event.order_id], event, users))
            for event in told
            if orders[event.order_id]["total_amount"]
        ]
    )


def _receipt(order: OrderDetail, event: OrderCompleted, users: Mapping[uuid.UUID, User]) -> Letter:
    user = users[event.user_id]
    return letters.receipt(
        first_name=name_for(user),
        order_number=order["order_number"],
        invoice_number=order["invoice_number"] or "",
        lines=[
            (title_for(item["course"]["title"], user=user), item["price_at_purchase"])
            for item in order["items"]
        ],
        discount=order["discount_amount"],
        taxes=[(tax["name"], tax["amount"]) for tax in order["tax_lines"]],
        total=order["total_amount"],
        currency=order["currency"],
        order_url=_order_url(event.order_id),
    )


@subscribe_many(Enrolled, name="notifications.mail_enrollment")
def mail_enrollments(happened: Sequence[Enrolled]) -> None:
    """Tell learners that their courses are open."""
    users = _find_all(event.user_id for event in happened)
    willing = users.keys() - who_declined(user_ids=users, kind="email_enrollment")
    told = [event for event in happened if event.user_id in willing]
    courses = course_selectors.get_courses_for_sale(course_ids=[one.course_id for one in told])
    write_emails(
        drafts=[
            _draft(
                users[event.user_id],
                event,
                _enrollment(users[event.user_id], courses[event.course_id]),
            )
            for event in told
        ]
    )


def _enrollment(user: User, course: CourseForSale) -> Letter:
    return letters.enrollment(
        first_name=name_for(user),
        course_title=title_for(course.title, user=user),
        # The slug is made of the title.
        course_url=_course_url(course.slug if user.email_verified_at else str(course.id)),
    )


@subscribe(CertificateIssued, name="notifications.mail_certificate")
def mail_certificate(event: CertificateIssued) -> None:
    """Send the certificate's addresses."""
    user = _find(event.user_id)
    if user is None or not wants(user_id=user.id, kind="email_completion"):
        return
    row = enrollment_selectors.get_certificate(certificate_id=event.certificate_id)
    letter = letters.certificate(
        first_name=name_for(user),
        course_title=title_for(row["course_title"], user=user),
        serial=row["serial"],
        verify_url=absolute(f"/api/v1/certificates/{row['serial']}/"),
        download_url=absolute(f"/api/v1/certificates/{row['serial']}/download/"),
    )
    _mail(user, event, letter)


@subscribe(RefundSucceeded, name="notifications.mail_refund", queue="money")
def mail_refund(event: RefundSucceeded) -> None:
    """Tell the buyer that money is on its way back."""
    user = _find(event.user_id)
    if user is None:
        return
    facts = payment_selectors.get_refund_facts(refund_id=event.refund_id)
    letter = letters.refund(
        first_name=name_for(user),
        order_number=facts.order_number,
        amount=facts.amount,
        currency=facts.currency,
        reason=facts.reason,
        lines=[(title_for(title, user=user), paid) for title, paid in facts.lines],
        order_url=_order_url(facts.order_id),
    )
    _mail(user, event, letter)


@subscribe(RefundFailed, name="notifications.mail_refund_undone", queue="money")
def mail_refund_undone(event: RefundFailed) -> None:
    """Tell the buyer that money they were told of doesn't come."""
    user = _find(event.user_id)
    if user is None or not (event.was_applied or event.was_promised):
        return
    facts = payment_selectors.get_refund_facts(refund_id=event.refund_id)
    write = (
        letters.refund_undone
        if event.was_applied
        else partial(letters.refund_refused, reason=facts.reason)
    )
    letter = write(
        first_name=name_for(user),
        order_number=facts.order_number,
        amount=facts.amount,
        currency=facts.currency,
        access=_access_of_refund(facts, user),
    )
    _mail(user, event, letter)


@subscribe(RefundDelayed, name="notifications.mail_refund_delayed", queue="money")
def mail_refund_delayed(event: RefundDelayed) -> None:
    """Tell the buyer that money they were told of takes longer; who wasn't told hears of it when
    it goes."""
    user = _find(event.user_id)
    if user is None or not event.was_told:
        return
    facts = payment_selectors.get_refund_facts(refund_id=event.refund_id)
    letter = letters.refund_delayed(
        first_name=name_for(user),
        order_number=facts.order_number,
        amount=facts.amount,
        currency=facts.currency,
        reason=facts.reason,
        # What one that counts has closed stays closed, as they were told.
        access=_access_of_refund(facts, user) if facts.status == "due" else CourseAccess(),
        goes_on=event.goes_on,
    )
    _mail(user, event, letter)


@subscribe(RefundRequestDecided, name="notifications.mail_request_decided", queue="money")
def mail_request_decided(event: RefundRequestDecided) -> None:
    """Tell the buyer what became of their request."""
    user = _find(event.user_id)
    if user is None:
        return
    row = payment_selectors.get_request(request_id=event.request_id)
    titles = [title_for(item["course"]["title"], user=user) for item in row["items"]]
    name, number = name_for(user), row["order_number"]
    if event.granted:
        letter = letters.request_granted(first_name=name, order_number=number, titles=titles)
    else:
        standings = find_standings(order_id=row["order_id"], user_id=user.id)
        stand = [standings[item["id"]] for item in row["items"]]
        letter = letters.request_declined(
            first_name=name,
            order_number=number,
            courses=list(zip(titles, stand, strict=True)),
            reason=row["decision_reason"] or "",
        )
    _mail(user, event, letter)


@subscribe(DisputeOpened, name="notifications.mail_dispute_opened", queue="money")
def mail_dispute_opened(event: DisputeOpened) -> None:
    """Tell the buyer why their courses are suspended; of an inquiry, which moves nothing, or of an
    appeal, which leaves the courses closed, there is nothing to tell."""
    dispute = payment_selectors.get_dispute_details(dispute_id=event.dispute_id)
    user = _find_disputer(dispute)
    if user is None or dispute.is_inquiry or dispute.is_appeal:
        return
    letter = letters.disputed(
        first_name=name_for(user),
        order_number=dispute.order_number,
        order_url=_order_url(dispute.order_id),
        access=_tellable(find_access(order_id=dispute.order_id, user_id=user.id), user),
        part=_part(dispute),
    )
    _mail(user, event, letter)


@subscribe(DisputeClosed, name="notifications.mail_dispute_closed", queue="money")
def mail_dispute_closed(event: DisputeClosed) -> None:
    """Tell the buyer what that means for their courses; an inquiry's end changes nothing."""
    dispute = payment_selectors.get_dispute_details(dispute_id=event.dispute_id)
    user = _find_disputer(dispute)
    if user is None or dispute.is_inquiry:
        return
    letter = letters.dispute_decided(
        first_name=name_for(user),
        order_number=dispute.order_number,
        order_url=_order_url(dispute.order_id),
        won=event.won,
        access=_tellable(find_access(order_id=dispute.order_id, user_id=user.id), user),
        part=_part(dispute),
    )
    _mail(user, event, letter)


@subscribe(PayoutAccountInTrouble, name="notifications.mail_payout_account", queue="money")
def mail_payout_account(event: PayoutAccountInTrouble) -> None:
    """Tell the instructor that they can't be paid until they have seen to their account."""
    user = _find(event.user_id)
    if user is None:
        return
    letter = payout_letters.payout_account(
        first_name=name_for(user), trouble=event.trouble, payouts_url=_payouts_url()
    )
    _mail(user, event, letter)


@subscribe(BankPayoutFailed, name="notifications.mail_bank_payout_failed", queue="money")
def mail_bank_payout_failed(event: BankPayoutFailed) -> None:
    """Tell the instructor that their bank refused the money."""
    user = _find(event.user_id)
    if user is None:
        return
    failure = payment_selectors.get_bank_failure_details(failure_id=event.failure_id)
    letter = payout_letters.bank_payout_failed(
        first_name=name_for(user), reason=failure.reason, payouts_url=_payouts_url()
    )
    _mail(user, event, letter)


@subscribe(DebitFailed, name="notifications.mail_debit_failed", queue="money")
def mail_debit_failed(event: DebitFailed) -> None:
    """Tell the buyer that what they paid by didn't pay, and whether the order still waits."""
    facts = payment_selectors.get_payment_details(payment_id=event.payment_id)
    user = _find(facts.user_id)
    if user is None:
        return
    letter = letters.debit_failed(
        first_name=name_for(user),
        order_number=facts.order_number,
        amount=facts.amount,
        currency=facts.currency,
        payable_until=facts.payable_until,
        access=_tellable(find_ordered_access(order_id=event.order_id, user_id=user.id), user),
        order_url=_order_url(event.order_id),
    )
    _mail(user, event, letter)


_KINDS: dict[type[Event], str] = {
    VerificationRequested: "verification",
    PasswordResetRequested: "password-reset",
    PasswordChanged: "password-changed",
    OrderCompleted: "receipt",
    Enrolled: "enrollment",
    CertificateIssued: "certificate",
    RefundSucceeded: "refund",
    RefundFailed: "refund-undone",
    RefundDelayed: "refund-delayed",
    RefundRequestDecided: "refund-request",
    DisputeOpened: "dispute",
    DisputeClosed: "dispute-closed",
    PayoutAccountInTrouble: "payout-account",
    BankPayoutFailed: "bank-payout-failed",
    DebitFailed: "debit-failed",
}


def _find_disputer(dispute: DisputeDetails) -> User | None:
    """Return whose courses depend on the disputed money; None when nobody's do."""
    if dispute.buyer_id is None or not dispute.stands_for_order:
        return None
    return user_selectors.find_user(user_id=dispute.buyer_id)


def _part(dispute: DisputeDetails) -> str:
    """Return how much a dispute is over, where that isn't all; else ""."""
    return money_text(dispute.amount, dispute.currency) if dispute.is_partial else ""


def _access_of_refund(facts: RefundFacts, user: User) -> CourseAccess:
    """Return what the buyer can open; nothing of it hangs on money that stood for no order."""
    if facts.is_undue:
        return CourseAccess()
    return _tellable(find_access(order_id=facts.order_id, user_id=user.id), user)


def _tellable(access: CourseAccess, user: User) -> CourseAccess:
    return CourseAccess(
        open=[title_for(title or "", user=user) for title in access.open],
        closed=[title_for(title or "", user=user) for title in access.closed],
    )


def _find(user_id: uuid.UUID | None) -> User | None:
    return user_selectors.find_user(user_id=user_id) if user_id else None


def _find_all(user_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, User]:
    return user_selectors.find_users(user_ids=set(user_ids))


def _draft(user: User, event: Event, letter: Letter | None) -> Draft:
    kind = _KINDS[type(event)]
    return Draft(
        dedupe_key=f"{kind}:{event.id}", kind=kind, user_id=user.id, to=user.email, letter=letter
    )


def _course_url(course: str) -> str:
    return f"{settings.FRONTEND_URL}/learn/{course}"


def _payouts_url() -> str:
    return f"{settings.FRONTEND_URL}/instructor/payouts"


def _order_url(order_id: uuid.UUID) -> str:
    return f"{settings.FRONTEND_URL}/orders/{order_id}"


def _mail(user: User, event: Event, letter: Letter) -> None:
    write_emails(drafts=[_draft(user, event, letter)])


def _mail_unwritten(user: User, event: Event) -> None:
    write_emails(drafts=[_draft(user, event, None)])
