"""What our mails say: each is a `Letter`, rendered to text and HTML from the same words."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from django.conf import settings
from django.template.loader import render_to_string

from core.money import money_text


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
    taxes: Sequence[tuple[str, Decimal]],
    total: Decimal,
    currency: str,
    order_url: str,
) -> Letter:
    """The receipt of a paid order: its lines' prices less the discount, with the taxes."""
    rows = [Line(label=title, value=money_text(price, currency)) for title, price in lines]
    if discount:
        rows.append(Line(label="Discount", value=f"-{money_text(discount, currency)}"))
    rows += [Line(label=name, value=money_text(tax, currency)) for name, tax in taxes]
    rows.append(Line(label="Total paid", value=money_text(total, currency), strong=True))
    reference = f"order {order_number}" + (f", invoice {invoice_number}" if invoice_number else "")
    return Letter(
        subject=f"Your LearnFlow receipt {order_number}",
        heading=f"Thank you, {first_name}!",
        paragraphs=[f"We have received your payment. This is your receipt for {reference}."],
        lines=rows,
        action=("See the order", order_url),
        closing="Your courses are open and waiting for you. The PDF of this is with the order.",
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


# Why money came back that nobody asked back.
_REFUND_REASONS = {
    "late_payment": "Your payment came after the order had been closed.",
    "duplicate_payment": "The order had been paid already.",
    "already_owned": "You had the course already by the time the payment came.",
    "amount_mismatch": "The amount that came was not the order's.",
}


def refund(
    *,
    first_name: str,
    order_number: str,
    amount: Decimal,
    currency: str,
    reason: str,
    lines: Sequence[tuple[str, Decimal]],
    order_url: str,
) -> Letter:
    """Money is on its way back: for which courses, or why."""
    why = _REFUND_REASONS.get(reason, "")
    rows = [Line(label=title, value=money_text(paid, currency)) for title, paid in lines]
    if len(rows) > 1:
        rows.append(Line(label="Refunded", value=money_text(amount, currency), strong=True))
    return Letter(
        subject=f"Refund for your order {order_number}",
        heading=f"Hello {first_name},",
        paragraphs=[
            f"We have refunded {money_text(amount, currency)} of your order {order_number} to the "
            "payment method you used. Depending on your bank it takes up to ten days to arrive.",
            *([why] if why else []),
        ],
        lines=rows,
        action=("See the order", order_url),
        closing="" if why else "A course is closed once all that was paid for it is back.",
    )


def refund_undone(*, first_name: str, order_number: str, amount: Decimal, currency: str) -> Letter:
    """The bank sent a refund back; what was bought is open again until it is sorted out."""
    return Letter(
        subject=f"Your refund for order {order_number} did not arrive",
        heading=f"Hello {first_name},",
        paragraphs=[
            f"Your bank has sent back our refund of {money_text(amount, currency)} for your order "
            f"{order_number}.",
            "Until we have found another way to pay you, your courses are open again. We have been "
            "told and will get in touch; you don't need to do anything.",
        ],
    )


def disputed(*, first_name: str, order_number: str, order_url: str) -> Letter:
    """The buyer's bank took the money back for now; their courses are suspended."""
    return Letter(
        subject=f"Your payment for order {order_number} is disputed",
        heading=f"Hello {first_name},",
        paragraphs=[
            f"Your bank has taken back the payment for your order {order_number}, because it was "
            "told that something is wrong with it. Until the bank has decided, the courses of this "
            "order are suspended. What you have learned is kept.",
            "If that was a mistake, ask your bank to withdraw the dispute. If you want your money "
            "back, there is nothing more to do; a refund by us isn't possible meanwhile.",
        ],
        action=("See the order", order_url),
    )


def dispute_decided(*, first_name: str, order_number: str, order_url: str, won: bool) -> Letter:
    """How it ended, for the buyer: `won` is the marketplace's view."""
    after = (
        "The payment stands, and the courses of this order are open again."
        if won
        else "The money stays with you, and the courses of this order are closed. You can buy them "
        "again at any time; what you have learned is kept."
    )
    return Letter(
        subject=f"The dispute of your order {order_number} is over",
        heading=f"Hello {first_name},",
        paragraphs=[
            f"Your bank has decided about the payment for your order {order_number}.",
            after,
        ],
        action=("See the order", order_url),
    )


def request_granted(*, first_name: str, order_number: str, titles: Sequence[str]) -> Letter:
    """Yes to a refund; another mail tells of the money, which may be on its way already."""
    return Letter(
        subject=f"Your refund request for order {order_number} was granted",
        heading=f"Hello {first_name},",
        paragraphs=[
            f"We have granted the refund you asked for, of order {order_number}.",
            "Another mail tells you when the money is on its way.",
        ],
        lines=[Line(label=title, value="refund") for title in titles],
    )


def request_declined(
    *, first_name: str, order_number: str, titles: Sequence[str], reason: str
) -> Letter:
    """No to a refund, and why."""
    return Letter(
        subject=f"Your refund request for order {order_number}",
        heading=f"Hello {first_name},",
        paragraphs=[
            f"We are sorry: we can't refund your order {order_number}. This is why:",
            reason,
        ],
        lines=[Line(label=title, value="stays yours") for title in titles],
    )


def staff_refund_request(
    *, order_number: str, titles: Sequence[str], reason: str, url: str
) -> Letter:
    """To staff: somebody wants their money back."""
    return Letter(
        subject=f"Refund requested for order {order_number}",
        heading=f"Order {order_number}",
        paragraphs=["The buyer asks for a refund.", reason or "No reason was given."],
        lines=[Line(label=title, value="requested") for title in titles],
        action=("Decide", url),
    )


def staff_refund_failed(
    *, order_number: str, amount: Decimal, currency: str, reason: str, undone: bool, url: str
) -> Letter:
    """To staff: a refund came to nothing. Whether the buyer is owed it, only an undone one says:
    what Stripe refused at once may have gone back in another way, or be with a bank."""
    if undone:
        after = [
            "It had been taken into the order, and was taken out again: the courses are open.",
            "The buyer has to be paid in another way.",
        ]
    else:
        after = [
            "It never left, and nothing of the order was changed.",
            "Look at the payment first: if its money went back otherwise, or a bank has taken it, "
            "nothing is owed. Else refund it again, or pay the buyer in another way.",
        ]
    return Letter(
        subject=f"A refund of order {order_number} failed",
        heading=f"Order {order_number}",
        paragraphs=[
            f"The refund of {money_text(amount, currency)} came to nothing"
            + (f" ({reason})." if reason else "."),
            *after,
        ],
        action=("See the refund", url),
    )


def staff_dispute(
    *,
    order_number: str,
    stripe_id: str,
    amount: Decimal,
    currency: str,
    reason: str,
    evidence_due: str,
    is_inquiry: bool,
    is_appeal: bool,
    url: str,
) -> Letter:
    """To staff: a bank asks about a payment, or took it back, or would hear an appeal."""
    done = "decided" if is_appeal else "opened"
    what = "inquiry" if is_inquiry else "dispute"
    if is_inquiry:
        state = "The money was not moved, and the courses stay open."
    elif is_appeal:
        state = "It can be appealed. Until then the bank has the money, and the courses are closed."
    else:
        state = "The money was taken back, and the courses are suspended until it is decided."
    paragraphs = [
        f"The buyer's bank {done} the {what} {stripe_id} over {money_text(amount, currency)}"
        + (f" ({reason})." if reason else "."),
        state,
    ]
    if evidence_due:
        paragraphs.append(f"Evidence is due at Stripe by {evidence_due}.")
    return Letter(
        subject=f"A payment of order {order_number} is disputed",
        heading=f"Order {order_number}",
        paragraphs=paragraphs,
        action=("See the dispute", url),
    )


def staff_dispute_closed(
    *, order_number: str, stripe_id: str, amount: Decimal, currency: str, won: bool, url: str
) -> Letter:
    """To staff: how it ended."""
    after = (
        "The money is ours again, and the buyer's courses are open again."
        if won
        else "The money is lost, and the courses were taken away."
    )
    return Letter(
        subject=f"The dispute of order {order_number} is {'over' if won else 'lost'}",
        heading=f"Order {order_number}",
        paragraphs=[
            f"The dispute {stripe_id} over {money_text(amount, currency)} "
            f"{'was decided for us, or withdrawn' if won else 'is lost'}.",
            after,
        ],
        action=("See the dispute", url),
    )


def staff_undue_payment(*, order_number: str, reason: str, url: str) -> Letter:
    """To staff: money came that can't stay."""
    return Letter(
        subject=f"A payment of order {order_number} is being given back",
        heading=f"Order {order_number}",
        paragraphs=[
            f"Money came that can't stand for the order ({reason.replace('_', ' ')}). It goes back "
            "to the buyer by itself.",
        ],
        action=("See the payment", url),
    )


def staff_payout_failed(
    *, instructor: str, amount: Decimal, currency: str, reason: str, url: str
) -> Letter:
    """To staff: an instructor couldn't be paid."""
    return Letter(
        subject=f"A payout to {instructor} failed",
        heading=f"Payout of {money_text(amount, currency)}",
        paragraphs=[
            f"Stripe refused to pay {instructor} ({reason})."
            if reason
            else f"Stripe refused to pay {instructor}.",
            "The instructor is owed the money as before. It is tried again in a day, as long as "
            "Stripe lets their account be paid.",
        ],
        action=("See the payout", url),
    )


def staff_payout_taken_back(
    *, instructor: str, amount: Decimal, returned: Decimal, currency: str, url: str
) -> Letter:
    """To staff: a payout that had been made was taken back."""
    return Letter(
        subject=f"A payout to {instructor} was taken back",
        heading=f"Payout of {money_text(amount, currency)}",
        paragraphs=[
            f"{money_text(returned, currency)} of it was taken back at Stripe so far.",
            f"It counts again towards what {instructor} is owed, and goes into their next payout "
            "unless their account is stopped at Stripe.",
        ],
        action=("See the payout", url),
    )
