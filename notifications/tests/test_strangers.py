"""Nothing that a stranger wrote can be followed in a mail, or reaches an address that nobody has
shown to be theirs."""

import re
import unicodedata
from html import unescape
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

# As linkifiers look for addresses: a label is whatever is neither space, control nor punctuation
# (emoji and vowel signs are part of names), and any sign that a browser takes for a point is one.
_POINT = "[.\u3002\uff0e\uff61]"
_TOP = r"(?:[a-z]{2,}|xn--[a-z0-9-]+|(?:[^\x00-\x7f]){2,})"
_BRACKETED = re.compile(r"/\[[0-9a-f:.]+\]", re.IGNORECASE)
_IPV4 = re.compile(rf"(?<!\d)(?:\d{{1,3}}{_POINT}){{3}}\d{{1,3}}(?!\d)")
_STRICT = re.compile(
    rf"//[^\s/]|\bwww{_POINT}[^\s.]|[^\s@\u2060][@\uff20][^\s@\u2060]", re.IGNORECASE
)
_NAME = re.compile(rf"([^\s.\u3002\uff0e\uff61]+){_POINT}({_TOP})", re.IGNORECASE)

HINDI, TAMIL = "\u0939\u093f\u0928\u094d\u0926\u0940", "\u0bb8\u0bcd\u0bb0\u0bc0"

EVIL = [
    "evil.example",
    "See http://evil.example/pay?now=1",
    "https://198.51.100.7/login",
    "www.evil.example",
    "write to money@evil.example",
    "mailto:money@evil.example",
    "bücher.example",
    "evil。example",
    "evil\uff0eexample",
    "evil｡example",
    "<a href='https://evil.example'>free</a>",
    "javascript://evil.example",
    "//evil.example/pay",
    f"{HINDI}.com",
    f"{HINDI}.\u092d\u093e\u0930\u0924",
    f"{TAMIL}.com",
    f"https://www.{TAMIL}.com",
    "cafe\u0301.example",
    "i\u2764.ws",
    "i\u2764\ufe0f.ws",
    "evil\u200b.example",
    "evil.\u200bexample",
    "evil\u00ad.\u2060example",
    "evil.\u200dexample",
    "evil\u200c.example",
    "evil\ufeff.\u200e\u200dexample",
    "evil.\u034fexample",
    "www\u200b.evil.example",
    "http:\u200b//evil.example",
    "http:/\u200d/evil.example",
    "money@\u200devil.example",
    "(evil.example)",
    "\u201cevil.example\u201d",
    "evil-.example",
    "3.14.evil.example",
    "1.example",
    "192.0.2.1",
    "192.0.2.1/pay",
    "pay at 192\uff0e0\uff0e2\uff0e1",
    "http://[2001:db8::1]/pay",
    "//[2001:db8::1]",
]


def addresses_in(text: str) -> list[str]:
    """Return what some linkifier follows. A word joiner ends an address for most; for others it is
    a letter like any, which browsers leave out when they follow."""
    found = []
    for seen in (_without_ignored(text.replace("\u2060", "\n")), text):
        for pattern in (_STRICT, _IPV4, _BRACKETED):
            found += [match.group() for match in pattern.finditer(seen)]
        found += [
            match.group()
            for match in _NAME.finditer(seen)
            if unicodedata.category(match.group(1)[-1])[0] not in "ZC"
            and "\u2060" not in match.group(2)
        ]
    return found


def _without_ignored(text: str) -> str:
    """Return the text as a browser reads a host: composed, without what it ignores."""
    ignored = {"\u034f", *map(chr, range(0xFE00, 0xFE10))}
    shown = [c for c in text if unicodedata.category(c) != "Cf" and c not in ignored]
    return unicodedata.normalize("NFC", "".join(shown))


@pytest.mark.parametrize("evil", EVIL)
def test_the_detector_sees_what_is_to_be_found(evil: str) -> None:
    assert addresses_in(evil.replace("\u2060", ""))


@pytest.mark.parametrize(
    "words", ["3.14 of 10.5", "C++, C#, .NET", "Wait ... what?", "A/B", "a: b"]
)
def test_the_detector_sees_no_address_in_words(words: str) -> None:
    assert not addresses_in(words)


def followed(letter: Letter, ours: set[str]) -> list[str]:
    """Return what can be followed in either form beyond our own addresses."""
    text, html = letter.as_text(), letter.as_html()
    links = set(re.findall(r'href="([^"]*)"', html))
    assert links == ours
    body = unescape(re.sub(r"<[^>]*>", " ", html.partition("<body")[2]))
    for address in ours:
        text, body = text.replace(address, ""), body.replace(address, "")
    return addresses_in(text) + addresses_in(body)


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


@pytest.mark.parametrize(
    "words",
    [
        "3.14 of 10.5",
        "1.5x faster",
        "C++, C#, .NET",
        "Ada & Bob",
        HINDI,
        "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
        "\u0dc1\u0dca\u200d\u0dbb\u0dd3 \U0001f469\u200d\U0001f4bb \u2764\ufe0f",
        "caf\u00e9 https: e.g. 1/2",
        "\u0604\u0661\u0662",
    ],
)
def test_words_read_as_they_were_written(words: str) -> None:
    letter = Letter(subject=words, heading=words, paragraphs=[])
    assert letter.heading.replace("\u2060", "") == words
    assert letter.subject == words


@pytest.mark.parametrize(
    "amount", ["1,107.10 USD", "-3.14", "\u22123.14 EUR", "(10.50)", "$10.50, 3.14.", "19.5%"]
)
def test_amounts_can_be_copied(amount: str) -> None:
    assert Line(label="Total", value=amount).value == amount


def test_words_are_composed_and_hide_nothing() -> None:
    letter = Letter(subject="cafe\u0301\u200b", heading="so\u00adft\u2060", paragraphs=[])
    assert (letter.subject, letter.heading) == ("caf\u00e9", "soft")


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
