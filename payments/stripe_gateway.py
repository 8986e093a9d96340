"""The only module that speaks to Stripe: typed facts in and out, short time-outs, typed errors.

Callers hold no transaction and no lock while they are in here (house rule 4). Amounts are in minor
units, as Stripe has them. How long a call may take is the caller's `stripe_patience.deadline`.
"""

import datetime as dt
import json
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import lru_cache, partial
from typing import Any, TypeVar
from urllib.parse import quote

import stripe
from django.conf import settings
from django.db import connection

from core.money import require_cents
from payments import key_rights
from payments.errors import InvalidSignature, PaymentsUnavailable
from payments.stripe_facts import (
    DisputeFacts,
    EventFacts,
    IntentFacts,
    MovementFacts,
    Page,
    RefundFacts,
    read_balance,
    read_debit,
    read_dispute,
    read_event,
    read_intent,
    read_metadata,
    read_movement,
    read_refund,
    read_time,
    read_told,
)
from payments.stripe_http import PooledClient
from payments.stripe_patience import calls_at_once, wait_for

logger = logging.getLogger(__name__)

CONNECT_TIMEOUT_SECONDS = 2.0
# As many as Stripe gives at once.
PAGE_SIZE = 100
_KEYS_TRIED = 5
# What reading a body that is no event ends with.
_UNREADABLE = (ValueError, KeyError, TypeError, AttributeError, ArithmeticError, RecursionError)

_F = TypeVar("_F")


class StripeNotFound(Exception):
    """Stripe knows no object of this id (or the id isn't even well-formed), or it is an account
    that our key has no access to, or not any more: Stripe doesn't say which."""


class StripeBusy(PaymentsUnavailable):
    """A call with the same idempotency key is under way (Stripe answers 409): ask again soon."""


class StripeLater(PaymentsUnavailable):
    """Stripe answers, and won't do this now (429): too many calls were made, or somebody else's is
    under way on the same object, such as the buyer's payment."""


class StripeForbidden(PaymentsUnavailable):
    """Stripe answers, and our key hasn't the right to this call: a fault of the configuration, and
    no outage. Other calls go on; this one does when somebody has mended the key."""

    def __str__(self) -> str:
        """Say to staff and logs what `message` keeps from buyers."""
        return "Our key at the payment provider lacks a right"


class StripeFailedBefore(PaymentsUnavailable):
    """Stripe gives a failure of its own again that it stored under this idempotency key: for a day
    the key will get nothing else."""


class StripeRefused(Exception):
    """Stripe understood and said no. `code` is Stripe's error code."""

    def __init__(self, *, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def is_configured() -> bool:
    """Return whether this installation has a Stripe account (or a stand-in) to speak to."""
    return bool(settings.STRIPE_SECRET_KEY)


def create_intent(
    *, amount: int, currency: str, order_id: str, order_number: str, idempotency_key: str
) -> IntentFacts:
    """Create a payment intent; the same key gives the same intent. Raises StripeRefused, or
    PaymentsUnavailable, also for a currency whose minor unit isn't the hundredth."""
    try:
        require_cents(currency)
    except ValueError as exc:
        # An order of before the setting was refused at the start.
        logger.exception("order %s can't be charged", order_number)
        raise PaymentsUnavailable("Payments in this currency are not supported") from exc
    params: Any = {
        "amount": amount,
        "currency": currency,
        "description": f"LearnFlow {order_number}",
        "metadata": {"order_id": order_id, "order_number": order_number},
        "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
    }
    # Should a failure have left an intent behind, nobody has its secret: it can't be paid.
    return read_intent(
        _create(
            lambda key, client: client.v1.payment_intents.create(params, {"idempotency_key": key}),
            key=idempotency_key,
        )
    )


def retrieve_intent(*, intent_id: str) -> IntentFacts:
    """Return the intent as it is now, with what was refunded of it and what Stripe kept. Raises
    StripeNotFound or PaymentsUnavailable."""
    return read_intent(_retrieve_intent(intent_id))


def _retrieve_intent(intent_id: str) -> Any:
    path = f"/v1/payment_intents/{quote(intent_id, safe='')}"
    wanted = ["latest_charge.balance_transaction"]
    # Once a purchase: the SDK's own objects of it took a third of the call.
    return read_told(_call(lambda client: client.raw_request("get", path, expand=wanted)).body)


def cancel_intent(*, intent_id: str) -> IntentFacts:
    """Cancel the intent unless it is past that; either way return it as it is afterwards."""
    try:
        return read_intent(_call(lambda client: client.v1.payment_intents.cancel(intent_id)))
    except StripeRefused as exc:
        if exc.code != "payment_intent_unexpected_state":
            raise
        return retrieve_intent(intent_id=intent_id)


def create_refund(
    *, intent_id: str, amount: int, refund_id: str, idempotency_key: str
) -> RefundFacts:
    """Give money back, once whatever was tried before: it is looked for what was made already, as
    Stripe forgets a key after a day, and a restored backup what was tried.

    Raises StripeRefused when the money can't go back, e.g. as it already did, or
    PaymentsUnavailable.
    """
    params: Any = {
        "payment_intent": intent_id,
        "amount": amount,
        "metadata": {"refund_id": refund_id},
    }

    def find() -> Any | None:
        return _call(partial(_find_refund, intent_id=intent_id, refund_id=refund_id))

    return read_refund(
        _create(
            lambda key, client: client.v1.refunds.create(params, {"idempotency_key": key}),
            key=idempotency_key,
            find=find,
        )
    )


def _find_refund(client: stripe.StripeClient, *, intent_id: str, refund_id: str) -> Any | None:
    page = client.v1.refunds.list({"payment_intent": intent_id, "limit": 100})
    ours = (r for r in page.auto_paging_iter() if read_metadata(r, "refund_id") == refund_id)
    return next(ours, None)


def retrieve_refund(*, stripe_refund_id: str) -> RefundFacts:
    """Return the refund as it is now. Raises StripeNotFound or PaymentsUnavailable."""
    return read_refund(_call(lambda client: client.v1.refunds.retrieve(stripe_refund_id)))


def list_refunds_of_charge(*, charge_id: str) -> list[RefundFacts]:
    """Return all refunds of a charge, newest first."""

    def fetch(client: stripe.StripeClient) -> list[Any]:
        page = client.v1.refunds.list({"charge": charge_id, "limit": 100})
        return list(page.auto_paging_iter())

    return [read_refund(item) for item in _call(fetch)]


def retrieve_dispute(*, stripe_dispute_id: str) -> DisputeFacts:
    """Return the dispute as it is now. Raises StripeNotFound or PaymentsUnavailable."""
    return read_dispute(_call(lambda client: client.v1.disputes.retrieve(stripe_dispute_id)))


def verify_event(*, raw_body: bytes, signature: str) -> EventFacts:
    """Check the signature on the raw body against each configured secret and return the event.

    Raises InvalidSignature for a wrong, missing or stale one (older than five minutes, as Stripe's
    docs on webhook signatures advise), or when no secret is configured.
    """
    if not any(
        _is_signed(raw_body, signature, secret) for secret in settings.STRIPE_WEBHOOK_SECRETS
    ):
        raise InvalidSignature
    try:
        return read_event(json.loads(raw_body))
    except _UNREADABLE as exc:
        raise InvalidSignature("The webhook's body is not an event") from exc


def list_intents(*, since: dt.datetime, after: str = "") -> Page[IntentFacts]:
    """Return a page of the intents made since then, with what was refunded of each and what Stripe
    kept."""
    wanted = ["data.latest_charge.balance_transaction"]
    return _page(
        lambda client: client.v1.payment_intents, read_intent, after, since=since, expand=wanted
    )


def list_refunds(*, since: dt.datetime, after: str = "") -> Page[RefundFacts]:
    """Return a page of the refunds made since then."""
    return _page(lambda client: client.v1.refunds, read_refund, after, since=since)


def list_disputes(*, since: dt.datetime, after: str = "") -> Page[DisputeFacts]:
    """Return a page of the disputes opened since then."""
    return _page(lambda client: client.v1.disputes, read_dispute, after, since=since)


def list_events(
    *, types: Sequence[str], since: dt.datetime, until: dt.datetime | None, after: str = ""
) -> Page[EventFacts]:
    """Return a page of the events of these types (at most 20) that happened since then, up to and
    with `until`. Stripe keeps them for 30 days."""
    events, read = (lambda client: client.v1.events), (lambda event: read_event(event.to_dict()))
    return _page(events, read, after, since=since, until=until, types=list(types))


def list_movements(
    *, since: dt.datetime, until: dt.datetime | None = None, after: str = ""
) -> Page[MovementFacts]:
    """Return a page of what came to our balance, or left it, since then, up to and with `until`."""
    movements, read = (lambda client: client.v1.balance_transactions), read_movement
    return _page(movements, read, after, since=since, until=until)


def retrieve_debit(*, intent_id: str) -> MovementFacts | None:
    """Return what an intent brought to our balance, as long as Stripe says that it is under way;
    None before and after it. Raises StripeNotFound or PaymentsUnavailable."""
    return read_debit(_retrieve_intent(intent_id))


def retrieve_balance() -> dict[str, int]:
    """Return what lies at Stripe for us now, by currency. Raises PaymentsUnavailable."""
    return read_balance(_call(lambda client: client.v1.balance.retrieve()))


def _page(
    service_of: Callable[[stripe.StripeClient], Any],
    read: Callable[[Any], _F],
    after: str,
    *,
    since: dt.datetime,
    until: dt.datetime | None = None,
    **more: Any,
) -> Page[_F]:
    created = {"gte": int(since.timestamp())}
    if until is not None:
        created["lte"] = int(until.timestamp())
    params = {"limit": PAGE_SIZE, "created": created, **more}
    if after:
        params["starting_after"] = after
    page = _call(lambda client: service_of(client).list(params))
    items = list(page.data)
    return Page(
        items=[read(item) for item in items],
        after=items[-1].id if items and page.has_more else "",
        oldest=read_time(items[-1].created) if items else None,
    )


def _is_signed(raw_body: bytes, signature: str, secret: str) -> bool:
    if not signature.isascii():
        return False  # The SDK compares it in constant time, which refuses such text.
    try:
        stripe.WebhookSignature.verify_header(
            raw_body.decode(), signature, secret, stripe.Webhook.DEFAULT_TOLERANCE
        )
    except (stripe.SignatureVerificationError, UnicodeDecodeError):
        return False
    return True


def _create(
    create: Callable[[str, stripe.StripeClient], Any],
    *,
    key: str,
    find: Callable[[], Any | None] = lambda: None,
) -> Any:
    """Create under the key, or under the first that follows from it for which Stripe stored no
    failure of its own (a 500 is kept and given again for a day: Stripe's docs, "Idempotent
    requests"). Whoever creates the same thing walks the same keys, and so ends at the same one.

    `find` looks for what was made before: by a call whose key Stripe forgot after a day, or by one
    that failed and left it behind all the same.
    """
    for living in (key, *(f"{key}-again-{number}" for number in range(1, _KEYS_TRIED))):
        if (found := find()) is not None:
            return found
        with suppress(StripeFailedBefore):
            return _call(partial(create, living))
    raise StripeFailedBefore


def _call(work: Callable[[stripe.StripeClient], Any]) -> Any:
    if not is_configured():
        raise PaymentsUnavailable("Payments are not configured")
    if connection.in_atomic_block and not _in_test_transaction():
        raise RuntimeError("no call to Stripe inside a transaction")
    with _translated():
        client = _client(
            settings.STRIPE_SECRET_KEY,
            settings.STRIPE_API_BASE,
            settings.STRIPE_API_VERSION,
            settings.STRIPE_TIMEOUT_SECONDS,
        )
        return wait_for(lambda: work(client))


def _in_test_transaction() -> bool:
    """Tests wrap everything in a transaction of their own; only theirs is marked so."""
    return all(getattr(block, "_from_testcase", False) for block in connection.atomic_blocks)


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except stripe.InvalidRequestError as exc:
        if exc.http_status == 404 or exc.code == "resource_missing":
            raise StripeNotFound(str(exc.user_message or "")) from exc
        raise StripeRefused(code=exc.code or "invalid_request", message=_words(exc)) from exc
    except (stripe.CardError, stripe.IdempotencyError) as exc:
        raise StripeRefused(code=exc.code or type(exc).__name__, message=_words(exc)) from exc
    except stripe.StripeError as exc:
        # The SDK fills `exc.code` for bad requests and cards only.
        if exc.error is not None and exc.error.code == "account_invalid":
            raise StripeNotFound(str(exc.user_message or "")) from exc
        if isinstance(exc, stripe.PermissionError):
            key_rights.note_missing(words=_words(exc))
            raise StripeForbidden from exc
        if exc.http_status == 409:
            raise StripeBusy from exc
        if exc.http_status == 429:
            raise StripeLater from exc
        if (exc.http_status or 0) >= 500 and "Idempotent-Replayed" in (exc.headers or {}):
            raise StripeFailedBefore from exc
        _tell(exc)
        raise PaymentsUnavailable from exc


def _tell(exc: stripe.StripeError) -> None:
    if isinstance(exc, stripe.AuthenticationError):
        # It does answer, and won't until somebody mends the key: no outage to wait for.
        logger.error("Stripe refuses our key: %s", exc)
    else:
        logger.warning("Stripe doesn't answer: %s", exc)


@lru_cache(maxsize=4)
def _client(
    secret_key: str, api_base: str, api_version: str, seconds: float
) -> stripe.StripeClient:
    return stripe.StripeClient(
        secret_key,
        stripe_version=api_version or None,
        base_addresses={"api": api_base} if api_base else {},
        http_client=PooledClient(
            base=api_base or stripe.api_base,
            timeout=(CONNECT_TIMEOUT_SECONDS, seconds),
            connections=calls_at_once(),
        ),
        max_network_retries=0,
    )


def _words(exc: stripe.StripeError) -> str:
    return str(exc.user_message or "The request was refused")


# How `stripe_connect`, the part of the gateway that pays instructors, asks.
ask_stripe = _call
create_at_stripe = _create
list_at_stripe = _page
