"""Instructors' accounts at Stripe: opening one, and following what Stripe says of it."""

import datetime as dt
import logging
import uuid
from collections.abc import Callable

from django.conf import settings
from django.utils import timezone

from payments import stripe_connect, stripe_gateway
from payments.errors import PaymentRefused, PaymentsUnavailable, PayoutsUnavailable
from payments.models import PayoutAccount
from payments.selectors.payouts import PayoutAccountRow, get_payout_account
from payments.stripe_connect import AccountFacts
from payments.stripe_gateway import StripeNotFound, StripeRefused
from payments.stripe_patience import deadline

logger = logging.getLogger(__name__)

# An instructor who waits for Stripe asks again and again; Stripe is asked no more often than this.
FRESH = dt.timedelta(seconds=10)


def are_payouts_enabled() -> bool:
    """Return whether this installation pays instructors by Stripe Connect."""
    return settings.STRIPE_CONNECT and stripe_gateway.is_configured()


def start_onboarding(*, user_id: uuid.UUID, email: str, country: str) -> str:
    """Return the address where the instructor gives Stripe their details; their account is opened
    first, once. `country` (two letters, may be empty) counts when it is opened.

    Raises PayoutsUnavailable when payouts are off, PaymentRefused when Stripe will not have the
    account, PaymentsUnavailable.
    """
    if not are_payouts_enabled():
        raise PayoutsUnavailable
    account, _ = PayoutAccount.objects.get_or_create(instructor_id=user_id)
    try:
        with deadline(seconds=settings.STRIPE_DEADLINE_SECONDS):
            account_id = account.stripe_account_id or _open(account, email=email, country=country)
            return stripe_connect.create_onboarding_link(
                account_id=account_id,
                return_url=f"{settings.FRONTEND_URL}/instructor/payouts?onboarding=done",
                refresh_url=f"{settings.FRONTEND_URL}/instructor/payouts?onboarding=again",
            )
    except StripeRefused as exc:
        raise PaymentRefused(exc.message, provider_code=exc.code) from exc
    except StripeNotFound as exc:
        logger.exception("Stripe doesn't know the account of instructor %s", user_id)
        raise PayoutsUnavailable from exc


def look_at_payout_account(*, user_id: uuid.UUID) -> PayoutAccountRow:
    """Return how far the instructor's account is, asked anew of Stripe while it isn't ready; when
    Stripe doesn't answer, as it said last."""
    if are_payouts_enabled():
        waiting = PayoutAccount.objects.filter(
            instructor_id=user_id, is_ready=False, stripe_account_id__isnull=False
        ).exclude(synced_at__gt=timezone.now() - FRESH)
        account = waiting.first()
        if account is not None and account.stripe_account_id:
            with deadline(seconds=settings.STRIPE_DEADLINE_SECONDS):
                refresh_account(account_id=account.stripe_account_id)
    return get_payout_account(user_id=user_id, payouts_enabled=are_payouts_enabled())


def look_up_account(*, account_id: str) -> Callable[[], None]:
    """Return what brings our row to what Stripe says of the account now. Raises StripeNotFound or
    PaymentsUnavailable."""
    facts = stripe_connect.retrieve_account(account_id=account_id)
    return lambda: sync_account(facts=facts)


def sync_account(*, facts: AccountFacts) -> None:
    """Bring our row to what Stripe says of the account; one that isn't ours changes nothing."""
    PayoutAccount.objects.filter(stripe_account_id=facts.id).update(
        is_ready=facts.is_ready,
        details_submitted=facts.details_submitted,
        synced_at=timezone.now(),
        updated_at=timezone.now(),
    )


def refresh_account(*, account_id: str) -> None:
    """Bring our row to what Stripe says of the account now; when Stripe doesn't answer, or doesn't
    know it, it stays as it was."""
    try:
        sync_account(facts=stripe_connect.retrieve_account(account_id=account_id))
    except (PaymentsUnavailable, StripeNotFound, StripeRefused) as exc:
        logger.warning("account %s can't be looked up: %s", account_id, exc)


def _open(account: PayoutAccount, *, email: str, country: str) -> str:
    facts = stripe_connect.create_account(
        email=email,
        country=country,
        instructor_id=str(account.instructor_id),
        # Twice at once is one account. After a change of country it is another request.
        idempotency_key=f"payout-account-{account.id}-{country}",
    )
    rows = PayoutAccount.objects.filter(id=account.id, stripe_account_id=None)
    rows.update(stripe_account_id=facts.id, updated_at=timezone.now())
    sync_account(facts=facts)
    account.refresh_from_db()
    return account.stripe_account_id or facts.id
