"""Writing movements of money down: one transaction of the ledger per cause.

Debits are positive, credits negative. The database refuses what doesn't add up to nothing, and the
unique reference refuses what is booked already. Callers hold the payment's row lock, so that what a
line still holds doesn't change between reading and posting.
"""

import datetime as dt
import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from django.conf import settings
from django.utils import timezone

from core.bulk import insert_all
from core.money import ZERO
from orders.pricing import share_out
from orders.selectors import OrderLine
from payments.ledger import holdings
from payments.ledger.allocation import LineShares, Part, divide_sale, share_lines, take_back
from payments.ledger.writing import Movement, both, negated, write, write_one
from payments.models import (
    Dispute,
    LedgerEntry,
    LedgerTransaction,
    Payment,
    Refund,
    RevenueShare,
    SaleLine,
)

Account = LedgerEntry.Account
Kind = LedgerTransaction.Kind
INQUIRY = "warning_"


@dataclass(frozen=True, kw_only=True)
class Sale:
    """A payment that completed its order, with all lines of the order and those owned already. The
    lines cost what was paid; else the commit is refused."""

    payment: Payment
    lines: Sequence[OrderLine]
    owned_item_ids: Collection[uuid.UUID]


def post_sales(*, sales: Sequence[Sale]) -> int:
    """Book payments that completed their orders; returns how many weren't there yet. To each line's
    instructor goes their share, to the platform the rest, to the tax office the tax; the money of
    courses the buyer owned already, to the buyer. Payable EARNINGS_HOLD after the payment
    succeeded.
    """
    percents = _percents(line.course_id for sale in sales for line in sale.lines)
    agreed = [_agree(sale, percents) for sale in sales]
    new = {movement.row.id for movement in write([movement for movement, _ in agreed])}
    insert_all(
        SaleLine(payment=sale.payment, **vars(line))
        for sale, (movement, lines) in zip(sales, agreed, strict=True)
        if movement.row.id in new
        for line in lines
    )
    return len(new)


def post_undue_payments(*, payments: Sequence[Payment]) -> int:
    """Book money that stands for no order (late, twice, the wrong amount): it is the buyers'.
    Returns how many payments weren't there yet."""
    new = write(
        [
            Movement(
                row=_of_payment(payment, Kind.UNDUE_PAYMENT, f"undue:{payment.id}"),
                parts=both(payment.amount, debit=Account.STRIPE, credit=Account.BUYERS),
            )
            for payment in payments
        ]
    )
    return len(new)


def post_fees(*, payments: Sequence[Payment]) -> int:
    """Book what Stripe kept of payments whose `fee_amount` is known, and isn't nothing; returns how
    many fees weren't there yet."""
    new = write(
        [
            Movement(
                row=_of_payment(payment, Kind.STRIPE_FEE, f"fee:{payment.id}"),
                parts=both(payment.fee_amount, debit=Account.STRIPE_FEES, credit=Account.STRIPE),
            )
            for payment in payments
            if payment.fee_amount
        ]
    )
    return len(new)


def post_refund(*, refund: Refund) -> bool:
    """Book a refund that Stripe accepted: its lines give back what they still hold, the rest all
    lines in proportion. What no line holds any more is the platform's loss.

    A refund goes before what disputes took, as Stripe refunds no money that is disputed: news of it
    that comes after a dispute's is older. What it leaves, the disputes take anew."""
    return _book_taking(
        refund,
        LedgerTransaction(
            kind=Kind.REFUND,
            reference=f"refund:{refund.id}",
            currency=refund.payment.currency,
            occurred_at=refund.applied_at or timezone.now(),
            payment=refund.payment,
            refund=refund,
        ),
    )


def post_refund_failed(*, refund: Refund) -> bool:
    """Book that a refund failed at the bank after all: whatever it took goes back to whom it was
    taken from. False when it was never booked."""
    if not holdings.is_booked(reference=f"refund:{refund.id}"):
        return False
    return _book_undoing(
        refund,
        LedgerTransaction(
            kind=Kind.REFUND_FAILED,
            reference=f"refund_failed:{refund.id}",
            currency=refund.payment.currency,
            occurred_at=refund.undone_at or timezone.now(),
            payment=refund.payment,
            refund=refund,
        ),
    )


def post_dispute(*, dispute: Dispute, at: dt.datetime | None = None) -> bool:
    """Book that the bank took the disputed amount (`at`, else now: an inquiry may be old by the
    time it becomes a dispute), and Stripe's fee as far as it is known; an inquiry moves no money.
    Call it again whenever the fee may have changed."""
    if dispute.status.startswith(INQUIRY):
        return False
    taken = _book_taking(
        dispute,
        LedgerTransaction(
            kind=Kind.DISPUTE,
            reference=f"dispute:{dispute.id}",
            currency=dispute.payment.currency,
            occurred_at=at or timezone.now(),
            payment=dispute.payment,
            dispute=dispute,
        ),
    )
    return _book_dispute_fee(dispute) or taken


def post_dispute_won(*, dispute: Dispute) -> bool:
    """Book that the bank gave the disputed amount back, and the fee if Stripe did. False when it
    was never taken."""
    if not holdings.is_booked(reference=f"dispute:{dispute.id}"):
        return False
    returned = _book_undoing(
        dispute,
        LedgerTransaction(
            kind=Kind.DISPUTE_WON,
            reference=f"dispute_won:{dispute.id}",
            currency=dispute.payment.currency,
            occurred_at=dispute.closed_at or timezone.now(),
            payment=dispute.payment,
            dispute=dispute,
        ),
    )
    return _book_dispute_fee(dispute) or returned


def _agree(sale: Sale, percents: Mapping[uuid.UUID, int]) -> tuple[Movement, list[LineShares]]:
    """Return the sale as it is booked, and what it comes from: whose each line's money is."""
    row = _of_payment(sale.payment, Kind.SALE, f"sale:{sale.payment.id}")
    lines = share_lines(
        lines=sale.lines,
        owned_item_ids=sale.owned_item_ids,
        percents=percents,
        available_at=row.occurred_at + settings.EARNINGS_HOLD,
    )
    captured = Part(account=Account.STRIPE, amount=sale.payment.amount)
    return Movement(row=row, parts=[captured, *negated(divide_sale(lines))]), lines


def _of_payment(payment: Payment, kind: Kind, reference: str) -> LedgerTransaction:
    return LedgerTransaction(
        kind=kind,
        reference=reference,
        currency=payment.currency,
        occurred_at=payment.succeeded_at or timezone.now(),
        payment=payment,
    )


def _percents(course_ids: Iterable[uuid.UUID]) -> Mapping[uuid.UUID, int]:
    wanted = list(course_ids)
    own = dict(
        RevenueShare.objects.filter(course_id__in=wanted).values_list("course_id", "percent")
    )
    return {
        course_id: own.get(course_id, settings.INSTRUCTOR_SHARE_PERCENT) for course_id in wanted
    }


def _book_taking(cause: Refund | Dispute, row: LedgerTransaction) -> bool:
    payment = cause.payment
    later: Sequence[Dispute] = []
    if isinstance(cause, Refund):
        later = holdings.list_taking_disputes(payment=payment)
    held = holdings.list_held(payment=payment, before=later)
    parts = _take(cause, cause.amount, held=held)
    booked = write_one(row, [*parts, Part(account=Account.STRIPE, amount=-cause.amount)])
    if booked:
        _take_anew(payment, later, after=row)
    return booked


def _book_undoing(cause: Refund | Dispute, row: LedgerTransaction) -> bool:
    booked = write_one(row, negated(holdings.list_effect(cause=cause)))
    if booked:
        disputes = holdings.list_taking_disputes(payment=cause.payment)
        _cover_refunds(cause.payment, after=row, before=disputes)
        _take_anew(cause.payment, disputes, after=row)
    return booked


def _cover_refunds(
    payment: Payment, *, after: LedgerTransaction, before: Collection[Dispute]
) -> None:
    """Money that came back to the lines first makes good what the platform bears for refunds: what
    stays lost is never more than what the lines no longer have."""
    for refund in holdings.list_losing_refunds(payment=payment):
        held = holdings.list_held(payment=payment, before=before)
        loss = holdings.get_loss(cause=refund)
        covered = min(loss, sum((part.amount for part in held), ZERO))
        if covered == 0:
            return
        parts = _take(refund, covered, held=held)
        row = _again(refund, Kind.REFUND, after)
        write_one(row, [*parts, Part(account=Account.PLATFORM, amount=-covered)])


def _take_anew(payment: Payment, disputes: Sequence[Dispute], *, after: LedgerTransaction) -> None:
    """Let each of these disputes take of what refunds and the disputes before it leave the lines.
    So who bears what doesn't hang on the order in which news of refunds and disputes came."""
    for place, dispute in enumerate(disputes):
        taken = [
            part for part in holdings.list_effect(cause=dispute) if part.account != Account.STRIPE
        ]
        amount = sum((part.amount for part in taken), ZERO)
        held = holdings.list_held(payment=payment, before=disputes[place:])
        changes = _add_up([*_take(dispute, amount, held=held), *negated(taken)])
        if changes:
            write_one(_again(dispute, Kind.DISPUTE, after), changes)


def _again(cause: Refund | Dispute, kind: Kind, after: LedgerTransaction) -> LedgerTransaction:
    """Return another movement of a cause that is booked: one at most after each movement that
    changed what the lines have."""
    return LedgerTransaction(
        kind=kind,
        reference=f"{kind}:{cause.id}:{after.id}",
        currency=after.currency,
        occurred_at=after.occurred_at,
        payment=after.payment,
        refund=cause if isinstance(cause, Refund) else None,
        dispute=cause if isinstance(cause, Dispute) else None,
    )


def _add_up(parts: Iterable[Part]) -> list[Part]:
    """Return one part for each holder, without those of nothing."""
    sums: dict[tuple[object, ...], Part] = {}
    for part in parts:
        holder = (part.account, part.order_item_id, part.instructor_id)
        known = sums.get(holder)
        sums[holder] = part if known is None else replace(known, amount=known.amount + part.amount)
    return [part for part in sums.values() if part.amount != 0]


def _take(cause: Refund | Dispute, amount: Decimal, *, held: Sequence[Part]) -> list[Part]:
    """Return who gives `amount` back for this cause: the lines a refund names first."""
    named: dict[uuid.UUID, Decimal] = {}
    if isinstance(cause, Refund):
        lines = cause.lines.filter(amount__gt=0).order_by("order_item_id")
        named = dict(lines.values_list("order_item_id", "amount"))
    if sum(named.values(), ZERO) > amount:
        shares = share_out(amount=amount, weights=list(named.values()))
        named = dict(zip(named, shares, strict=True))
    return take_back(held=held, named=named, rest=amount - sum(named.values(), ZERO))


def _book_dispute_fee(dispute: Dispute) -> bool:
    """Bring what is booked as the dispute's fee to what Stripe says of it by now."""
    if dispute.fee_amount is None:
        return False
    change = dispute.fee_amount - holdings.get_dispute_fee(dispute=dispute)
    if change == 0:
        return False
    reference = f"dispute_{'fee' if change > 0 else 'fee_back'}:{dispute.id}"
    # A dispute that is contested costs once more.
    earlier = LedgerTransaction.objects.filter(reference__startswith=reference).count()
    return write_one(
        LedgerTransaction(
            kind=Kind.STRIPE_FEE,
            reference=f"{reference}:{earlier}" if earlier else reference,
            currency=dispute.payment.currency,
            occurred_at=timezone.now(),
            payment=dispute.payment,
            dispute=dispute,
        ),
        both(change, debit=Account.STRIPE_FEES, credit=Account.STRIPE),
    )
