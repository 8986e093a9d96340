"""Writing mails as rows, and sending them once."""

import datetime as dt
import logging
import smtplib
import time
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from email.utils import parseaddr

from celery.exceptions import SoftTimeLimitExceeded
from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.db import transaction
from django.db.models import Case, QuerySet, Value, When
from django.utils import timezone

from core import audit
from core.bulk import insert_missing, update_each
from core.logging import current_id, on_behalf_of
from core.nudge import nudge
from core.outbox import back_off_delay
from notifications.letter import Letter
from notifications.models import Email
from notifications.unwritten import UNWRITTEN_KINDS, compose, is_unwritten

logger = logging.getLogger(__name__)

TASK = "notifications.tasks.send_due_emails"
BATCH = 20
# No mail is begun after this long: well below the time limit of a task, and others get their turn.
BUDGET_SECONDS = 20.0
MAX_ATTEMPTS = 12
# After this the server is tried again when it couldn't be reached at all.
UNREACHABLE_PAUSE = dt.timedelta(seconds=30)

# What a mail is before it goes out.
WAITING = [Email.Status.PENDING, Email.Status.UNWRITTEN]
# The server left, or was given up as it didn't answer (`EMAIL_TIMEOUT`).
_BREAKING = (smtplib.SMTPServerDisconnected, TimeoutError, ConnectionError)


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A mail to be stored. `user_id` is None for an address that stands for no account. A mail of
    an unwritten kind has no `letter`: its words are made when it is sent."""

    dedupe_key: str
    kind: str
    user_id: uuid.UUID | None
    to: str
    letter: Letter | None


def write_email(
    *, dedupe_key: str, kind: str, user_id: uuid.UUID | None, to: str, letter: Letter | None
) -> None:
    """Store a mail as `write_emails` does many."""
    draft = Draft(dedupe_key=dedupe_key, kind=kind, user_id=user_id, to=to, letter=letter)
    write_emails(drafts=[draft])


def write_emails(*, drafts: Sequence[Draft]) -> None:
    """Store mails in the caller's transaction, by one statement; none takes none. A second one with
    the same key is not written. Raises ValueError for one without words that needs them."""
    if not drafts:
        return
    insert_missing(_row_of(draft) for draft in drafts)
    transaction.on_commit(lambda: nudge(TASK))


def _row_of(draft: Draft) -> Email:
    email = Email(
        dedupe_key=draft.dedupe_key,
        kind=draft.kind,
        user_id=draft.user_id,
        to=draft.to,
        next_attempt_at=timezone.now(),
        request_id=current_id(),
    )
    if is_unwritten(draft.kind):
        email.status = Email.Status.UNWRITTEN
    elif draft.letter is not None:
        email.subject, email.text, email.html = _words_of(draft.letter)
    else:
        raise ValueError(f"A mail of kind {draft.kind} needs its words")
    return email


def send_due_emails(*, limit: int = BATCH) -> int:
    """Send mails that are due, for some seconds; returns how many were tried.

    Each is claimed in one transaction when its turn comes, so that none waits in the hands of a
    worker that a slow server keeps, sent outside any, and marked in another. A worker killed
    between sending and marking sends again, under the same Message-ID, which mail systems fold
    into one.
    """
    if not _due().exists():
        return 0
    try:
        connection = get_connection(fail_silently=False)
        connection.open()
    except Exception as exc:
        logger.exception("the mail server can't be reached")
        return _put_off(limit, exc)
    started = time.monotonic()
    tried = 0
    try:
        while tried < limit and time.monotonic() - started < BUDGET_SECONDS:
            if not (emails := _claim(1)):
                break
            tried += 1
            with on_behalf_of(emails[0].request_id):
                broken = _send(emails[0], connection)
            if broken is not None:
                tried += _put_off(limit, broken)
                break
        else:
            nudge(TASK)  # There may be more, which nobody else tells of.
    finally:
        connection.close()
    return tried


def resend_emails(*, email_ids: Iterable[uuid.UUID], actor_id: uuid.UUID | None) -> int:
    """Make dead mails due again; returns how many there were. Audited."""
    waiting = Case(
        When(kind__in=UNWRITTEN_KINDS, then=Value(Email.Status.UNWRITTEN)),
        default=Value(Email.Status.PENDING),
    )
    chosen = Email.objects.filter(id__in=list(email_ids), status=Email.Status.DEAD)
    with audit.recording(chosen, actor_id=actor_id, action="email.resend") as dead:
        count = dead.update(status=waiting, attempts=0, next_attempt_at=timezone.now())
        transaction.on_commit(lambda: nudge(TASK))
    return count


def forget_secrets(*, limit: int = 1000) -> int:
    """Take away the words that a worker of the version before stored of unwritten kinds, once
    they are out; returns of how many mails, at most `limit`."""
    over = Email.objects.filter(
        kind__in=UNWRITTEN_KINDS, status__in=[Email.Status.SENT, Email.Status.DEAD]
    ).exclude(text="")
    ids = list(over.values_list("id", flat=True)[:limit])
    return Email.objects.filter(id__in=ids).update(text="", html="")


def _send(email: Email, connection: BaseEmailBackend) -> Exception | None:
    """Send one mail, or note why not. Returns what broke the connection, if that is broken: on it
    all others would fail at once, through no fault of theirs."""
    try:
        if not _write(email):
            _drop(email)
            return None
        connection.send_messages([_message(email)])
    except SoftTimeLimitExceeded:
        # The worker's time is up: the claim says when it is tried again.
        raise
    except Exception as exc:
        logger.exception("mail %s of kind %s failed", email.id, email.kind)
        _try_later(email, exc)
        return exc if isinstance(exc, _BREAKING) else None
    logger.info("mail %s of kind %s sent", email.id, email.kind)
    _mark_sent(email)
    return None


def _write(email: Email) -> bool:
    """Make the words of an unwritten mail, on the instance alone; False when there is nothing to
    tell any more."""
    if not is_unwritten(email.kind):
        return True
    letter = compose(kind=email.kind, user_id=email.user_id, to=email.to)
    if letter is None:
        return False
    email.subject, email.text, email.html = _words_of(letter)
    return True


def _words_of(letter: Letter) -> tuple[str, str, str]:
    return letter.subject[:300], letter.as_text(), letter.as_html()


def _put_off(limit: int, exc: Exception) -> int:
    """Let due mails wait while the server is away; returns how many. An outage, however long, is
    not counted against any of them."""
    with transaction.atomic():
        ids = list(
            _due()
            .select_for_update(skip_locked=True)
            .order_by("next_attempt_at")
            .values_list("id", flat=True)[:limit]
        )
        return Email.objects.filter(id__in=ids).update(
            next_attempt_at=timezone.now() + UNREACHABLE_PAUSE,
            last_error=f"{type(exc).__name__}: {exc}"[:2000],
        )


def _due() -> QuerySet[Email]:
    return Email.objects.filter(status__in=WAITING, next_attempt_at__lte=timezone.now())


def _claim(limit: int) -> list[Email]:
    now = timezone.now()
    with transaction.atomic():
        emails = list(
            _due().select_for_update(skip_locked=True).order_by("next_attempt_at")[:limit]
        )
        for email in emails:
            email.attempts += 1
            email.next_attempt_at = now + settings.MAIL_LEASE
        update_each(emails, fields=["attempts", "next_attempt_at"])
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
    secret = {"text": "", "html": ""} if is_unwritten(email.kind) else {}
    Email.objects.filter(id=email.id).update(
        status=Email.Status.SENT,
        sent_at=timezone.now(),
        last_error="",
        subject=email.subject,
        **secret,
    )


def _drop(email: Email) -> None:
    Email.objects.filter(id=email.id).update(
        status=Email.Status.DROPPED, text="", html="", last_error=""
    )


def _try_later(email: Email, exc: Exception) -> None:
    dead = email.attempts >= MAX_ATTEMPTS
    Email.objects.filter(id=email.id).update(
        status=Email.Status.DEAD if dead else email.status,
        next_attempt_at=timezone.now() + back_off_delay(attempts=email.attempts) * 10,
        last_error=f"{type(exc).__name__}: {exc}"[:2000],
    )
