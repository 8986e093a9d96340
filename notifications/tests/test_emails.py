"""Mails: written with their cause, sent once, retried, readable."""

import datetime as dt
import threading
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from email import message_from_bytes, policy
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.core import mail
from django.core.mail import EmailMessage, EmailMultiAlternatives
from django.core.mail.backends.base import BaseEmailBackend
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from core import outbox
from core.events import Event
from enrollments.events import Enrolled
from notifications import handlers, services
from notifications.letter import Letter
from notifications.models import Email, NotificationPreference
from orders.events import OrderCompleted
from tests.factories import (
    EnrollmentFactory,
    OrderFactory,
    OrderItemFactory,
    UserFactory,
    make_course,
)
from tests.parallel import run_in_parallel
from users.events import PasswordChanged, PasswordResetRequested, VerificationRequested
from users.models import User

LETTER = Letter(subject="Hello", heading="Hello <you>", paragraphs=["Welcome & enjoy."])


@pytest.fixture
def user() -> User:
    return UserFactory.create(first_name="Ada", email="ada@example.test")


def write(user: User, key: str = "k") -> None:
    with transaction.atomic():
        services.write_email(
            dedupe_key=key, kind="test", user_id=user.id, to=user.email, letter=LETTER
        )


def happen(event: Event) -> None:
    with transaction.atomic():
        outbox.record(event)
    outbox.deliver_due()


@pytest.mark.django_db
def test_a_mail_goes_out_in_text_and_html_once(user: User) -> None:
    write(user)
    assert services.send_due_emails() == 1
    assert services.send_due_emails() == 0
    [sent] = mail.outbox
    assert sent.to == ["ada@example.test"]
    assert isinstance(sent, EmailMultiAlternatives)
    assert "Hello <you>" in str(sent.body)
    [(html, kind)] = sent.alternatives
    assert kind == "text/html"
    assert "Hello &lt;you&gt;" in str(html)
    row = Email.objects.get()
    assert row.status == "sent"
    assert str(row.id) in sent.extra_headers["Message-ID"]


@pytest.mark.django_db
def test_the_same_cause_mails_once(user: User) -> None:
    write(user)
    write(user)
    write(user, "another cause")
    assert Email.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_a_rollback_takes_the_mail_with_it(user: User) -> None:
    with transaction.atomic():
        services.write_email(
            dedupe_key="k", kind="test", user_id=user.id, to=user.email, letter=LETTER
        )
        transaction.set_rollback(True)
    assert not Email.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_workers_at_once_send_each_mail_once(user: User) -> None:
    for number in range(30):
        write(user, f"k{number}")
    tried = run_in_parallel(6, lambda _: services.send_due_emails())
    assert sum(tried) == 30
    assert len({message.extra_headers["Message-ID"] for message in mail.outbox}) == 30
    assert len(mail.outbox) == 30


class _UnreachableBackend(BaseEmailBackend):
    def open(self) -> bool:
        raise ConnectionRefusedError("nobody listens")


@pytest.mark.django_db
def test_an_unreachable_server_is_not_held_against_the_mails(user: User, settings: Any) -> None:
    backend = settings.EMAIL_BACKEND
    for number in range(3):
        write(user, f"k{number}")
    settings.EMAIL_BACKEND = f"{__name__}._UnreachableBackend"
    for _ in range(services.MAX_ATTEMPTS + 1):
        Email.objects.update(next_attempt_at=timezone.now())
        assert services.send_due_emails() == 3
    row = Email.objects.first()
    assert row is not None
    assert "nobody listens" in row.last_error
    assert row.next_attempt_at < timezone.now() + dt.timedelta(minutes=1), "tried again soon"

    settings.EMAIL_BACKEND = f"{__name__}._BrokenBackend"
    Email.objects.update(next_attempt_at=timezone.now())
    services.send_due_emails()
    assert set(Email.objects.values_list("status", flat=True)) == {"pending"}

    settings.EMAIL_BACKEND = backend
    Email.objects.update(next_attempt_at=timezone.now())
    services.send_due_emails()
    assert set(Email.objects.values_list("status", flat=True)) == {"sent"}


class _BrokenBackend(BaseEmailBackend):
    def send_messages(self, email_messages: Any) -> int:
        raise OSError("mail server is away")


@pytest.mark.django_db
def test_a_mail_waits_for_the_server_and_gives_up_in_sight(user: User, settings: Any) -> None:
    write(user)
    backend = settings.EMAIL_BACKEND
    settings.EMAIL_BACKEND = f"{__name__}._BrokenBackend"
    services.send_due_emails()
    row = Email.objects.get()
    assert (row.status, row.attempts) == ("pending", 1)
    assert "mail server is away" in row.last_error
    assert row.next_attempt_at > timezone.now()

    Email.objects.update(attempts=services.MAX_ATTEMPTS - 1, next_attempt_at=timezone.now())
    services.send_due_emails()
    assert Email.objects.get().status == "dead"

    settings.EMAIL_BACKEND = backend
    assert services.resend_emails(email_ids=[row.id], actor_id=None) == 1
    services.send_due_emails()
    assert len(mail.outbox) == 1


@pytest.mark.django_db
def test_a_killed_workers_claim_lapses(user: User) -> None:
    write(user)
    assert len(services._claim(10)) == 1  # and then the worker is killed
    assert services.send_due_emails() == 0
    Email.objects.update(next_attempt_at=timezone.now() - dt.timedelta(seconds=1))
    assert services.send_due_emails() == 1


@pytest.mark.django_db(transaction=True)
def test_a_slow_mail_keeps_no_other_waiting(user: User, settings: Any) -> None:
    for number in range(3):
        write(user, f"k{number}")
    settings.EMAIL_BACKEND = f"{__name__}._SlowBackend"
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(run_in_parallel, 1, lambda _: services.send_due_emails())
        assert _SlowBackend.begun.wait(60)
        settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
        # Another worker sends all others meanwhile.
        assert services.send_due_emails() == 2
        _SlowBackend.may_end.set()
        assert slow.result(60) == [1]
    assert set(Email.objects.values_list("status", "attempts")) == {("sent", 1)}


class _SlowBackend(BaseEmailBackend):
    begun = threading.Event()
    may_end = threading.Event()

    def send_messages(self, email_messages: Any) -> int:
        self.begun.set()
        self.may_end.wait(60)
        return len(email_messages)


@pytest.mark.django_db
def test_a_batch_ends_when_its_time_is_up(
    user: User, monkeypatch: pytest.MonkeyPatch, mailoutbox: list[EmailMessage]
) -> None:
    for number in range(3):
        write(user, f"k{number}")
    clock = iter([0.0, 0.0, 1.0, services.BUDGET_SECONDS])
    monkeypatch.setattr(services, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    assert services.send_due_emails() == 2
    assert len(mailoutbox) == 2
    assert set(Email.objects.filter(status="pending").values_list("attempts")) == {(0,)}


@pytest.mark.django_db
def test_mails_as_files_are_whole_and_sent_twice_are_one(
    user: User, settings: Any, tmp_path: Path
) -> None:
    settings.EMAIL_BACKEND = "notifications.backends.FileBackend"
    settings.EMAIL_FILE_PATH = str(tmp_path / "mail")
    write(user)
    services.send_due_emails()
    Email.objects.update(status="pending", next_attempt_at=timezone.now())
    services.send_due_emails()
    [path] = (tmp_path / "mail").iterdir()
    assert path.name.startswith("test-")
    message = message_from_bytes(path.read_bytes(), policy=policy.default)
    body = message.get_body(("plain",))
    assert body is not None
    assert "Welcome & enjoy." in body.get_content()


@pytest.mark.django_db
def test_line_breaks_in_a_title_cannot_forge_headers(user: User) -> None:
    letter = Letter(subject="A\r\nBcc: x@example.test", heading="h", paragraphs=[])
    with transaction.atomic():
        services.write_email(
            dedupe_key="k", kind="test", user_id=user.id, to=user.email, letter=letter
        )
    services.send_due_emails()
    assert mail.outbox[0].subject == "A Bcc: x@example.test"


@pytest.mark.django_db
def test_verification_only_while_it_is_owed(user: User) -> None:
    happen(VerificationRequested(user_id=user.id))
    assert not Email.objects.exists(), "verified already"
    User.objects.update(email_verified_at=None)
    happen(VerificationRequested(user_id=user.id))
    assert Email.objects.get().kind == "verification"
    services.send_due_emails()
    [sent] = mail.outbox
    assert isinstance(sent, EmailMultiAlternatives)
    assert "/verify-email?token=" in str(sent.body)
    assert "/verify-email?token=" in str(sent.alternatives[0][0])


@pytest.mark.django_db
def test_password_mails(user: User) -> None:
    happen(PasswordResetRequested(user_id=user.id))
    happen(PasswordChanged(user_id=user.id))
    services.send_due_emails()
    bodies = {message.extra_headers["X-LearnFlow-Kind"]: message.body for message in mail.outbox}
    assert set(bodies) == {"password-reset", "password-changed"}
    assert "/reset-password?token=" in str(bodies["password-reset"])


@pytest.mark.django_db
def test_the_receipt_names_every_line(user: User) -> None:
    order = OrderFactory.create(
        user=user, status="completed", completed_at=timezone.now(), subtotal=Decimal("99.98"),
        discount_amount=Decimal("9.98"), tax_amount=Decimal("17.10"),
        tax_lines=[{"name": "Tax DE", "rate": "19", "amount": "17.10"}],
        total_amount=Decimal("107.10"),
    )  # fmt: skip
    for title in ("Rust & Safety", "Go <fast>"):
        OrderItemFactory.create(order=order, course=make_course(title=title))
    happen(OrderCompleted(order_id=order.id, user_id=user.id))
    row = Email.objects.get(kind="receipt")
    assert order.order_number in row.subject
    for text in ("Rust & Safety: 49.99 USD", "Go <fast>: 49.99 USD", "Discount: -9.98 USD",
                 "Tax DE: 17.10 USD", "Total paid: 107.10 USD"):  # fmt: skip
        assert text in row.text
    assert "Go &lt;fast&gt;" in row.html


@pytest.mark.django_db
def test_a_free_order_has_no_receipt(user: User) -> None:
    order = OrderFactory.create(
        user=user, status="completed", completed_at=timezone.now(), subtotal=Decimal(0)
    )
    happen(OrderCompleted(order_id=order.id, user_id=user.id))
    assert not Email.objects.exists()


@pytest.mark.django_db
def test_enrolment_mails_follow_the_persons_wish(user: User) -> None:
    enrollment = EnrollmentFactory.create(user=user, course=make_course(title="Knots"))
    event = Enrolled(
        enrollment_id=enrollment.id, user_id=user.id, course_id=enrollment.course_id, source="free"
    )
    happen(event)
    assert Email.objects.get().subject == "You are enrolled: Knots"
    NotificationPreference.objects.create(user=user, email_enrollment=False)
    happen(
        Enrolled(
            enrollment_id=enrollment.id, user_id=user.id, course_id=enrollment.course_id,
            source="free",
        )
    )  # fmt: skip
    assert Email.objects.count() == 1


@pytest.mark.django_db
def test_nobody_is_mailed_after_leaving() -> None:
    happen(VerificationRequested(user_id=UserFactory.build().id))
    assert not Email.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize("cause", ["enrolled", "paid"])
def test_mails_for_many_cost_as_many_statements_as_for_one(cause: str) -> None:
    def happened(times: int) -> list[Any]:
        if cause == "enrolled":
            rows = EnrollmentFactory.create_batch(times)
            return [
                Enrolled(
                    enrollment_id=row.id,
                    user_id=row.user_id,
                    course_id=row.course_id,
                    source="free",
                )
                for row in rows
            ]
        orders = [OrderFactory.create(user=UserFactory.create()) for _ in range(times)]
        return [
            OrderCompleted(order_id=order.id, user_id=order.user.id)
            for order in orders
            if order.user is not None
        ]

    def statements(events: list[Any]) -> int:
        mail_all: Any = handlers.mail_enrollments if cause == "enrolled" else handlers.mail_receipts
        with CaptureQueriesContext(connection) as queries:
            mail_all(events)
        return len(queries)

    assert statements(happened(5)) == statements(happened(1))
    assert Email.objects.count() == 6
