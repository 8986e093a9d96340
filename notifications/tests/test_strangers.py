"""Nothing that a stranger wrote can be followed in a mail, or reaches an address that nobody has
shown to be theirs."""

import re
from typing import Any

import pytest
from django.core import mail
from django.db import transaction
from django.utils import timezone
from rest_framework.test import APIClient

from core import outbox
from core.events import Event
from core.models import OutboxDelivery
from enrollments.events import Enrolled
from notifications import letters, services, staff_letters
from notifications.letter import Letter, Line
from notifications.models import Email
from orders.events import OrderCompleted
from tests.factories import (
    EnrollmentFactory,
    OrderFactory,
    OrderItemFactory,
    UserFactory,
    make_course,
)
from users.events import PasswordChanged, PasswordResetRequested, VerificationRequested
from users.models import User

# As mail programs look for addresses: a scheme, "www.", a name with a top-level domain, an e-mail.
_FOLLOWED = re.compile(r"\w+://\S|\bwww\.\w|[\w-]+\.[a-z]{2,}\b|\S@\w", re.IGNORECASE)

EVIL = [
    "evil.example",
    "See http://evil.example/pay?now=1",
    "https://198.51.100.7/login",
    "www.evil.example",
    "write to money@evil.example",
    "bücher.example",
    "evil。example",
    "<a href='https://evil.example'>free</a>",
    "javascript://evil.example",
]


def followed(letter: Letter, ours: set[str]) -> list[str]:
    """Return what can be followed in either form beyond our own addresses."""
    text, html = letter.as_text(), letter.as_html()
    links = set(re.findall(r'href="([^"]*)"', html))
    assert links == ours
    body = re.sub(r"<[^>]*>", " ", html.partition("<body")[2])
    for address in ours:
        text, body = text.replace(address, ""), body.replace(address, "")
    return _FOLLOWED.findall(text) + _FOLLOWED.findall(body)


@pytest.mark.parametrize("evil", EVIL)
def test_no_word_becomes_a_link(evil: str) -> None:
    ours = "https://spa.example/orders/1"
    letter = Letter(
        subject=evil,
        heading=f"Hello {evil},",
        paragraphs=[evil],
        lines=[Line(label=evil, value=evil)],
        action=("See the order", ours),
        closing=evil,
    )
    assert followed(letter, {ours}) == []


def test_a_refund_request_is_quoted_and_nothing_in_it_leads_anywhere() -> None:
    letter = staff_letters.refund_request(
        order_number="ORD-2026-00001",
        titles=["Pay at evil.example"],
        reason="No good\n\nDecide:\nhttps://evil.example/admin",
        url="https://api.example/admin/1",
    )
    assert followed(letter, {"https://api.example/admin/1"}) == []
    assert "\nDecide:\nhttps://evil" not in letter.as_text()
    assert "In their words: “No good" in letter.as_text()


def test_a_certificates_own_addresses_can_be_followed() -> None:
    ours = {"https://api.example/c/1/", "https://api.example/c/1/download/"}
    letter = letters.certificate(
        first_name="Ada", course_title="evil.example", serial="LF-1",
        verify_url="https://api.example/c/1/", download_url="https://api.example/c/1/download/",
    )  # fmt: skip
    assert followed(letter, ours) == []
    assert "https://api.example/c/1/\n" in letter.as_text()


@pytest.mark.parametrize("words", ["3.14 of 10.5", "1.5x faster", "C++, C#, .NET", "Ada & Bob"])
def test_words_read_as_they_were_written(words: str) -> None:
    letter = Letter(subject=words, heading=words, paragraphs=[])
    assert letter.heading.replace("\u2060", "") == words
    assert letter.subject == words


def test_amounts_can_be_copied() -> None:
    assert Line(label="Total", value="1,107.10 USD").value == "1,107.10 USD"


def test_overrides_and_control_characters_are_gone() -> None:
    letter = Letter(
        subject="a\r\nBcc: x@example.test\u202e", heading="h\x00\u2066", paragraphs=["p\u2028q"]
    )
    assert (letter.subject, letter.heading, letter.paragraphs) == (
        "a Bcc: x@example.test", "h", ["p q"],
    )  # fmt: skip


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["Ada\nBcc: x@evil.example", "A\u2028B", "A\x0bTo: x"])
def test_no_header_is_forged(name: str) -> None:
    user = UserFactory.create(email="ada@example.test")
    letter = letters.enrollment(first_name=name, course_title=name, course_url="https://x.test/")
    with transaction.atomic():
        services.write_email(
            dedupe_key="k", kind="test", user_id=user.id, to=user.email, letter=letter
        )
    services.send_due_emails()
    [sent] = mail.outbox
    mime = sent.message()
    assert set(mime.keys()) == {
        "Content-Type", "MIME-Version", "Subject", "From", "To", "Date", "Message-ID",
        "X-LearnFlow-Kind", "Auto-Submitted",
    }  # fmt: skip
    assert sent.recipients() == ["ada@example.test"]


BAIT = "You won at evil-prize"


def happen(event: Event) -> None:
    with transaction.atomic():
        outbox.record(event)
    outbox.deliver_due()
    assert not OutboxDelivery.objects.exclude(last_error="").exists()
    services.send_due_emails()


def events_of(user: User) -> list[Event]:
    course = make_course(title=BAIT, slug="you-won-at-evil-prize")
    enrollment = EnrollmentFactory.create(user=user, course=course)
    order = OrderFactory.create(user=user, status="completed", completed_at=timezone.now())
    OrderItemFactory.create(order=order, course=course)
    return [
        VerificationRequested(user_id=user.id),
        PasswordResetRequested(user_id=user.id),
        PasswordChanged(user_id=user.id),
        OrderCompleted(order_id=order.id, user_id=user.id),
        Enrolled(enrollment_id=enrollment.id, user_id=user.id, course_id=course.id, source="free"),
    ]


@pytest.mark.django_db
def test_an_unproved_address_gets_no_word_of_a_stranger(settings: Any) -> None:
    """Whoever signs up with somebody else's address can't write to them."""
    user = UserFactory.create(first_name=BAIT, last_name=BAIT, email_verified_at=None)
    for event in events_of(user):
        happen(event)
    assert len(mail.outbox) == 5
    for message in mail.outbox:
        told = message.message().as_string().lower()
        assert "evil" not in told, message.subject
        assert "evil" not in str(message.body).lower()


@pytest.mark.django_db
def test_a_proved_one_is_called_by_name() -> None:
    user = UserFactory.create(first_name="Ada")
    for event in events_of(user)[1:]:
        happen(event)
    assert all("Ada" in str(message.body) for message in mail.outbox)
    assert BAIT in Email.objects.get(kind="receipt").text
    assert BAIT in Email.objects.get(kind="enrollment").text


@pytest.mark.django_db
def test_registering_mails_no_name(api: APIClient) -> None:
    api.post(
        "/api/v1/auth/register/",
        {"email": "victim@example.test", "password": "long-enough-phrase-1",
         "first_name": BAIT, "last_name": BAIT},
    )  # fmt: skip
    outbox.deliver_due()
    services.send_due_emails()
    [sent] = mail.outbox
    assert sent.to == ["victim@example.test"]
    assert BAIT not in sent.message().as_string()
    assert BAIT not in str(sent.body)
