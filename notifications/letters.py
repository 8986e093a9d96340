"""What our mails say: each is a `Letter`, rendered to text and HTML from the same words."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from django.conf import settings
from django.template.loader import render_to_string


@dataclass(frozen=True, kw_only=True)
class Line:
    """A row of a table, e.g. of a receipt."""

    label: str
    value: str
    strong: bool = False


@dataclass(frozen=True, kw_only=True)
class Letter:
    """A mail before it is written. `action` is a label and an absolute address."""

    subject: str
    heading: str
    paragraphs: Sequence[str]
    lines: Sequence[Line] = field(default_factory=tuple)
    action: tuple[str, str] | None = None
    closing: str = ""

    def as_text(self) -> str:
        """Return the plain text a reader without HTML sees."""
        return render_to_string("mail/letter.txt", {"letter": self}).strip() + "\n"

    def as_html(self) -> str:
        """Return the HTML, styled inline and without remote content."""
        return render_to_string("mail/letter.html", {"letter": self})


def verification(*, first_name: str, link: str) -> Letter:
    """Welcome, and please prove that the address is yours."""
    return Letter(
        subject="Welcome to LearnFlow: please confirm your e-mail address",
        heading=f"Welcome, {first_name}!",
        paragraphs=[
            "Good to have you here. Please confirm that this is your e-mail address.",
        ],
        action=("Confirm my address", link),
        closing="If you did not sign up at LearnFlow, you can ignore this mail.",
    )


def password_reset(*, first_name: str, link: str) -> Letter:
    """A link to set a new password."""
    return Letter(
        subject="Set a new password for LearnFlow",
        heading=f"Hello {first_name},",
        paragraphs=["Somebody, hopefully you, asked to set a new password for your account."],
        action=("Set a new password", link),
        closing="If that wasn't you, ignore this mail: your password stays as it is.",
    )


def password_changed(*, first_name: str) -> Letter:
    """The password is another one now; said so that a stranger's change doesn't go unnoticed."""
    return Letter(
        subject="Your LearnFlow password was changed",
        heading=f"Hello {first_name},",
        paragraphs=[
            "The password of your account was just changed, and other devices were signed out."
        ],
        action=("It wasn't me", f"{settings.FRONTEND_URL}/forgot-password"),
        closing="If it was you, there is nothing to do.",
    )


def receipt(
    *,
    first_name: str,
    order_number: str,
    invoice_number: str,
    lines: Sequence[tuple[str, Decimal]],
    discount: Decimal,
    total: Decimal,
    currency: str,
    order_url: str,
) -> Letter:
    """The receipt of a paid order."""
    rows = [Line(label=title, value=money(price, currency)) for title, price in lines]
    if discount:
        rows.append(Line(label="Discount", value=f"-{money(discount, currency)}"))
    rows.append(Line(label="Total paid", value=money(total, currency), strong=True))
    reference = f"order {order_number}" + (f", invoice {invoice_number}" if invoice_number else "")
    return Letter(
        subject=f"Your LearnFlow receipt {order_number}",
        heading=f"Thank you, {first_name}!",
        paragraphs=[f"We have received your payment. This is your receipt for {reference}."],
        lines=rows,
        action=("See the order", order_url),
        closing="Your courses are open and waiting for you.",
    )


def enrollment(*, first_name: str, course_title: str, course_url: str) -> Letter:
    """The door to a course is open."""
    return Letter(
        subject=f"You are enrolled: {course_title}",
        heading=f"Ready when you are, {first_name}",
        paragraphs=[f"You are now enrolled in “{course_title}”."],
        action=("Start learning", course_url),
    )


def certificate(
    *, first_name: str, course_title: str, serial: str, verify_url: str, download_url: str
) -> Letter:
    """The course is done and here is the proof."""
    return Letter(
        subject=f"Your certificate: {course_title}",
        heading=f"Congratulations, {first_name}!",
        paragraphs=[
            f"You have completed “{course_title}”, and your certificate is ready.",
            f"Anyone can verify it by its serial {serial} at {verify_url}",
        ],
        action=("Download the certificate", download_url),
    )


def refund(*, first_name: str, order_number: str, amount: Decimal, currency: str) -> Letter:
    """Money is on its way back."""
    return Letter(
        subject=f"Refund for your order {order_number}",
        heading=f"Hello {first_name},",
        paragraphs=[
            f"We have refunded {money(amount, currency)} of your order {order_number} to the "
            "payment method you used. Depending on your bank it takes up to ten days to arrive."
        ],
    )


def money(amount: Decimal, currency: str) -> str:
    """Return an amount as a reader expects it, e.g. "89.99 USD"."""
    return f"{amount:,.2f} {currency.upper()}"
