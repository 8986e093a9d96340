"""The state machines of payments, refunds and disputes: the one place that says which moves are
legal. docs/payments.md shows the same as tables, with what causes each move and what guards it.

What Stripe said before something ended may reach us after it (asked earlier, stored later): a move
that isn't legal from here is old news, and `may_move` tells it from one that is.
"""

from typing import Final, TypeVar

from django.db import models

from payments.models import Payment, Refund

_S = TypeVar("_S", bound=models.TextChoices)


class DisputeStatus(models.TextChoices):
    """Stripe's words for where a dispute stands."""

    WARNING_NEEDS_RESPONSE = "warning_needs_response"
    WARNING_UNDER_REVIEW = "warning_under_review"
    WARNING_CLOSED = "warning_closed"
    NEEDS_RESPONSE = "needs_response"
    UNDER_REVIEW = "under_review"
    APPEAL_NEEDS_RESPONSE = "appeal_needs_response"
    APPEAL_UNDER_REVIEW = "appeal_under_review"
    WON = "won"
    LOST = "lost"


# Stripe's word for an intent whose money is on its way: a bank debit, for days.
PROCESSING: Final = "processing"

PAYMENT_MOVES: Final[dict[Payment.Status, frozenset[Payment.Status]]] = {
    Payment.Status.PENDING: frozenset({Payment.Status.SUCCEEDED, Payment.Status.FAILED}),
    # Given up here (unknown at Stripe, or a second open one), and paid there after all.
    Payment.Status.FAILED: frozenset({Payment.Status.SUCCEEDED}),
    Payment.Status.SUCCEEDED: frozenset(),
}
REFUND_MOVES: Final[dict[Refund.Status, frozenset[Refund.Status]]] = {
    Refund.Status.DUE: frozenset(
        {
            Refund.Status.PENDING,
            Refund.Status.SUCCEEDED,
            Refund.Status.FAILED,
            Refund.Status.CANCELED,
        }
    ),
    Refund.Status.PENDING: frozenset(
        {Refund.Status.SUCCEEDED, Refund.Status.FAILED, Refund.Status.CANCELED}
    ),
    # Banks do that, up to a month later.
    Refund.Status.SUCCEEDED: frozenset({Refund.Status.FAILED, Refund.Status.CANCELED}),
    Refund.Status.FAILED: frozenset(),
    Refund.Status.CANCELED: frozenset(),
}
# Reasons of refunds that go back by themselves.
UNDUE_REASONS: Final = frozenset(
    {"late_payment", "duplicate_payment", "already_owned", "amount_mismatch"}
)
# Their money is reserved in `Payment.refunding_amount`.
LIVE_REFUNDS: Final = frozenset({Refund.Status.DUE, Refund.Status.PENDING, Refund.Status.SUCCEEDED})

INQUIRIES: Final = frozenset(
    {
        DisputeStatus.WARNING_NEEDS_RESPONSE,
        DisputeStatus.WARNING_UNDER_REVIEW,
        DisputeStatus.WARNING_CLOSED,
    }
)
APPEALS: Final = frozenset({DisputeStatus.APPEAL_NEEDS_RESPONSE, DisputeStatus.APPEAL_UNDER_REVIEW})
# The bank has the money for now.
OPEN_DISPUTES: Final = APPEALS | {DisputeStatus.NEEDS_RESPONSE, DisputeStatus.UNDER_REVIEW}
# Access was taken away for good, unless an appeal is won.
LOST_AT_FIRST: Final = APPEALS | {DisputeStatus.LOST}
CLOSED_DISPUTES: Final = frozenset(
    {DisputeStatus.WARNING_CLOSED, DisputeStatus.WON, DisputeStatus.LOST}
)
_DECIDED: Final = frozenset({DisputeStatus.WON, DisputeStatus.LOST})
DISPUTE_MOVES: Final[dict[DisputeStatus, frozenset[DisputeStatus]]] = {
    DisputeStatus.WARNING_NEEDS_RESPONSE: frozenset(
        {DisputeStatus.WARNING_UNDER_REVIEW, DisputeStatus.WARNING_CLOSED}
    )
    | OPEN_DISPUTES
    | _DECIDED,
    DisputeStatus.WARNING_UNDER_REVIEW: frozenset({DisputeStatus.WARNING_CLOSED})
    | OPEN_DISPUTES
    | _DECIDED,
    # A buyer may go on to dispute after the inquiry ended.
    DisputeStatus.WARNING_CLOSED: OPEN_DISPUTES | _DECIDED,
    DisputeStatus.NEEDS_RESPONSE: frozenset({DisputeStatus.UNDER_REVIEW}) | APPEALS | _DECIDED,
    DisputeStatus.UNDER_REVIEW: APPEALS | _DECIDED,
    # What is lost may be appealed, and won after all.
    DisputeStatus.LOST: APPEALS | {DisputeStatus.WON},
    DisputeStatus.APPEAL_NEEDS_RESPONSE: frozenset({DisputeStatus.APPEAL_UNDER_REVIEW}) | _DECIDED,
    DisputeStatus.APPEAL_UNDER_REVIEW: _DECIDED,
    DisputeStatus.WON: frozenset(),
}


def may_move(now: _S, to: _S, moves: dict[_S, frozenset[_S]]) -> bool:
    """Return whether `to` is news: a legal move from `now`."""
    return to in moves[now]


def move_payment(payment: Payment, to: Payment.Status) -> bool:
    """Set the payment's status, unsaved, if that move is legal. The caller holds its lock."""
    legal = may_move(Payment.Status(payment.status), to, PAYMENT_MOVES)
    if legal:
        payment.status = to
    return legal


def move_refund(refund: Refund, to: Refund.Status) -> bool:
    """Set the refund's status, unsaved, if that move is legal. The caller holds the payment's
    lock, under which all its refunds are changed."""
    legal = may_move(Refund.Status(refund.status), to, REFUND_MOVES)
    if legal:
        refund.status = to
    return legal
