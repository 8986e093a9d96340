"""A mail server that hangs or hangs up: no mail pays for another's connection."""

import datetime as dt
import smtplib
from collections.abc import Iterator
from typing import Any

import pytest
from celery.exceptions import SoftTimeLimitExceeded
from django.utils import timezone

from notifications import services
from notifications.letter import Letter
from notifications.models import Email
from tests.flows.smtp import MailServer

pytestmark = pytest.mark.django_db(transaction=True)

# How long a silent server is given; one that answers has all the time it needs.
IMPATIENT, PATIENT = 0.5, 60.0
LETTER = Letter(subject="Hello", heading="Hello", paragraphs=["Welcome."])


@pytest.fixture
def server(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[MailServer]:
    say = smtplib.SMTP.putcmd

    def say_and_wait(self: smtplib.SMTP, command: str, args: str = "") -> None:
        if command.upper() == started.silent_at:
            assert self.sock is not None
            self.sock.settimeout(IMPATIENT)
        say(self, command, args)

    monkeypatch.setattr(smtplib.SMTP, "putcmd", say_and_wait)
    monkeypatch.setattr(services, "BUDGET_SECONDS", 600.0)
    with MailServer.start() as started:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", started.port
        settings.EMAIL_USE_TLS, settings.EMAIL_TIMEOUT = False, PATIENT
        yield started


@pytest.fixture(autouse=True)
def _mails() -> None:
    for number in range(3):
        services.write_email(
            dedupe_key=f"k{number}", kind="test", user_id=None, to="a@b.test", letter=LETTER
        )


def attempts() -> list[int]:
    return sorted(Email.objects.values_list("attempts", flat=True))


def send() -> dt.datetime:
    """Send what there is; returns when it was due."""
    now = timezone.now()
    Email.objects.filter(status="pending").update(next_attempt_at=now)
    services.send_due_emails()
    return now


@pytest.mark.parametrize("silent_at", ["HELLO"])
def test_a_server_that_never_greets_is_an_outage(
    server: MailServer, settings: Any, silent_at: str
) -> None:
    server.silent_at, settings.EMAIL_TIMEOUT = silent_at, IMPATIENT
    send()
    assert attempts() == [0, 0, 0]
    assert set(Email.objects.values_list("status", flat=True)) == {"pending"}


def test_a_workers_time_that_is_up_is_no_mails_failure(
    server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def take_too_long(email: Email) -> None:
        raise SoftTimeLimitExceeded

    with monkeypatch.context() as patch:
        patch.setattr(services, "_message", take_too_long)
        with pytest.raises(SoftTimeLimitExceeded):
            send()
    assert set(Email.objects.values_list("last_error", flat=True)) == {""}
    send()
    assert len(server.mails) == 3


@pytest.mark.parametrize("command", ["EHLO", "MAIL", "RCPT", "DATA"])
@pytest.mark.parametrize("fault", ["silent_at", "leaves_at"])
def test_a_connection_that_breaks_is_one_mails_failure_and_no_others(
    server: MailServer, fault: str, command: str
) -> None:
    setattr(server, fault, command)
    due = send()
    assert attempts() == [0, 0, 1]
    assert all(when > due for when in Email.objects.values_list("next_attempt_at", flat=True))
    setattr(server, fault, "")
    send()
    assert set(Email.objects.values_list("status", flat=True)) == {"sent"}
    assert len(server.mails) == 3
