"""The part of the Stripe gateway that pays instructors: connected accounts and transfers.

As with `stripe_gateway`, callers hold no transaction; amounts are in minor units. Instructors have
Express accounts, the platform bears fees and losses (https://docs.stripe.com/connect/accounts).
"""

from dataclasses import dataclass
from typing import Any

import stripe

from payments.stripe_facts import read_metadata
from payments.stripe_gateway import ask_stripe, create_at_stripe


@dataclass(frozen=True, kw_only=True)
class AccountFacts:
    """What Stripe says of a connected account. `is_ready`: money can be transferred to it."""

    id: str
    is_ready: bool
    details_submitted: bool


@dataclass(frozen=True, kw_only=True)
class TransferFacts:
    """What Stripe says of a transfer. `payout_id` is our row, when we asked for it."""

    id: str
    amount: int
    amount_reversed: int
    payout_id: str


def create_account(
    *, email: str, country: str, instructor_id: str, idempotency_key: str
) -> AccountFacts:
    """Create an account that is yet to be onboarded; the same key gives the same account. `country`
    (ISO 3166, two letters) can't be changed later; empty is the platform's own. Raises
    StripeRefused, e.g. for a country that Stripe doesn't serve."""
    params: Any = {
        "controller": {
            "fees": {"payer": "application"},
            "losses": {"payments": "application"},
            "stripe_dashboard": {"type": "express"},
        },
        "capabilities": {"transfers": {"requested": True}},
        "email": email,
        "metadata": {"instructor_id": instructor_id},
    }
    if country:
        params["country"] = country
    return _account(
        create_at_stripe(
            lambda key, client: client.v1.accounts.create(params, {"idempotency_key": key}),
            key=idempotency_key,
        )
    )


def retrieve_account(*, account_id: str) -> AccountFacts:
    """Return the account as it is now. Raises StripeNotFound or PaymentsUnavailable."""
    return _account(ask_stripe(lambda client: client.v1.accounts.retrieve(account_id)))


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


def _find(client: stripe.StripeClient, payout_id: str) -> Any | None:
    # What people transfer by hand in that group isn't the payout.
    page = client.v1.transfers.list({"transfer_group": _group(payout_id), "limit": 100})
    ours = (t for t in page.auto_paging_iter() if read_metadata(t, "payout_id") == payout_id)
    return next(ours, None)


def _group(payout_id: str) -> str:
    return f"payout-{payout_id}"


def _account(account: Any) -> AccountFacts:
    capabilities = account.capabilities
    transfers = getattr(capabilities, "transfers", None) if capabilities else None
    return AccountFacts(
        id=account.id,
        is_ready=transfers == "active",
        details_submitted=bool(account.details_submitted),
    )


def _transfer(transfer: Any) -> TransferFacts:
    return TransferFacts(
        id=transfer.id,
        amount=transfer.amount,
        amount_reversed=transfer.amount_reversed,
        payout_id=read_metadata(transfer, "payout_id"),
    )
