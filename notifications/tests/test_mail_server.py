"""A mail server that hangs or hangs up: no mail pays for another's connection."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.utils import timezone

from notifications import services
from notifications.letter import Letter
from notifications.models import Email
from tests.flows.smtp import MailServer

pytestmark = pytest.mark.django_db(transaction=True)

LETTER = Letter(subject="Hello", heading="Hello", paragraphs=["Welcome."])


@pytest.fixture
def server(settings: Any) -> Iterator[MailServer]:
    with MailServer.start() as server:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.port
        settings.EMAIL_USE_TLS, settings.EMAIL_TIMEOUT = False, 0.5
        yield server


@pytest.fixture(autouse=True)
def _mails() -> None:
    for number in range(3):
        services.write_email(
            dedupe_key=f"k{number}", kind="test", user_id=None, to="a@b.test", letter=LETTER
        )


def attempts() -> list[int]:
    return sorted(Email.objects.values_list("attempts", flat=True))


def send() -> None:
    Email.objects.filter(status="pending").update(next_attempt_at=timezone.now())
    services.send_due_emails()


@pytest.mark.parametrize("silent_at", ["HELLO"])
def test_a_server_that_never_greets_is_an_outage(server: MailServer, silent_at: str) -> None:
    server.silent_at = silent_at
    send()
    assert attempts() == [0, 0, 0]
    assert set(Email.objects.values_list("status", flat=True)) == {"pending"}


@pytest.mark.parametrize("command", ["EHLO", "MAIL", "RCPT", "DATA"])
@pytest.mark.parametrize("fault", ["silent_at", "leaves_at"])
def test_a_connection_that_breaks_is_one_mails_failure_and_no_others(
    server: MailServer, fault: str, command: str
) -> None:
    setattr(server, fault, command)
    send()
    assert attempts() == [0, 0, 1]
    assert all(when > timezone.now() for when in Email.objects.values_list(
        "next_attempt_at", flat=True))  # fmt: skip
    setattr(server, fault, "")
    send()
    assert set(Email.objects.values_list("status", flat=True)) == {"sent"}
    assert len(server.mails) == 3
