"""Which event makes which mail. Each writes a row and nothing else; the key of the row names the
cause, so the same event twice is one mail."""

import uuid

from django.conf import settings

from core.events import Event
from core.outbox import subscribe
from core.urls import absolute
from courses import selectors as course_selectors
from enrollments import selectors as enrollment_selectors
from enrollments.events import CertificateIssued, Enrolled
from notifications import letters
from notifications.letters import Letter
from notifications.selectors import wants
from notifications.services import write_email
from orders import selectors as order_selectors
from orders.events import OrderCompleted
from payments import selectors as payment_selectors
from payments.events import (
    DisputeClosed,
    DisputeOpened,
    RefundFailed,
    RefundRequestDecided,
    RefundSucceeded,
)
from payments.selectors import DisputeDetails
from users import selectors as user_selectors
from users.events import PasswordChanged, PasswordResetRequested, VerificationRequested
from users.links import password_reset_link, verification_link
from users.models import User


@subscribe(VerificationRequested, name="notifications.mail_verification")
def mail_verification(event: VerificationRequested) -> None:
    """Welcome the person and ask for the address to be confirmed."""
    user = user_selectors.find_user(user_id=event.user_id)
    if user is not None and user.email_verified_at is None:
        link = verification_link(user=user)
        _mail(user, event, letters.verification(first_name=user.first_name, link=link))


@subscribe(PasswordResetRequested, name="notifications.mail_password_reset")
def mail_password_reset(event: PasswordResetRequested) -> None:
    """Send the link that sets a new password."""
    user = user_selectors.find_user(user_id=event.user_id)
    if user is not None and user.is_active:
        link = password_reset_link(user=user)
        _mail(user, event, letters.password_reset(first_name=user.first_name, link=link))


@subscribe(PasswordChanged, name="notifications.mail_password_changed")
def mail_password_changed(event: PasswordChanged) -> None:
    """Tell the person, in case it wasn't them."""
    user = user_selectors.find_user(user_id=event.user_id)
    if user is not None and user.is_active:
        _mail(user, event, letters.password_changed(first_name=user.first_name))


@subscribe(OrderCompleted, name="notifications.mail_receipt")
def mail_receipt(event: OrderCompleted) -> None:
    """Send the receipt; nothing was paid for a free order, so it has none."""
    user = user_selectors.find_user(user_id=event.user_id)
    if user is None:
        return
    order = order_selectors.get_order(order_id=event.order_id, user_id=event.user_id)
    if not order["total_amount"]:
        return
    letter = letters.receipt(
        first_name=user.first_name,
        order_number=order["order_number"],
        invoice_number=order["invoice_number"] or "",
        lines=[(item["course"]["title"], item["price_at_purchase"]) for item in order["items"]],
        discount=order["discount_amount"],
        taxes=[(tax["name"], tax["amount"]) for tax in order["tax_lines"]],
        total=order["total_amount"],
        currency=order["currency"],
        order_url=_order_url(event.order_id),
    )
    _mail(user, event, letter)


@subscribe(Enrolled, name="notifications.mail_enrollment")
def mail_enrollment(event: Enrolled) -> None:
    """Tell the learner that the course is open."""
    user = user_selectors.find_user(user_id=event.user_id)
    if user is None or not wants(user_id=user.id, kind="email_enrollment"):
        return
    course = course_selectors.get_courses_for_sale(course_ids=[event.course_id])[event.course_id]
    letter = letters.enrollment(
        first_name=user.first_name,
        course_title=course.title,
        course_url=f"{settings.FRONTEND_URL}/learn/{course.slug}",
    )
    _mail(user, event, letter)


@subscribe(CertificateIssued, name="notifications.mail_certificate")
def mail_certificate(event: CertificateIssued) -> None:
    """Send the certificate's addresses."""
    user = user_selectors.find_user(user_id=event.user_id)
    if user is None or not wants(user_id=user.id, kind="email_completion"):
        return
    row = enrollment_selectors.get_certificate(certificate_id=event.certificate_id)
    letter = letters.certificate(
        first_name=user.first_name,
        course_title=row["course_title"],
        serial=row["serial"],
        verify_url=absolute(f"/api/v1/certificates/{row['serial']}/"),
        download_url=absolute(f"/api/v1/certificates/{row['serial']}/download/"),
    )
    _mail(user, event, letter)


@subscribe(RefundSucceeded, name="notifications.mail_refund")
def mail_refund(event: RefundSucceeded) -> None:
    """Tell the buyer that money is on its way back."""
    user = user_selectors.find_user(user_id=event.user_id) if event.user_id else None
    if user is None:
        return
    facts = payment_selectors.get_refund_facts(refund_id=event.refund_id)
    letter = letters.refund(
        first_name=user.first_name,
        order_number=facts.order_number,
        amount=facts.amount,
        currency=facts.currency,
        reason=facts.reason,
        lines=facts.lines,
        order_url=_order_url(facts.order_id),
    )
    _mail(user, event, letter)


@subscribe(RefundFailed, name="notifications.mail_refund_undone")
def mail_refund_undone(event: RefundFailed) -> None:
    """Tell the buyer that money they were told of doesn't come."""
    user = user_selectors.find_user(user_id=event.user_id) if event.user_id else None
    if user is None or not event.was_applied:
        return
    facts = payment_selectors.get_refund_facts(refund_id=event.refund_id)
    letter = letters.refund_undone(
        first_name=user.first_name,
        order_number=facts.order_number,
        amount=facts.amount,
        currency=facts.currency,
    )
    _mail(user, event, letter)


@subscribe(RefundRequestDecided, name="notifications.mail_request_decided")
def mail_request_decided(event: RefundRequestDecided) -> None:
    """Tell the buyer what became of their request."""
    user = user_selectors.find_user(user_id=event.user_id) if event.user_id else None
    if user is None:
        return
    row = payment_selectors.get_request(request_id=event.request_id)
    titles = [item["course"]["title"] for item in row["items"]]
    letter = (
        letters.request_granted(
            first_name=user.first_name, order_number=row["order_number"], titles=titles
        )
        if event.granted
        else letters.request_declined(
            first_name=user.first_name,
            order_number=row["order_number"],
            titles=titles,
            reason=row["decision_reason"] or "",
        )
    )
    _mail(user, event, letter)


@subscribe(DisputeOpened, name="notifications.mail_dispute_opened")
def mail_dispute_opened(event: DisputeOpened) -> None:
    """Tell the buyer why their courses are suspended; of an inquiry, which moves nothing, or of an
    appeal, which leaves the courses closed, there is nothing to tell."""
    dispute = payment_selectors.get_dispute_details(dispute_id=event.dispute_id)
    user = _find_disputer(dispute)
    if user is None or dispute.is_inquiry or dispute.is_appeal:
        return
    letter = letters.disputed(
        first_name=user.first_name,
        order_number=dispute.order_number,
        order_url=_order_url(dispute.order_id),
    )
    _mail(user, event, letter)


@subscribe(DisputeClosed, name="notifications.mail_dispute_closed")
def mail_dispute_closed(event: DisputeClosed) -> None:
    """Tell the buyer what that means for their courses; an inquiry's end changes nothing."""
    dispute = payment_selectors.get_dispute_details(dispute_id=event.dispute_id)
    user = _find_disputer(dispute)
    if user is None or dispute.is_inquiry:
        return
    letter = letters.dispute_decided(
        first_name=user.first_name,
        order_number=dispute.order_number,
        order_url=_order_url(dispute.order_id),
        won=event.won,
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
    RefundRequestDecided: "refund-request",
    DisputeOpened: "dispute",
    DisputeClosed: "dispute-closed",
}


def _find_disputer(dispute: DisputeDetails) -> User | None:
    """Return whose courses depend on the disputed money; None when nobody's do."""
    if dispute.buyer_id is None or not dispute.stands_for_order:
        return None
    return user_selectors.find_user(user_id=dispute.buyer_id)


def _order_url(order_id: uuid.UUID) -> str:
    return f"{settings.FRONTEND_URL}/orders/{order_id}"


def _mail(user: User, event: Event, letter: Letter) -> None:
    kind = _KINDS[type(event)]
    write_email(
        dedupe_key=f"{kind}:{event.id}", kind=kind, user_id=user.id, to=user.email, letter=letter
    )
