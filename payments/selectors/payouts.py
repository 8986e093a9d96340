"""Reads of payout accounts and payouts."""

import datetime as dt
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import TypedDict

from django.db.models import QuerySet

from payments.ledger.payouts import sum_returned
from payments.models import BankPayoutFailure, Payout, PayoutAccount


class PayoutAccountRow(TypedDict):
    """How far an instructor's account at Stripe is. `payouts_enabled`: whether this installation
    pays out at all; `is_ready`: whether Stripe lets it pay this instructor; `trouble`: why it
    doesn't any more, one of `PayoutAccount.Trouble`."""

    payouts_enabled: bool
    exists: bool
    details_submitted: bool
    is_ready: bool
    trouble: str | None


@dataclass(frozen=True, kw_only=True)
class PayoutDetails:
    """A payout as staff hear of it. Major units; `trouble` is in Stripe's words, or about what was
    done there."""

    amount: Decimal
    currency: str
    instructor: str
    trouble: str


@dataclass(frozen=True, kw_only=True)
class BankFailureDetails:
    """What a bank refused, as people hear of it. `reason` is Stripe's word."""

    instructor: str
    stripe_payout_id: str
    reason: str


class PayoutRow(TypedDict):
    """A payout as its instructor sees it. `returned_amount` was taken back after it was paid."""

    id: uuid.UUID
    created_at: dt.datetime
    amount: Decimal
    returned_amount: Decimal
    currency: str
    status: str
    paid_at: dt.datetime | None


def list_foreign_accounts(*, limit: int) -> list[str]:
    """Return the ids of our rows whose account is another's by what Stripe said last, oldest first,
    so many at the most."""
    rows = PayoutAccount.objects.filter(is_foreign=True).order_by("id")
    return [str(row_id) for row_id in rows.values_list("id", flat=True)[:limit]]


def get_payout_account(*, user_id: uuid.UUID, payouts_enabled: bool) -> PayoutAccountRow:
    """Return how far the instructor's account is by our rows, also when there is none."""
    account = PayoutAccount.objects.filter(instructor_id=user_id).first()
    return PayoutAccountRow(
        payouts_enabled=payouts_enabled,
        exists=account is not None and account.stripe_account_id is not None,
        details_submitted=account is not None and account.details_submitted,
        is_ready=account is not None and account.is_ready,
        trouble=account.trouble or None if account is not None else None,
    )


def get_payout_details(*, payout_id: uuid.UUID) -> PayoutDetails:
    """Return what a mail about the payout tells; the instructor by their e-mail address. Raises
    Payout.DoesNotExist."""
    payout = Payout.objects.select_related("account__instructor").get(id=payout_id)
    return PayoutDetails(
        amount=payout.amount,
        currency=payout.currency,
        instructor=payout.account.instructor.email,
        trouble=payout.last_error,
    )


def get_bank_failure_details(*, failure_id: uuid.UUID) -> BankFailureDetails:
    """Return what a mail about a bank's refusal tells; the instructor by their e-mail address.
    Raises BankPayoutFailure.DoesNotExist."""
    failure = BankPayoutFailure.objects.select_related("account__instructor").get(id=failure_id)
    return BankFailureDetails(
        instructor=failure.account.instructor.email,
        stripe_payout_id=failure.stripe_payout_id,
        reason=failure.reason.replace("_", " "),
    )


def list_payouts(*, user_id: uuid.UUID) -> QuerySet[Payout]:
    """Return the instructor's payouts, newest first, with what came back of each."""
    of_person = Payout.objects.filter(account__instructor_id=user_id)
    return with_returned(of_person).order_by("-created_at", "-id")


def with_returned(payouts: QuerySet[Payout]) -> QuerySet[Payout]:
    """Return the payouts with `returned_amount`: what came back of each after it was paid."""
    return payouts.annotate(returned_amount=sum_returned())


def to_payout_rows(payouts: Iterable[Payout]) -> list[PayoutRow]:
    """Return the payouts of `list_payouts` as their instructor sees them; without Stripe's words
    for staff."""
    return [
        PayoutRow(
            id=payout.id,
            created_at=payout.created_at,
            amount=payout.amount,
            returned_amount=payout.returned_amount,  # type: ignore[attr-defined]
            currency=payout.currency,
            status=payout.status,
            paid_at=payout.paid_at,
        )
        for payout in payouts
    ]
