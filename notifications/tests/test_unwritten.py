"""Mails with links of one use: made when they are sent, stored nowhere."""

import importlib
import re
from typing import Any

import pytest
from django.apps import apps
from django.core import mail
from django.db import connection, transaction
from django.utils import timezone
from rest_framework.test import APIClient

from core import outbox
from core.events import Event
from notifications import services
from notifications.models import Email
from tests.factories import UserFactory
from users.events import PasswordChanged, PasswordResetRequested, VerificationRequested
from users.models import User

pytestmark = pytest.mark.django_db

NEW_PASSWORD = "another-long-phrase-7"


@pytest.fixture
def user() -> User:
    return UserFactory.create(email="ada@example.test")


def happen(event: Event) -> Email:
    """Let it happen, and return the mail it made."""
    with transaction.atomic():
        outbox.record(event)
    outbox.deliver_due()
    return Email.objects.latest("created_at")


def tokens() -> list[str]:
    """The tokens that were mailed, one a mail."""
    found = [re.search(r"token=(\S+)", str(message.body)) for message in mail.outbox]
    return [match.group(1) for match in found if match]


def confirm(token: str) -> int:
    body = {"token": token, "new_password": NEW_PASSWORD}
    return APIClient().post("/api/v1/auth/password-reset/confirm/", body).status_code


def test_the_row_never_holds_the_words(user: User) -> None:
    row = happen(PasswordResetRequested(user_id=user.id))
    assert (row.status, row.subject, row.text, row.html) == ("unwritten", "", "", "")
    assert services.send_due_emails() == 1
    row.refresh_from_db()
    assert (row.status, row.text, row.html) == ("sent", "", "")
    assert row.subject == mail.outbox[0].subject
    assert confirm(tokens()[0]) == 200


def test_sent_again_after_a_kill_it_is_the_same_mail_and_its_link_works(
    user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = happen(PasswordResetRequested(user_id=user.id))
    with monkeypatch.context() as killed:
        # As if the worker had died between sending and marking.
        killed.setattr(services, "_mark_sent", lambda email: None)
        services.send_due_emails()
    row.refresh_from_db()
    assert (row.status, row.text) == ("unwritten", "")
    Email.objects.update(next_attempt_at=timezone.now())
    assert services.send_due_emails() == 1
    first, second = mail.outbox
    assert first.extra_headers["Message-ID"] == second.extra_headers["Message-ID"]
    assert confirm(tokens()[1]) == 200


@pytest.mark.parametrize(
    "meanwhile",
    [{"is_active": False}, {"email": "moved@example.test"}, {"email_verified_at": timezone.now()}],
)
def test_what_is_needed_no_more_is_dropped(user: User, meanwhile: dict[str, Any]) -> None:
    User.objects.update(email_verified_at=None)
    row = happen(VerificationRequested(user_id=user.id))
    User.objects.update(**meanwhile)
    services.send_due_emails()
    row.refresh_from_db()
    assert row.status == "dropped"
    assert mail.outbox == []
    assert services.send_due_emails() == 0


def test_a_dead_one_is_written_anew(user: User) -> None:
    row = happen(PasswordResetRequested(user_id=user.id))
    changed = happen(PasswordChanged(user_id=user.id))
    Email.objects.update(status="dead", next_attempt_at=timezone.now())
    assert services.resend_emails(email_ids=[row.id, changed.id], actor_id=None) == 2
    row.refresh_from_db()
    changed.refresh_from_db()
    assert (row.status, changed.status) == ("unwritten", "pending")
    services.send_due_emails()
    assert len(mail.outbox) == 2
    assert confirm(tokens()[0]) == 200


def test_a_failure_leaves_it_unwritten(user: User, settings: Any) -> None:
    row = happen(PasswordResetRequested(user_id=user.id))
    settings.EMAIL_BACKEND = "notifications.tests.test_emails._BrokenBackend"
    services.send_due_emails()
    row.refresh_from_db()
    assert (row.status, row.attempts, row.text) == ("unwritten", 1, "")
    assert "token=" not in row.last_error


def test_a_worker_of_the_version_before_leaves_them_alone(user: User) -> None:
    """It claims what is pending, and would send this without a word."""
    happen(PasswordResetRequested(user_id=user.id))
    assert not Email.objects.filter(status="pending").exists()


def as_before(**changes: Any) -> Email:
    """A mail as the version before stored it."""
    fields = {"kind": "password-reset", "to": "ada@example.test", "status": "sent",
              "text": "?token=secret", "html": "?token=secret"}  # fmt: skip
    key = f"before:{Email.objects.count()}"
    return Email.objects.create(
        dedupe_key=key, subject="s", next_attempt_at=timezone.now(), **{**fields, **changes}
    )


@pytest.fixture(params=["migration", "task"])
def forget(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Any:
    if request.param == "task":
        return services.forget_secrets
    migration = importlib.import_module("notifications.migrations.0003_forget_links")
    monkeypatch.setattr(migration, "AT_ONCE", 2)
    with connection.schema_editor(atomic=False) as editor:
        return lambda: migration.forget_links(apps, editor)


def test_links_stored_before_are_forgotten(forget: Any) -> None:
    told = [
        as_before(kind=kind, status=status)
        for kind in ("verification", "password-reset")
        for status in ("sent", "dead")
    ]
    kept = [as_before(kind="receipt"), as_before(status="pending")]
    forget()
    for row in told + kept:
        row.refresh_from_db()
    assert {(row.text, row.html) for row in told} == {("", "")}
    assert all(row.text for row in kept)


def test_one_stored_before_is_sent_and_then_forgotten(user: User) -> None:
    row = as_before(status="pending", user=user)
    services.send_due_emails()
    row.refresh_from_db()
    assert (row.status, row.text, row.html) == ("sent", "", "")
    assert confirm(tokens()[0]) == 200
