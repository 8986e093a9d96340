"""What our mails to instructors say of what they are paid. `first_name` is as in `letters`."""

from notifications.letter import Letter, hello

# What an instructor has to do before they can be paid again.
_ACCOUNT_TROUBLES = {
    "restricted": "Stripe, which pays you for us, needs something more of you before we can pay "
    "you again. Set up payouts once more to see what it is.",
    "rejected": "Stripe, which pays you for us, has closed your account there for good. Set up "
    "payouts once more to open another one, or answer this mail if you don't know why.",
    "gone": "We can't reach your account at Stripe any more: it was closed, or our access to it "
    "was taken away. Set up payouts once more to go on being paid.",
}


def payout_account(*, first_name: str, trouble: str, payouts_url: str) -> Letter:
    """An instructor can't be paid until they have set payouts up again."""
    return Letter(
        subject="Your payouts are paused",
        heading=hello(first_name),
        paragraphs=[
            _ACCOUNT_TROUBLES[trouble],
            "Until then your payouts are paused. What you earn is kept for you, and is paid with "
            "the next payout.",
        ],
        action=("Set up payouts", payouts_url),
    )


def bank_payout_failed(*, first_name: str, reason: str, payouts_url: str) -> Letter:
    """An instructor's bank refused what Stripe sent to it."""
    return Letter(
        subject="Your bank refused a payout",
        heading=hello(first_name),
        paragraphs=[
            "Stripe, which pays you for us, could not pay out to your bank account"
            + (f" ({reason})." if reason else "."),
            "The money lies in your account at Stripe. Correct your bank details there, and it is "
            "paid out again.",
        ],
        action=("See your payouts", payouts_url),
    )
