"""The part of the Stripe gateway that pays instructors: connected accounts and transfers.

As with `stripe_gateway`, callers hold no transaction; amounts are in minor units. Instructors have
Express accounts, the platform bears fees and losses (https://docs.stripe.com/connect/accounts).

Transfers are made weeks after the charges and of many of them at once, so that none can name its
charge (`source_transaction`): they are of the platform's available balance, which has to stay at
Stripe until then, and so the platform's own payouts have to be manual
(https://docs.stripe.com/connect/separate-charges-and-transfers, "Transfer availability").
"""

import datetime as dt
from dataclasses import dataclass
from typing import Any

import stripe

from payments.payout_countries import Agreement
from payments.stripe_facts import Page, read_metadata
from payments.stripe_gateway import PAGE_SIZE, ask_stripe, create_at_stripe, list_at_stripe

# What an account must be able to do. Under the full agreement Stripe lets hardly any platform ask
# for transfers alone; under the recipient one there is nothing else.
_CAPABILITIES = {
    Agreement.FULL: ("card_payments", "transfers"),
    Agreement.RECIPIENT: ("transfers",),
}


@dataclass(frozen=True, kw_only=True)
class AccountFacts:
    """What Stripe says of a connected account. `is_ready`: money can be transferred to it;
    `is_rejected`: never again. `instructor_id` is whose we opened it as, "" for one we didn't."""

    id: str
    is_ready: bool
    details_submitted: bool
    is_rejected: bool = False
    instructor_id: str = ""
    country: str = ""


@dataclass(frozen=True, kw_only=True)
class TransferFacts:
    """What Stripe says of a transfer. `payout_id` is our row, when we asked for it, `destination`
    the connected account."""

    id: str
    amount: int
    amount_reversed: int
    payout_id: str
    currency: str = ""
    destination: str = ""


@dataclass(frozen=True, kw_only=True)
class BankPayoutFacts:
    """What Stripe says of a payout from a connected account to its owner's bank. `reason` is why it
    failed, "" for one that didn't."""

    id: str
    account_id: str
    has_failed: bool
    reason: str


@dataclass(frozen=True, kw_only=True)
class PlatformFacts:
    """What Stripe says of the platform's own account: its country, and how often it is paid out to
    its bank (`manual`, `daily`, …); empty where Stripe doesn't say."""

    country: str
    payout_interval: str


def create_account(
    *, email: str, country: str, agreement: Agreement, instructor_id: str, idempotency_key: str
) -> AccountFacts:
    """Create an account that is yet to be onboarded; the same key gives the same account. `country`
    (ISO 3166, two letters) and agreement can't be changed later. Raises StripeRefused, e.g. for a
    country that Stripe doesn't serve."""
    params: Any = {
        "controller": {
            "fees": {"payer": "application"},
            "losses": {"payments": "application"},
            "stripe_dashboard": {"type": "express"},
        },
        "capabilities": {name: {"requested": True} for name in _CAPABILITIES[agreement]},
        "country": country,
        "email": email,
        "metadata": {"instructor_id": instructor_id},
    }
    if agreement == Agreement.RECIPIENT:
        params["tos_acceptance"] = {"service_agreement": agreement.value}
    return _account(
        create_at_stripe(
            lambda key, client: client.v1.accounts.create(params, {"idempotency_key": key}),
            key=idempotency_key,
        )
    )


def retrieve_account(*, account_id: str) -> AccountFacts:
    """Return the account as it is now. Raises StripeNotFound or PaymentsUnavailable."""
    return _account(ask_stripe(lambda client: client.v1.accounts.retrieve(account_id)))


def retrieve_bank_payout(*, payout_id: str, account_id: str) -> BankPayoutFacts:
    """Return the payout of a connected account as it is now. Raises StripeNotFound or
    PaymentsUnavailable."""
    options: Any = {"stripe_account": account_id}
    payout = ask_stripe(lambda client: client.v1.payouts.retrieve(payout_id, None, options))
    return _bank_payout(payout, account_id)


def list_failed_bank_payouts(*, account_id: str, since: dt.datetime) -> list[BankPayoutFacts]:
    """Return the payouts of a connected account that were made since then and that its owner's bank
    refused, newest first, as many as a page has. Raises StripeNotFound or PaymentsUnavailable."""
    params: Any = {
        "status": "failed",
        "created": {"gte": int(since.timestamp())},
        "limit": PAGE_SIZE,
    }
    options: Any = {"stripe_account": account_id}
    page = ask_stripe(lambda client: client.v1.payouts.list(params, options))
    return [_bank_payout(payout, account_id) for payout in page.data]


def retrieve_platform() -> PlatformFacts:
    """Return how the platform's own account is set up. Raises PaymentsUnavailable."""
    account = ask_stripe(lambda client: client.v1.accounts.retrieve_current())
    payouts = getattr(account.settings, "payouts", None)
    schedule = getattr(payouts, "schedule", None)
    return PlatformFacts(
        country=account.country or "", payout_interval=getattr(schedule, "interval", None) or ""
    )


def create_onboarding_link(*, account_id: str, return_url: str, refresh_url: str) -> str:
    """Return the address of Stripe's page where the account's owner gives their details. It works
    once, for some minutes; `refresh_url` is where Stripe sends whom it has lapsed for."""
    params: Any = {
        "account": account_id,
        "return_url": return_url,
        "refresh_url": refresh_url,
        "type": "account_onboarding",
    }
    link = ask_stripe(lambda client: client.v1.account_links.create(params))
    return str(link.url)


def create_transfer(
    *, amount: int, currency: str, account_id: str, payout_id: str, idempotency_key: str
) -> TransferFacts:
    """Move money to a connected account, once whatever was tried before: it is looked for what was
    made already. Raises StripeRefused when it can't be, or PaymentsUnavailable."""
    params: Any = {
        "amount": amount,
        "currency": currency,
        "destination": account_id,
        "transfer_group": _group(payout_id),
        "metadata": {"payout_id": payout_id},
    }
    return _transfer(
        create_at_stripe(
            lambda key, client: client.v1.transfers.create(params, {"idempotency_key": key}),
            key=idempotency_key,
            find=lambda: ask_stripe(lambda client: _find(client, payout_id)),
        )
    )


def find_transfer(*, payout_id: str) -> TransferFacts | None:
    """Return the transfer that was made for a payout, if there is one."""
    found = ask_stripe(lambda client: _find(client, payout_id))
    return None if found is None else _transfer(found)


def retrieve_transfer(*, transfer_id: str) -> TransferFacts:
    """Return the transfer as it is now. Raises StripeNotFound or PaymentsUnavailable."""
    return _transfer(ask_stripe(lambda client: client.v1.transfers.retrieve(transfer_id)))


def list_transfers(*, since: dt.datetime, after: str = "") -> Page[TransferFacts]:
    """Return a page of the transfers made since then."""
    return list_at_stripe(lambda client: client.v1.transfers, _transfer, after, since=since)


def _find(client: stripe.StripeClient, payout_id: str) -> Any | None:
    # What people transfer by hand in that group isn't the payout.
    page = client.v1.transfers.list({"transfer_group": _group(payout_id), "limit": 100})
    ours = (t for t in page.auto_paging_iter() if read_metadata(t, "payout_id") == payout_id)
    return next(ours, None)


def _group(payout_id: str) -> str:
    return f"payout-{payout_id}"


def _account(account: Any) -> AccountFacts:
    capabilities, requirements = account.capabilities, getattr(account, "requirements", None)
    transfers = getattr(capabilities, "transfers", None) if capabilities else None
    disabled = getattr(requirements, "disabled_reason", None) or ""
    is_rejected = disabled.startswith("rejected.")
    return AccountFacts(
        id=account.id,
        is_ready=transfers == "active" and not is_rejected,
        details_submitted=bool(account.details_submitted),
        is_rejected=is_rejected,
        instructor_id=read_metadata(account, "instructor_id"),
        country=account.country or "",
    )


def _bank_payout(payout: Any, account_id: str) -> BankPayoutFacts:
    return BankPayoutFacts(
        id=payout.id,
        account_id=account_id,
        has_failed=payout.status == "failed",
        reason=payout.failure_code or "",
    )


def _transfer(transfer: Any) -> TransferFacts:
    return TransferFacts(
        id=transfer.id,
        amount=transfer.amount,
        amount_reversed=transfer.amount_reversed,
        payout_id=read_metadata(transfer, "payout_id"),
        currency=transfer.currency,
        destination=str(transfer.destination or ""),
    )
