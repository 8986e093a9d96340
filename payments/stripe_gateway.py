"""The only module that speaks to Stripe: typed facts in and out, short time-outs, typed errors.

Callers hold no transaction and no lock while they are in here (house rule 4). Amounts are in minor
units, as Stripe has them. How long a call may take is the caller's `stripe_patience.deadline`.
"""

import datetime as dt
import json
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, Generic, TypeVar

import stripe
from django.conf import settings
from django.db import connection

from payments.errors import InvalidSignature, PaymentsUnavailable
from payments.stripe_patience import wait_for

logger = logging.getLogger(__name__)

CONNECT_TIMEOUT_SECONDS = 2.0
_KEYS_TRIED = 5
# Stripe's docs, "Zero-decimal currencies" and "Three-decimal currencies": ¥1000 sent as hundredths
# would be charged a hundredfold.
NOT_IN_HUNDREDTHS = frozenset(
    {
        "bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "vnd", "vuv", "xaf",
        "xof", "xpf", "bhd", "jod", "kwd", "omr", "tnd",
    }
)  # fmt: skip


_F = TypeVar("_F")


class StripeNotFound(Exception):
    """Stripe knows no object of this id (or the id isn't even well-formed)."""


class StripeBusy(PaymentsUnavailable):
    """A call with the same idempotency key is under way (Stripe answers 409): ask again soon."""


class StripeFailedBefore(PaymentsUnavailable):
    """Stripe gives a failure of its own again that it stored under this idempotency key: for a day
    the key will get nothing else."""


class StripeRefused(Exception):
    """Stripe understood and said no. `code` is Stripe's error code."""

    def __init__(self, *, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True, kw_only=True)
class IntentFacts:
    """What Stripe says of a payment intent. Minor units; `amount_refunded` (pending refunds too)
    and `fee` (what Stripe kept, in the intent's currency) are None where they weren't asked for or,
    as the fee for a while after the payment, aren't known yet."""

    id: str
    status: str
    amount: int
    amount_received: int
    currency: str
    client_secret: str
    charge_id: str
    order_id: str
    error_code: str
    error_message: str
    amount_refunded: int | None = None
    fee: int | None = None


@dataclass(frozen=True, kw_only=True)
class RefundFacts:
    """What Stripe says of a refund. `refund_id` is our row, when we asked for it. Minor units."""

    id: str
    status: str
    amount: int
    intent_id: str
    refund_id: str
    failure_reason: str = ""


@dataclass(frozen=True, kw_only=True)
class DisputeFacts:
    """What Stripe says of a dispute. Minor units; `fee` is what Stripe charges for it less what it
    gave back, None as long as no money was moved."""

    id: str
    status: str
    reason: str
    amount: int
    currency: str
    intent_id: str
    opened_at: dt.datetime
    evidence_due_at: dt.datetime | None = None
    fee: int | None = None


@dataclass(frozen=True, kw_only=True)
class EventFacts:
    """A verified webhook event: a trigger, not a truth."""

    id: str
    type: str
    object_id: str
    created: dt.datetime
    payload: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Page(Generic[_F]):
    """Part of a list, newest first. `after` leads to the next page; it is empty on the last.
    `oldest` is when its last item was made, None of an empty one."""

    items: list[_F]
    after: str
    oldest: dt.datetime | None


def is_configured() -> bool:
    """Return whether this installation has a Stripe account (or a stand-in) to speak to."""
    return bool(settings.STRIPE_SECRET_KEY)


def create_intent(
    *, amount: int, currency: str, order_id: str, order_number: str, idempotency_key: str
) -> IntentFacts:
    """Create a payment intent; the same key gives the same intent. Raises StripeRefused, or
    PaymentsUnavailable, also for a currency whose minor unit isn't the hundredth."""
    if currency in NOT_IN_HUNDREDTHS:
        logger.error("CURRENCY=%s can't be charged: amounts are sent in hundredths", currency)
        raise PaymentsUnavailable("Payments in this currency are not supported")
    params: Any = {
        "amount": amount,
        "currency": currency,
        "description": f"LearnFlow {order_number}",
        "metadata": {"order_id": order_id, "order_number": order_number},
        "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
    }
    # Should a failure have left an intent behind, nobody has its secret: it can't be paid.
    return _intent(
        _create(
            lambda key, client: client.v1.payment_intents.create(params, {"idempotency_key": key}),
            key=idempotency_key,
        )
    )


def retrieve_intent(*, intent_id: str) -> IntentFacts:
    """Return the intent as it is now, with what was refunded of it and what Stripe kept. Raises
    StripeNotFound or PaymentsUnavailable."""
    return _intent(
        _call(
            lambda client: client.v1.payment_intents.retrieve(
                intent_id, {"expand": ["latest_charge.balance_transaction"]}
            )
        )
    )


def cancel_intent(*, intent_id: str) -> IntentFacts:
    """Cancel the intent unless it is past that; either way return it as it is afterwards."""
    try:
        return _intent(_call(lambda client: client.v1.payment_intents.cancel(intent_id)))
    except StripeRefused as exc:
        if exc.code != "payment_intent_unexpected_state":
            raise
        return retrieve_intent(intent_id=intent_id)


def create_refund(
    *, intent_id: str, amount: int, refund_id: str, idempotency_key: str
) -> RefundFacts:
    """Give money back. Raises StripeRefused when it can't be, e.g. it already was."""
    params: Any = {
        "payment_intent": intent_id,
        "amount": amount,
        "metadata": {"refund_id": refund_id},
    }

    def find(client: stripe.StripeClient) -> Any | None:
        page = client.v1.refunds.list({"payment_intent": intent_id, "limit": 100})
        ours = (r for r in page.auto_paging_iter() if _metadata(r, "refund_id") == refund_id)
        return next(ours, None)

    return _refund(
        _create(
            lambda key, client: client.v1.refunds.create(params, {"idempotency_key": key}),
            key=idempotency_key,
            find=lambda: _call(find),
        )
    )


def retrieve_refund(*, stripe_refund_id: str) -> RefundFacts:
    """Return the refund as it is now. Raises StripeNotFound or PaymentsUnavailable."""
    return _refund(_call(lambda client: client.v1.refunds.retrieve(stripe_refund_id)))


def list_refunds_of_charge(*, charge_id: str) -> list[RefundFacts]:
    """Return all refunds of a charge, newest first."""

    def fetch(client: stripe.StripeClient) -> list[Any]:
        page = client.v1.refunds.list({"charge": charge_id, "limit": 100})
        return list(page.auto_paging_iter())

    return [_refund(item) for item in _call(fetch)]


def retrieve_dispute(*, stripe_dispute_id: str) -> DisputeFacts:
    """Return the dispute as it is now. Raises StripeNotFound or PaymentsUnavailable."""
    return _dispute(_call(lambda client: client.v1.disputes.retrieve(stripe_dispute_id)))


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
        return _event(json.loads(raw_body))
    except (ValueError, KeyError, TypeError, AttributeError) as exc:
        raise InvalidSignature("The webhook's body is not an event") from exc


def list_intents(*, since: dt.datetime, after: str = "") -> Page[IntentFacts]:
    """Return a page of the intents made since then, with what was refunded of each and what Stripe
    kept."""
    wanted = ["data.latest_charge.balance_transaction"]
    return _page(
        lambda client: client.v1.payment_intents, _intent, after, since=since, expand=wanted
    )


def list_refunds(*, since: dt.datetime, after: str = "") -> Page[RefundFacts]:
    """Return a page of the refunds made since then."""
    return _page(lambda client: client.v1.refunds, _refund, after, since=since)


def list_disputes(*, since: dt.datetime, after: str = "") -> Page[DisputeFacts]:
    """Return a page of the disputes opened since then."""
    return _page(lambda client: client.v1.disputes, _dispute, after, since=since)


def list_events(
    *, types: Sequence[str], since: dt.datetime, until: dt.datetime | None, after: str = ""
) -> Page[EventFacts]:
    """Return a page of the events of these types (at most 20) that happened since then, up to and
    with `until`. Stripe keeps them for 30 days."""

    events, read = (lambda client: client.v1.events), (lambda event: _event(event.to_dict()))
    return _page(events, read, after, since=since, until=until, types=list(types))


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
    params = {"limit": 100, "created": created, **more}
    if after:
        params["starting_after"] = after
    page = _call(lambda client: service_of(client).list(params))
    items = list(page.data)
    return Page(
        items=[read(item) for item in items],
        after=items[-1].id if items and page.has_more else "",
        oldest=_time(items[-1].created) if items else None,
    )


def _is_signed(raw_body: bytes, signature: str, secret: str) -> bool:
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

    `find` looks for what a failure may have left behind all the same.
    """
    for living in (key, *(f"{key}-again-{number}" for number in range(1, _KEYS_TRIED))):
        try:
            return _call(partial(create, living))
        except StripeFailedBefore:
            if (found := find()) is not None:
                return found
    raise StripeFailedBefore


def _call(work: Callable[[stripe.StripeClient], Any]) -> Any:
    if not is_configured():
        raise PaymentsUnavailable("Payments are not configured")
    if connection.in_atomic_block and not _in_test_transaction():
        raise RuntimeError("no call to Stripe inside a transaction")
    client = _client(
        settings.STRIPE_SECRET_KEY, settings.STRIPE_API_BASE, settings.STRIPE_TIMEOUT_SECONDS
    )
    with _translated():
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
        if exc.http_status == 409:
            raise StripeBusy from exc
        if (exc.http_status or 0) >= 500 and "Idempotent-Replayed" in (exc.headers or {}):
            raise StripeFailedBefore from exc
        logger.warning("Stripe doesn't answer: %s", exc)
        raise PaymentsUnavailable from exc


@lru_cache(maxsize=4)
def _client(secret_key: str, api_base: str, seconds: float) -> stripe.StripeClient:
    return stripe.StripeClient(
        secret_key,
        base_addresses={"api": api_base} if api_base else {},
        http_client=stripe.RequestsClient(timeout=(CONNECT_TIMEOUT_SECONDS, seconds)),
        max_network_retries=0,
    )


def _intent(intent: Any) -> IntentFacts:
    error, charge = intent.last_payment_error, intent.latest_charge
    return IntentFacts(
        id=intent.id,
        status=intent.status,
        amount=intent.amount,
        amount_received=intent.amount_received or 0,
        currency=intent.currency,
        client_secret=intent.client_secret or "",
        charge_id=_id_of(charge),
        order_id=_metadata(intent, "order_id"),
        error_code=((error.decline_code or error.code) if error else "") or "",
        error_message=(error.message if error else "") or "",
        amount_refunded=None if isinstance(charge, str | None) else charge.amount_refunded,
        fee=None if isinstance(charge, str | None) else _fee(charge, intent.currency),
    )


def _fee(charge: Any, currency: str) -> int | None:
    """Return what Stripe kept of a charge; an account that settles in another currency is charged
    in that one, and Stripe says at which rate it changed the money."""
    movement = charge.balance_transaction
    if isinstance(movement, str | None):
        return None
    rate = movement.exchange_rate if movement.currency != currency else None
    fee: int = round(movement.fee / rate) if rate else movement.fee
    return fee


def _refund(refund: Any) -> RefundFacts:
    return RefundFacts(
        id=refund.id,
        status=refund.status or "pending",
        amount=refund.amount,
        intent_id=_id_of(refund.payment_intent),
        refund_id=_metadata(refund, "refund_id"),
        failure_reason=getattr(refund, "failure_reason", None) or "",
    )


def _dispute(dispute: Any) -> DisputeFacts:
    movements = dispute.balance_transactions
    due_by = dispute.evidence_details.due_by
    return DisputeFacts(
        id=dispute.id,
        status=dispute.status,
        reason=dispute.reason or "",
        amount=dispute.amount,
        currency=dispute.currency,
        intent_id=_id_of(dispute.payment_intent),
        opened_at=_time(dispute.created),
        evidence_due_at=_time(due_by) if due_by else None,
        fee=sum(movement.fee for movement in movements) if movements else None,
    )


def _event(payload: dict[str, Any]) -> EventFacts:
    return EventFacts(
        id=str(payload["id"]),
        type=str(payload["type"]),
        object_id=str(payload["data"]["object"].get("id") or ""),
        created=_time(int(payload["created"])),
        payload=payload,
    )


def _metadata(thing: Any, key: str) -> str:
    metadata = thing.metadata
    return str(metadata[key]) if metadata and key in metadata else ""


def _id_of(value: Any) -> str:
    """Return the id of something that Stripe gives as an id or, expanded, as an object."""
    if value is None:
        return ""
    return value if isinstance(value, str) else str(value.id)


def _time(seconds: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(seconds, tz=dt.UTC)


def _words(exc: stripe.StripeError) -> str:
    return str(exc.user_message or "The request was refused")
