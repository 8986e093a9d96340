"""Postings about paying instructors. Callers hold the payout account's row lock."""

from decimal import Decimal

from django.db.models import Expression, F, OuterRef, QuerySet, Subquery, Sum, Value
from django.db.models.functions import Coalesce
from django.utils import timezone

from core.money import ZERO, to_minor
from payments.clocks import CLOCKS
from payments.ledger import balances
from payments.ledger.allocation import Account, Part
from payments.ledger.writing import both, write_one
from payments.models import LedgerEntry, LedgerTransaction, Payout

Kind = LedgerTransaction.Kind


def post_payout(*, payout: Payout) -> bool:
    """Book that a payout was planned: what the instructor is owed is on its way to them."""
    return write_one(
        _row(payout, Kind.PAYOUT, f"payout:{payout.id}"),
        [
            _earnings(payout, payout.amount),
            Part(account=Account.PAYOUTS, amount=-payout.amount),
        ],
    )


def is_booked_as_planned(*, payout: Payout) -> bool:
    """Return whether the ledger has the payout as its row says: planned, in its amount and
    currency, to its account's instructor. So much has the row to be believed before money moves."""
    return LedgerEntry.objects.filter(
        transaction__reference=f"payout:{payout.id}",
        transaction__payout=payout,
        transaction__currency=payout.currency,
        account=Account.INSTRUCTOR,
        instructor=payout.account.instructor_id,
        amount=payout.amount,
    ).exists()


def was_earned(*, payout: Payout) -> bool:
    """Return whether the payout's instructor had as much to be paid when it was planned: what can
    be paid now in its currency, less what was taken from them since, covers it. By running
    balances, so that it costs the same after any number of sales. A payout that was dated later
    than now is none."""
    now = timezone.now() + CLOCKS
    if payout.created_at > now:
        return False
    instructor_id = payout.account.instructor_id
    due = balances.of_instructor(instructor_id, currency=payout.currency)
    due = due.filter(balances.counts_by(now))
    left = -(due.aggregate(total=Sum("amount"))["total"] or ZERO)
    taken = LedgerEntry.objects.filter(
        account=Account.INSTRUCTOR,
        instructor=instructor_id,
        amount__gt=0,
        available_at__lte=now,
        created_at__gte=payout.created_at - CLOCKS,
        transaction__kind__in=[Kind.REFUND, Kind.DISPUTE],
        transaction__currency=payout.currency,
    ).aggregate(total=Sum("amount"))["total"]
    return left + (taken or ZERO) >= 0


def post_payout_paid(*, payout: Payout) -> bool:
    """Book that Stripe moved the money to the instructor's account."""
    return write_one(
        _row(payout, Kind.PAYOUT_PAID, f"payout_paid:{payout.id}"),
        both(payout.amount, debit=Account.PAYOUTS, credit=Account.STRIPE),
    )


def post_payout_failed(*, payout: Payout) -> bool:
    """Book that a planned payout came to nothing: the instructor is owed the money as before."""
    return write_one(
        _row(payout, Kind.PAYOUT_FAILED, f"payout_failed:{payout.id}"),
        [
            _earnings(payout, -payout.amount),
            Part(account=Account.PAYOUTS, amount=payout.amount),
        ],
    )


def post_payout_returned(*, payout: Payout, returned: Decimal) -> bool:
    """Book what came back of a paid payout, `returned` in all so far: it lies at Stripe and is owed
    to the instructor again."""
    change = returned - _returned_before(payout)
    if change <= 0:
        return False
    whole = returned == payout.amount
    reference = f"payout_failed:{payout.id}"
    return write_one(
        _row(
            payout,
            Kind.PAYOUT_FAILED,
            reference if whole else f"payout_returned:{payout.id}:{to_minor(returned)}",
        ),
        [_earnings(payout, -change), Part(account=Account.STRIPE, amount=change)],
    )


def sum_returned() -> Expression:
    """Return what came back of a payout by the ledger, for a query of payouts to annotate."""
    of_payout = (
        _returns()
        .filter(transaction__payout=OuterRef("pk"))
        .order_by()
        .values(payout=F("transaction__payout"))
        .values(total=Sum("amount"))
    )
    return Coalesce(Subquery(of_payout), Value(ZERO))


def _returned_before(payout: Payout) -> Decimal:
    amounts = _returns().filter(transaction__payout=payout).values_list("amount", flat=True)
    return sum(amounts, ZERO)


def _returns() -> QuerySet[LedgerEntry]:
    """What of payouts that had been made lies at Stripe again; one that was refused moved nothing
    there."""
    return LedgerEntry.objects.filter(transaction__kind=Kind.PAYOUT_FAILED, account=Account.STRIPE)


def _earnings(payout: Payout, amount: Decimal) -> Part:
    return Part(
        account=Account.INSTRUCTOR,
        amount=amount,
        instructor_id=payout.account.instructor_id,
        available_at=timezone.now(),
    )


def _row(payout: Payout, kind: Kind, reference: str) -> LedgerTransaction:
    return LedgerTransaction(
        kind=kind,
        reference=reference,
        currency=payout.currency,
        occurred_at=timezone.now(),
        payout=payout,
    )
