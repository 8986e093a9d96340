"""Payouts from instructors' accounts at Stripe to their banks. Stripe makes them by itself: we only
hear of those that a bank refused."""

import datetime as dt
from collections.abc import Callable

from django.db import transaction

from core import outbox
from payments import stripe_connect
from payments.events import BankPayoutFailed
from payments.models import BankPayoutFailure, Payout, PayoutAccount
from payments.services.ahead import answer
from payments.services.lookups import NotOurs
from payments.stripe_connect import BankPayoutFacts


def ask_bank_payout(payout_id: str, *, account_id: str) -> BankPayoutFacts:
    """Ask Stripe for a payout of a connected account: no more than the call."""
    return stripe_connect.retrieve_bank_payout(payout_id=payout_id, account_id=account_id)


def look_up_bank_payout(*, payout_id: str, account_id: str) -> Callable[[], None]:
    """Return what tells of the payout, if it has failed: to its instructor and to staff, once. The
    money is in their account at Stripe, so that nothing is booked.

    Raises NotOurs for an account of nobody's here, StripeNotFound or PaymentsUnavailable.
    """
    account = _find_account(account_id)
    if account is None:
        raise NotOurs("The account is none of an instructor's")
    facts = answer(ask=ask_bank_payout, object_id=payout_id, account_id=account_id)
    return lambda: _tell(account, facts)


def look_up_failed_payouts(*, account: PayoutAccount, since: dt.datetime) -> None:
    """Tell of the payouts since then that the bank of the account's owner refused, each once,
    whether an event told of it or not. Raises StripeNotFound or PaymentsUnavailable."""
    account_id = account.stripe_account_id or ""
    for facts in stripe_connect.list_failed_bank_payouts(account_id=account_id, since=since):
        _tell(account, facts)


def _find_account(account_id: str) -> PayoutAccount | None:
    """Return whose account it is, or was before another took its place."""
    found = PayoutAccount.objects.filter(stripe_account_id=account_id).first()
    if found is None:
        paid = Payout.objects.filter(destination=account_id).select_related("account").first()
        found = paid.account if paid is not None else None
    return found


def _tell(account: PayoutAccount, facts: BankPayoutFacts) -> None:
    if not facts.has_failed:
        return
    with transaction.atomic():
        failure, is_new = BankPayoutFailure.objects.get_or_create(
            stripe_payout_id=facts.id, defaults={"account": account, "reason": facts.reason[:100]}
        )
        if is_new:
            outbox.record(BankPayoutFailed(failure_id=failure.id, user_id=account.instructor_id))
