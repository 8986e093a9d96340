"""Looking at instructors' accounts, whether Stripe told of them or not: what happens to a connected
account is in no list of events of ours, so that what its webhook missed is found by looking alone.
"""

import datetime as dt
from contextlib import suppress

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from payments.models import PayoutAccount
from payments.services.bank_payouts import look_up_failed_payouts
from payments.services.payout_accounts import are_payouts_enabled, look_up_account
from payments.services.sweeping import sweep
from payments.stripe_gateway import StripeNotFound

TASK = "payments.tasks.look_at_payout_accounts"
# One that can be paid is to be known as it is when its payout is planned, which is hourly.
EVERY = dt.timedelta(hours=1)
EVERY_OTHER = dt.timedelta(days=1)
# Banks refuse a payout within some days of its making.
FAILS_WITHIN = dt.timedelta(days=14)


def look_at_accounts(*, limit: int = 100) -> int:
    """Bring the accounts that are due to what Stripe says of them, those first that wait longest,
    and tell of payouts that banks refused; returns how many were tried. Does nothing where
    instructors aren't paid by Stripe. Safe to run twice at once, or to be killed."""
    if not are_payouts_enabled():
        return 0
    return sweep(claim=_claim_next, work=_look, failed=_leave, limit=limit, task=TASK)


def _look(account: PayoutAccount) -> None:
    account_id = account.stripe_account_id or ""
    look_up_account(account_id=account_id)()
    # Of one that is over there is nothing more to learn.
    with suppress(StripeNotFound):
        look_up_failed_payouts(account=account, since=timezone.now() - FAILS_WITHIN)
    account.refresh_from_db(fields=["is_ready"])
    every = EVERY if account.is_ready else EVERY_OTHER
    rows = PayoutAccount.objects.filter(id=account.id, stripe_account_id=account_id)
    rows.update(next_look_at=timezone.now() + every)


def _leave(account: PayoutAccount, exc: Exception) -> None:
    """Nothing to do: the claim says already when it is looked at again."""


def _claim_next() -> PayoutAccount | None:
    now = timezone.now()
    with transaction.atomic():
        account = (
            PayoutAccount.objects.select_for_update(skip_locked=True, no_key=True)
            .filter(stripe_account_id__isnull=False, next_look_at__lte=now)
            .order_by("next_look_at")
            .first()
        )
        if account is not None:
            account.next_look_at = now + settings.LEASE
            account.save(update_fields=["next_look_at", "updated_at"])
    return account
