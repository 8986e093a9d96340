"""What our mails to people say.

`first_name` is "" where nobody may be called by name, and a title None where none may be told
(`notifications.selectors`).
"""

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal

from django.conf import settings

from core.money import money_text
from notifications.course_access import CourseAccess, Standing, tell_access, tell_meanwhile
from notifications.letter import Letter, Line, hello


def verification(*, link: str) -> Letter:
    """Welcome, and please prove that the address is yours."""
    return Letter(
        subject="Welcome to LearnFlow: please confirm your e-mail address",
        heading="Welcome!",
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
        heading=hello(first_name),
        paragraphs=["Somebody, hopefully you, asked to set a new password for your account."],
        action=("Set a new password", link),
        closing="If that wasn't you, ignore this mail: your password stays as it is.",
    )


def password_changed(*, first_name: str) -> Letter:
    """The password is another one now; said so that a stranger's change doesn't go unnoticed."""
    return Letter(
        subject="Your LearnFlow password was changed",
        heading=hello(first_name),
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
    lines: Sequence[tuple[str | None, Decimal]],
    discount: Decimal,
    taxes: Sequence[tuple[str, Decimal]],
    total: Decimal,
    currency: str,
    order_url: str,
) -> Letter:
    """The receipt of a paid order: its lines' prices less the discount, with the taxes."""
    rows = [
        Line(label=title or _UNNAMED, value=money_text(price, currency)) for title, price in lines
    ]
    if discount:
        rows.append(Line(label="Discount", value=f"-{money_text(discount, currency)}"))
    rows += [Line(label=name, value=money_text(tax, currency)) for name, tax in taxes]
    rows.append(Line(label="Total paid", value=money_text(total, currency), strong=True))
    reference = f"order {order_number}" + (f", invoice {invoice_number}" if invoice_number else "")
    return Letter(
        subject=f"Your LearnFlow receipt {order_number}",
        heading=_called("Thank you", first_name, "!"),
        paragraphs=[f"We have received your payment. This is your receipt for {reference}."],
        lines=rows,
        action=("See the order", order_url),
        closing="Your courses are open and waiting for you. The PDF of this is with the order.",
    )


def enrollment(*, first_name: str, course_title: str | None, course_url: str) -> Letter:
    """The door to a course is open."""
    return Letter(
        subject=f"You are enrolled: {course_title}" if course_title else "You are enrolled",
        heading=_called("Ready when you are", first_name),
        paragraphs=[f"You are now enrolled in {_quoted(course_title)}."],
        action=("Start learning", course_url),
    )


def certificate(
    *, first_name: str, course_title: str | None, serial: str, verify_url: str, download_url: str
) -> Letter:
    """The course is done and here is the proof."""
    return Letter(
        subject=f"Your certificate: {course_title}" if course_title else "Your certificate",
        heading=_called("Congratulations", first_name, "!"),
        paragraphs=[
            f"You have completed {_quoted(course_title)}, and your certificate is ready.",
        ],
        action=("Download the certificate", download_url),
        more=(f"Anyone can verify it by its serial {serial}", verify_url),
    )


_UNNAMED = "Course"
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
    lines: Sequence[tuple[str | None, Decimal]],
    order_url: str,
) -> Letter:
    """Money is on its way back: for which courses, or why."""
    why = _REFUND_REASONS.get(reason, "")
    rows = [
        Line(label=title or _UNNAMED, value=money_text(paid, currency)) for title, paid in lines
    ]
    if len(rows) > 1:
        rows.append(Line(label="Refunded", value=money_text(amount, currency), strong=True))
    return Letter(
        subject=f"Refund for your order {order_number}",
        heading=hello(first_name),
        paragraphs=[
            f"We have refunded {money_text(amount, currency)} of your order {order_number} to the "
            "payment method you used. Depending on your bank it takes up to ten days to arrive.",
            *([why] if why else []),
        ],
        lines=rows,
        action=("See the order", order_url),
        closing="" if why else "A course is closed once all that was paid for it is back.",
    )


def refund_undone(
    *, first_name: str, order_number: str, amount: Decimal, currency: str, access: CourseAccess
) -> Letter:
    """The bank sent a refund back; what was bought may be open again until it is sorted out."""
    courses = tell_access(
        access,
        all_open="Until we have found another way to pay you, your courses are open again.",
        none_open="Your courses remain closed meanwhile, for another reason than the refund.",
    )
    return Letter(
        subject=f"Your refund for order {order_number} did not arrive",
        heading=hello(first_name),
        paragraphs=[
            f"Your bank has sent back our refund of {money_text(amount, currency)} for your order "
            f"{order_number}.",
            _joined(
                courses,
                "We have been told and will get in touch about another way to pay "
                "you; you don't need to do anything.",
            ),
        ],
    )


def refund_refused(
    *, first_name: str, order_number: str, amount: Decimal, currency: str, reason: str,
    access: CourseAccess,
) -> Letter:  # fmt: skip
    """A refund that was promised can't be made in this way."""
    return Letter(
        subject=f"Your refund for order {order_number}",
        heading=hello(first_name),
        paragraphs=[
            f"{_promise(order_number, money_text(amount, currency), reason)} It could not be sent "
            "to the payment method you used.",
            _joined(
                "We have been told and will get in touch about another way; you don't need to "
                "do anything.",
                tell_meanwhile(access),
            ),
        ],
    )


def refund_delayed(
    *, first_name: str, order_number: str, amount: Decimal, currency: str, reason: str,
    access: CourseAccess, goes_on: bool,
) -> Letter:  # fmt: skip
    """A refund that was promised takes longer; `goes_on` at Stripe, or is tried again by us."""
    what_follows = "It goes on as soon as it can" if goes_on else "It is tried again each day"
    return Letter(
        subject=f"Your refund for order {order_number} takes longer",
        heading=hello(first_name),
        paragraphs=[
            f"{_promise(order_number, money_text(amount, currency), reason)} It has not left us "
            "yet, and we are sorry for that.",
            _joined(
                f"{what_follows}, and another mail tells you when the money is on its way; you "
                "don't need to do anything.",
                tell_meanwhile(access),
            ),
        ],
    )


def debit_failed(
    *,
    first_name: str,
    order_number: str,
    amount: Decimal,
    currency: str,
    payable_until: dt.datetime | None,
    access: CourseAccess,
    order_url: str,
) -> Letter:
    """A bank debit that was under way didn't come; `payable_until` is None when there is nothing to
    pay any more: the order is over or paid by now, or would open nothing."""
    courses = tell_access(
        access,
        all_open="Its courses are open to you all the same, so there is nothing left to pay.",
        none_open="Its courses are not open.",
    )
    until = f"{payable_until:%d %B %Y, %H:%M} UTC" if payable_until else ""
    return Letter(
        subject=f"Your payment for order {order_number} did not go through",
        heading=hello(first_name),
        paragraphs=[
            f"Your bank did not carry out the payment of {money_text(amount, currency)} for your "
            f"order {order_number}. {_joined('Nothing was paid by it.', courses)}",
            *([f"You can pay in another way until {until}."] if until else []),
        ],
        action=("See the order", order_url),
    )


def disputed(
    *, first_name: str, order_number: str, order_url: str, access: CourseAccess, part: str = ""
) -> Letter:
    """The buyer's bank took the money back for now; courses that stand on nothing else are
    suspended. `part`: how much, where it isn't all."""
    money = f"{part} of the payment" if part else "the payment"
    courses = tell_access(
        access,
        all_open="The courses of this order stay open.",
        none_open="Until the bank has decided, the courses of this order are suspended.",
    )
    return Letter(
        subject=f"Your payment for order {order_number} is disputed",
        heading=hello(first_name),
        paragraphs=[
            _joined(
                f"Your bank has taken back {money} for your order {order_number}, because it was "
                "told that something is wrong with it.",
                courses,
                "What you have learned is kept.",
            ),
            "If that was a mistake, ask your bank to withdraw the dispute. If you want your money "
            "back, there is nothing more to do; a refund by us isn't possible meanwhile.",
        ],
        action=("See the order", order_url),
    )


def dispute_decided(
    *,
    first_name: str,
    order_number: str,
    order_url: str,
    won: bool,
    access: CourseAccess,
    part: str = "",
) -> Letter:
    """How it ended, for the buyer: `won` is the marketplace's view, `part` as of `disputed`."""
    if won:
        outcome = "The payment stands."
        courses = tell_access(
            access,
            all_open="The courses of this order are open again.",
            none_open="The courses of this order remain closed, for another reason than the "
            "dispute.",
        )
    else:
        outcome = f"{part or 'The money'} stays with you."
        courses = tell_access(
            access,
            all_open="The courses of this order are open.",
            none_open="The courses of this order are closed. You can buy them again at any time; "
            "what you have learned is kept.",
        )
    return Letter(
        subject=f"The dispute of your order {order_number} is over",
        heading=hello(first_name),
        paragraphs=[
            f"Your bank has decided about the payment for your order {order_number}.",
            _joined(outcome, courses),
        ],
        action=("See the order", order_url),
    )


def request_granted(*, first_name: str, order_number: str, titles: Sequence[str | None]) -> Letter:
    """Yes to a refund, whose money is on its way: another mail tells how much."""
    return Letter(
        subject=f"Your refund request for order {order_number} was granted",
        heading=hello(first_name),
        paragraphs=[
            f"We have granted the refund you asked for, of order {order_number}.",
            "The money is on its way; another mail tells you how much it is.",
        ],
        lines=[Line(label=title or _UNNAMED, value="refund") for title in titles],
    )


def request_declined(
    *,
    first_name: str,
    order_number: str,
    courses: Sequence[tuple[str | None, Standing]],
    reason: str,
) -> Letter:
    """No to a refund, and why; and how each course that it was for stands by now."""
    return Letter(
        subject=f"Your refund request for order {order_number}",
        heading=hello(first_name),
        paragraphs=[
            f"We are sorry: we can't refund your order {order_number}. This is why:",
            reason,
        ],
        lines=[Line(label=title or _UNNAMED, value=standing) for title, standing in courses],
    )


def _promise(order_number: str, money: str, reason: str) -> str:
    """What a buyer knows of a refund, or could know."""
    why = _REFUND_REASONS.get(reason)
    if why:
        return f"{why} So {money} of what you paid for your order {order_number} goes back to you."
    return f"We told you of your refund of {money} for your order {order_number}."


def _joined(*sentences: str) -> str:
    return " ".join(sentence for sentence in sentences if sentence)


def _called(greeting: str, first_name: str, end: str = "") -> str:
    return f"{greeting}, {first_name}{end}" if first_name else f"{greeting}{end}"


def _quoted(title: str | None) -> str:
    return f"“{title}”" if title else "a course"
