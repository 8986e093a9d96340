"""What our mails to staff say: money that went wrong, and buyers who wait for an answer."""

from collections.abc import Sequence
from decimal import Decimal

from core.money import money_text
from notifications.course_access import CourseAccess, tell_access
from notifications.letter import Letter, Line


def refund_request(*, order_number: str, titles: Sequence[str], reason: str, url: str) -> Letter:
    """To staff: somebody wants their money back."""
    return Letter(
        subject=f"Refund requested for order {order_number}",
        heading=f"Order {order_number}",
        paragraphs=[
            "The buyer asks for a refund.",
            f"In their words: “{reason}”" if reason else "No reason was given.",
        ],
        lines=[Line(label=title, value="requested") for title in titles],
        action=("Decide", url),
    )


def refund_failed(
    *,
    order_number: str,
    amount: Decimal,
    currency: str,
    reason: str,
    undone: bool,
    access: CourseAccess,
    url: str,
) -> Letter:
    """To staff: a refund came to nothing. Whether the buyer is owed it, only an undone one says:
    what Stripe refused at once may have gone back in another way, or be with a bank."""
    if undone:
        after = [
            f"It had been taken into the order, and was taken out again. {_tell(access)}".rstrip(),
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


def refund_delayed(
    *, order_number: str, amount: Decimal, currency: str, was_told: bool, goes_on: bool, url: str
) -> Letter:
    """To staff: a refund waits for more of our money at Stripe, which `goes_on` with it by itself,
    or we try it again."""
    what_follows = (
        "Stripe has made it, and goes on with it as soon as there is enough."
        if goes_on
        else "It is tried again each day."
    )
    buyer = (
        "the buyer believed that the money comes, and is told that it takes longer."
        if was_told
        else "the buyer isn't told that the money is on its way before it is."
    )
    return Letter(
        subject=f"A refund of order {order_number} waits for money",
        heading=f"Order {order_number}",
        paragraphs=[
            f"Too little is available at Stripe for the refund of {money_text(amount, currency)}.",
            f"{what_follows} Top up the balance at Stripe, or let sales do it; {buyer}",
        ],
        action=("See the refund", url),
    )


def dispute(
    *,
    order_number: str,
    stripe_id: str,
    amount: Decimal,
    currency: str,
    reason: str,
    evidence_due: str,
    is_inquiry: bool,
    is_appeal: bool,
    access: CourseAccess,
    url: str,
) -> Letter:
    """To staff: a bank asks about a payment, or took it back, or would hear an appeal."""
    done = "decided" if is_appeal else "opened"
    what = "inquiry" if is_inquiry else "dispute"
    if is_inquiry:
        state = "The money was not moved."
    elif is_appeal:
        state = "It can be appealed. Until then the bank has the money."
    else:
        state = "The money was taken back until it is decided."
    paragraphs = [
        f"The buyer's bank {done} the {what} {stripe_id} over {money_text(amount, currency)}"
        + (f" ({reason})." if reason else "."),
        f"{state} {_tell(access)}".rstrip(),
    ]
    if evidence_due:
        paragraphs.append(f"Evidence is due at Stripe by {evidence_due}.")
    return Letter(
        subject=f"A payment of order {order_number} is disputed",
        heading=f"Order {order_number}",
        paragraphs=paragraphs,
        action=("See the dispute", url),
    )


def dispute_closed(
    *,
    order_number: str,
    stripe_id: str,
    amount: Decimal,
    currency: str,
    won: bool,
    access: CourseAccess,
    url: str,
) -> Letter:
    """To staff: how it ended."""
    after = f"The money is {'ours again' if won else 'lost'}. {_tell(access)}".rstrip()
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


def _tell(access: CourseAccess) -> str:
    return tell_access(
        access,
        all_open="The buyer's courses are open.",
        none_open="The buyer's courses are closed.",
    )


def undue_payment(*, order_number: str, reason: str, url: str) -> Letter:
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


def receipt_held(
    *, order_number: str, invoice_number: str, characters: Sequence[str], url: str
) -> Letter:
    """To staff: a receipt can't be printed."""
    return Letter(
        subject=f"The receipt {invoice_number} is held back",
        heading=f"Order {order_number}",
        paragraphs=[
            "Our fonts can't show a name or an address on this receipt as it is written: "
            f"{' '.join(characters)}",
            "The buyer can't download it. It is made by itself as soon as it can be; until then "
            "they may ask for it in another form.",
        ],
        action=("See the invoice", url),
    )


def payout_failed(
    *, instructor: str, amount: Decimal, currency: str, reason: str, url: str
) -> Letter:
    """To staff: an instructor couldn't be paid."""
    return Letter(
        subject=f"A payout to {instructor} failed",
        heading=f"Payout of {money_text(amount, currency)}",
        paragraphs=[
            f"Stripe refused to pay the instructor ({reason})."
            if reason
            else "Stripe refused to pay the instructor.",
            "The instructor is owed the money as before. It is tried again in a day, as long as "
            "Stripe lets their account be paid.",
        ],
        lines=[Line(label="Instructor", value=instructor, is_address=True)],
        action=("See the payout", url),
    )


def payout_taken_back(
    *, instructor: str, amount: Decimal, returned: Decimal, currency: str, url: str
) -> Letter:
    """To staff: a payout that had been made was taken back."""
    return Letter(
        subject=f"A payout to {instructor} was taken back",
        heading=f"Payout of {money_text(amount, currency)}",
        paragraphs=[
            f"{money_text(returned, currency)} of it was taken back at Stripe so far.",
            "It counts again towards what the instructor is owed, and goes into their next payout "
            "unless their account is stopped at Stripe.",
        ],
        lines=[Line(label="Instructor", value=instructor, is_address=True)],
        action=("See the payout", url),
    )


def payouts_held(*, what: str, instructors: list[str], url: str) -> Letter:
    """To staff: a difference keeps instructors from being paid."""
    return Letter(
        subject="Payouts are held",
        heading=what,
        paragraphs=[
            "What these instructors are owed is in doubt, as our rows contradict Stripe's or each "
            "other. They are paid by themselves once a later run finds the difference gone; "
            "everybody else is paid as always.",
        ],
        lines=[
            Line(label="Instructor", value=instructor, is_address=True)
            for instructor in instructors
        ],
        action=("See the difference", url),
    )


def bank_payout_failed(*, instructor: str, stripe_id: str, reason: str, url: str) -> Letter:
    """To staff: an instructor's bank refused what Stripe paid out to it."""
    return Letter(
        subject=f"The bank of {instructor} refused a payout",
        heading=f"Payout {stripe_id}",
        paragraphs=[
            "Stripe could not pay out to the instructor's bank"
            + (f" ({reason})." if reason else "."),
            "We have paid them: the money lies in their account at Stripe, and nothing is owed. "
            "They have been told to correct their bank details there.",
        ],
        lines=[Line(label="Instructor", value=instructor, is_address=True)],
        action=("See what the bank refused", url),
    )
