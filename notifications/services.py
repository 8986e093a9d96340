"""Writing mails as rows, and sending them once."""

import datetime as dt
import logging
import uuid
from collections.abc import Iterable
from email.utils import parseaddr

from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from core.nudge import nudge
from core.outbox import back_off_delay
from notifications.letters import Letter
from notifications.models import Email

logger = logging.getLogger(__name__)

BATCH = 20
MAX_ATTEMPTS = 12
# After this the server is tried again when it couldn't be reached at all.
UNREACHABLE_PAUSE = dt.timedelta(seconds=30)


def write_email(
    *, dedupe_key: str, kind: str, user_id: uuid.UUID | None, to: str, letter: Letter
) -> None:
    """Store a mail in the caller's transaction. A second one with the same key is not written.
    `user_id` is None for an address that stands for no account."""
    Email.objects.bulk_create(
        [
            Email(
                dedupe_key=dedupe_key,
                kind=kind,
                user_id=user_id,
                to=to,
                subject=letter.subject[:300],
                text=letter.as_text(),
                html=letter.as_html(),
                next_attempt_at=timezone.now(),
            )
        ],
        ignore_conflicts=True,
    )
    transaction.on_commit(lambda: nudge("notifications.tasks.send_due_emails"))


def send_due_emails(*, limit: int = BATCH) -> int:
    """Send mails that are due; returns how many were tried.

    Claimed in one transaction, sent outside any, marked in another. A worker killed between sending
    and marking sends again, under the same Message-ID, which mail systems fold into one.
    """
    emails = _claim(limit)
    if not emails:
        return 0
    try:
        connection = get_connection(fail_silently=False)
        connection.open()
    except Exception as exc:
        logger.exception("the mail server can't be reached")
        _give_back(emails, exc)
        return len(emails)
    try:
        for email in emails:
            if timezone.now() >= email.next_attempt_at:
                # The server is slow and the claim is over: the rest is somebody else's by now.
                break
            _send(email, connection)
    finally:
        connection.close()
    return len(emails)


def resend_emails(*, email_ids: Iterable[uuid.UUID]) -> int:
    """Make dead mails due again; returns how many there were."""
    count = Email.objects.filter(id__in=list(email_ids), status=Email.Status.DEAD).update(
        status=Email.Status.PENDING, attempts=0, next_attempt_at=timezone.now()
    )
    nudge("notifications.tasks.send_due_emails")
    return count


def _send(email: Email, connection: BaseEmailBackend) -> None:
    try:
        connection.send_messages([_message(email)])
    except Exception as exc:
        logger.exception("mail %s of kind %s failed", email.id, email.kind)
        _try_later(email, exc)
    else:
        _mark_sent(email)


def _give_back(emails: list[Email], exc: Exception) -> None:
    """End the claims of mails that were never tried: an outage of the server, however long, is not
    counted against any of them."""
    Email.objects.filter(id__in=[email.id for email in emails]).update(
        attempts=F("attempts") - 1,
        next_attempt_at=timezone.now() + UNREACHABLE_PAUSE,
        last_error=f"{type(exc).__name__}: {exc}"[:2000],
    )


def _claim(limit: int) -> list[Email]:
    now = timezone.now()
    with transaction.atomic():
        emails = list(
            Email.objects.select_for_update(skip_locked=True)
            .filter(status=Email.Status.PENDING, next_attempt_at__lte=now)
            .order_by("next_attempt_at")[:limit]
        )
        for email in emails:
            email.attempts += 1
            email.next_attempt_at = now + settings.MAIL_LEASE
        Email.objects.bulk_update(emails, ["attempts", "next_attempt_at"])
    return emails


def _message(email: Email) -> EmailMultiAlternatives:
    domain = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2]
    message = EmailMultiAlternatives(
        subject=" ".join(email.subject.split()),
        body=email.text,
        from_email=settings.DEFAULT_FROM_EMAIL,
        to=[email.to],
        headers={
            "Message-ID": f"<{email.id}@{domain}>",
            "X-LearnFlow-Kind": email.kind,
            "Auto-Submitted": "auto-generated",
        },
    )
    message.attach_alternative(email.html, "text/html")
    return message


def _mark_sent(email: Email) -> None:
    Email.objects.filter(id=email.id).update(
        status=Email.Status.SENT, sent_at=timezone.now(), last_error=""
    )


def _try_later(email: Email, exc: Exception) -> None:
    dead = email.attempts >= MAX_ATTEMPTS
    Email.objects.filter(id=email.id).update(
        status=Email.Status.DEAD if dead else Email.Status.PENDING,
        next_attempt_at=timezone.now() + back_off_delay(attempts=email.attempts) * 10,
        last_error=f"{type(exc).__name__}: {exc}"[:2000],
    )
