"""Instructors' accounts at Stripe: opening one, following what Stripe says of it, and opening
another when it can't be used any more."""

import datetime as dt
import logging
import uuid
from collections.abc import Callable

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from core import outbox
from payments import stripe_connect, stripe_gateway
from payments.errors import (
    PaymentRefused,
    PaymentsUnavailable,
    PayoutCountryFixed,
    PayoutsUnavailable,
)
from payments.events import PayoutAccountInTrouble
from payments.models import Payout, PayoutAccount
from payments.payout_countries import choose_agreement
from payments.selectors.payouts import PayoutAccountRow, get_payout_account
from payments.services.ahead import answer
from payments.stripe_connect import AccountFacts
from payments.stripe_gateway import StripeNotFound, StripeRefused
from payments.stripe_patience import deadline

logger = logging.getLogger(__name__)

Trouble = PayoutAccount.Trouble
_SYNCED = [
    "trouble", "is_ready", "is_foreign", "details_submitted", "synced_at", "updated_at"
]  # fmt: skip

# An instructor who waits for Stripe asks again and again; Stripe is asked no more often than this.
FRESH = dt.timedelta(seconds=10)


def are_payouts_enabled() -> bool:
    """Return whether this installation pays instructors by Stripe Connect."""
    return settings.STRIPE_CONNECT and stripe_gateway.is_configured()


def start_onboarding(*, user_id: uuid.UUID, email: str, country: str) -> str:
    """Return the address where the instructor gives Stripe their details; their account is opened
    first, once, and another one when Stripe has rejected it or doesn't know it any more. `country`
    (two letters) is where one is opened; empty is the platform's own, or where there is one.

    Raises PayoutsUnavailable when payouts are off, PayoutCountryUnsupported, PayoutCountryFixed
    when there is an account and it is of another country, PaymentRefused when
    Stripe will not have the account, PaymentsUnavailable.
    """
    if not are_payouts_enabled():
        raise PayoutsUnavailable
    account, _ = PayoutAccount.objects.get_or_create(instructor_id=user_id)
    try:
        with deadline(seconds=settings.STRIPE_DEADLINE_SECONDS):
            try:
                return _link(account, email=email, country=country)
            except StripeNotFound:
                # It was closed, or our access to it ended, and nobody has told us.
                end_account(account_id=account.stripe_account_id or "")
                account.refresh_from_db()
                return _link(account, email=email, country=country)
    except StripeRefused as exc:
        raise PaymentRefused(exc.message, provider_code=exc.code) from exc
    except StripeNotFound as exc:
        logger.exception("Stripe doesn't know the new account of instructor %s", user_id)
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


def ask_account(account_id: str) -> AccountFacts:
    """Ask Stripe for an account: no more than the call."""
    return stripe_connect.retrieve_account(account_id=account_id)


def look_up_account(*, account_id: str) -> Callable[[], None]:
    """Return what brings our row to what Stripe says of the account now; also when Stripe doesn't
    know it any more. Raises PaymentsUnavailable."""
    try:
        facts = answer(ask=ask_account, object_id=account_id)
    except StripeNotFound:
        return lambda: end_account(account_id=account_id)
    return lambda: sync_account(facts=facts)


def sync_account(*, facts: AccountFacts) -> None:
    """Bring our row to what Stripe says of the account; one that isn't ours, or was replaced,
    changes nothing. Its owner is told once when it can't be paid any more. One that is another's
    isn't paid."""
    with transaction.atomic():
        account = _lock(facts.id)
        if account is None:
            return
        trouble = _judge(account, facts)
        account.is_foreign = not is_of(facts=facts, instructor_id=account.instructor_id)
        account.is_ready = facts.is_ready and not account.is_foreign
        account.details_submitted = facts.details_submitted
        _save(account, trouble)


def is_of(*, facts: AccountFacts, instructor_id: uuid.UUID) -> bool:
    """Return whether the account at Stripe was opened by us for this instructor. An id of ours may
    be written to by others; what Stripe keeps with the account, only with our key."""
    return facts.instructor_id == str(instructor_id)


def end_account(*, account_id: str) -> None:
    """Note that Stripe doesn't know the account any more, or lets us at it; its owner is told once.
    Nothing for one that isn't ours. Should Stripe know it again, `sync_account` takes it back."""
    with transaction.atomic():
        account = _lock(account_id)
        if account is not None:
            account.is_ready = False
            _save(account, Trouble.GONE)


def refresh_account(*, account_id: str) -> None:
    """Bring our row to what Stripe says of the account now; when Stripe doesn't answer, it stays as
    it was."""
    try:
        look_up_account(account_id=account_id)()
    except (PaymentsUnavailable, StripeRefused) as exc:
        logger.warning("account %s can't be looked up: %s", account_id, exc)


def _link(account: PayoutAccount, *, email: str, country: str) -> str:
    account_id = account.stripe_account_id
    if account_id is None or account.is_over:
        account_id = _open(account, email=email, country=country)
    elif country and stripe_connect.retrieve_account(account_id=account_id).country != country:
        raise PayoutCountryFixed
    return stripe_connect.create_onboarding_link(
        account_id=account_id,
        return_url=f"{settings.FRONTEND_URL}/instructor/payouts?onboarding=done",
        refresh_url=f"{settings.FRONTEND_URL}/instructor/payouts?onboarding=again",
    )


def _open(account: PayoutAccount, *, email: str, country: str) -> str:
    """Open an account, in the place of the one that is over, and return its id: whoever was first
    with it at once."""
    platform, before = settings.STRIPE_PLATFORM_COUNTRY, account.stripe_account_id
    country = country or platform
    agreement = choose_agreement(platform=platform, country=country)
    # Twice at once is one account. After a change of country, or of the account, it is another
    # request.
    parts = ("payout-account", account.id, country, agreement, *([before] if before else []))
    facts = stripe_connect.create_account(
        email=email,
        country=country,
        agreement=agreement,
        instructor_id=str(account.instructor_id),
        idempotency_key="-".join(str(part) for part in parts),
    )
    _replace(account, before=before, after=facts.id)
    sync_account(facts=facts)
    account.refresh_from_db()
    return account.stripe_account_id or facts.id


def _replace(account: PayoutAccount, *, before: str | None, after: str) -> None:
    """Let the instructor's row stand for another account at Stripe, unless it does already. What
    was paid keeps the one it went to, and what is about to be sent goes where it was planned."""
    with transaction.atomic():
        rows = PayoutAccount.objects.select_for_update(no_key=True)
        row = rows.filter(id=account.id, stripe_account_id=before).first()
        if row is None:
            return
        if before:
            unsaid = Payout.objects.filter(account=row, destination="")
            unsaid.update(destination=before)
        row.stripe_account_id = after
        row.trouble, row.is_ready, row.details_submitted = "", False, False
        row.next_look_at = timezone.now()
        row.save()


def _lock(account_id: str) -> PayoutAccount | None:
    rows = PayoutAccount.objects.select_for_update(no_key=True)
    return rows.filter(stripe_account_id=account_id).first()


def _judge(account: PayoutAccount, facts: AccountFacts) -> str:
    """Return what is wrong with an account by what Stripe says of it now: nothing of one that is
    still being set up for the first time."""
    if facts.is_rejected:
        return Trouble.REJECTED
    was_paid = account.is_ready or account.trouble
    return Trouble.RESTRICTED if was_paid and not facts.is_ready else ""


def _save(account: PayoutAccount, trouble: str) -> None:
    """Save the account, which is locked, and tell its owner of a trouble that is new."""
    is_new = bool(trouble) and trouble != account.trouble
    account.trouble = trouble
    account.synced_at = timezone.now()
    account.save(update_fields=_SYNCED)
    if is_new:
        outbox.record(
            PayoutAccountInTrouble(
                account_id=account.id, user_id=account.instructor_id, trouble=trouble
            )
        )
