"""What Stripe says, in our words: typed facts, read from the objects of its SDK. Minor units."""

import datetime as dt
import json
import logging
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from payments.state import PROCESSING, DisputeStatus

logger = logging.getLogger(__name__)

_F = TypeVar("_F")
_THIN = "v2.core.event"
# Of Stripe's reasons why a refund is pending: all but `processing`.
_NOT_BEGUN = frozenset({"insufficient_funds", "charge_pending"})
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


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
    """What Stripe says of a refund. `refund_id` is our row, when we asked for it. Minor units.
    `waits_for` is why Stripe has made it and no money is on its way yet: `insufficient_funds` (of
    ours there), `charge_pending` (the payment hasn't settled) or `requires_action` (Stripe has
    asked the buyer where the money is to go); else empty."""

    id: str
    status: str
    amount: int
    intent_id: str
    refund_id: str
    failure_reason: str = ""
    waits_for: str = ""

    @property
    def is_short(self) -> bool:
        """Whether it waits until more of our money is available."""
        return self.waits_for == "insufficient_funds"


@dataclass(frozen=True, kw_only=True)
class DisputeFacts:
    """What Stripe says of a dispute. Minor units; `status` is a `DisputeStatus`; `fee` is what
    Stripe charges for it less what it gave back, None as long as no money was moved."""

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
    """A verified webhook event: a trigger, not a truth. A `is_thin` one only names what changed
    (Stripe's second kind of events, whose objects the first kind tells of, too)."""

    id: str
    type: str
    object_id: str
    created: dt.datetime
    payload: dict[str, Any]
    is_thin: bool = False


@dataclass(frozen=True, kw_only=True)
class MovementFacts:
    """What Stripe says of a balance transaction: of money that came to our balance, or left it.
    Minor units; `net` is what the balance changed by. `source` is the id of what it is of, and
    `balance_type` which of our balances it is on, "" where Stripe doesn't say."""

    id: str
    type: str
    reporting_category: str
    amount: int
    fee: int
    net: int
    currency: str
    created: dt.datetime
    available_on: dt.datetime
    description: str
    source: str
    balance_type: str = ""


@dataclass(frozen=True, kw_only=True)
class Page(Generic[_F]):
    """Part of a list, newest first. `after` leads to the next page; it is empty on the last.
    `oldest` is when its last item was made, None of an empty one."""

    items: list[_F]
    after: str
    oldest: dt.datetime | None


class _Told(dict[str, Any]):
    """An object of Stripe's, whose fields are attributes as of the SDK's."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None


def read_told(body: str) -> Any:
    """Read what Stripe said for the functions below, which take the SDK's objects, too."""
    return json.loads(body, object_hook=_Told)


def read_intent(intent: Any) -> IntentFacts:
    """Read a payment intent, with its charge where that was asked for."""
    error, charge = intent.last_payment_error, intent.latest_charge
    return IntentFacts(
        id=intent.id,
        status=intent.status,
        amount=intent.amount,
        amount_received=intent.amount_received or 0,
        currency=intent.currency,
        client_secret=intent.client_secret or "",
        charge_id=_id_of(charge),
        order_id=read_metadata(intent, "order_id"),
        error_code=_text(error, "decline_code") or _text(error, "code"),
        error_message=_text(error, "message"),
        amount_refunded=None if isinstance(charge, str | None) else charge.amount_refunded,
        fee=None if isinstance(charge, str | None) else _fee(charge, intent.currency),
    )


def _fee(charge: Any, currency: str) -> int | None:
    """Return what Stripe kept of a charge, once that is known."""
    movement = charge.balance_transaction
    return None if isinstance(movement, str | None) else _fee_of(movement, currency)


def _fee_of(movement: Any, currency: str) -> int:
    """Return the fee of a balance transaction: an account that settles in another currency is
    charged in that one, and Stripe says at which rate it changed the money."""
    rate = movement.exchange_rate if movement.currency != currency else None
    fee: int = round(movement.fee / rate) if rate else movement.fee
    return fee


def read_refund(refund: Any) -> RefundFacts:
    """Read a refund."""
    return RefundFacts(
        id=refund.id,
        status=refund.status or "pending",
        amount=refund.amount,
        intent_id=_id_of(refund.payment_intent),
        refund_id=read_metadata(refund, "refund_id"),
        failure_reason=_text(refund, "failure_reason"),
        waits_for=_waits_for(refund),
    )


def _waits_for(refund: Any) -> str:
    if refund.status == "requires_action":
        return "requires_action"
    reason = _text(refund, "pending_reason")
    return reason if reason in _NOT_BEGUN else ""


def read_dispute(dispute: Any) -> DisputeFacts:
    """Read a dispute."""
    movements = dispute.balance_transactions
    due_by = dispute.evidence_details.due_by
    return DisputeFacts(
        id=dispute.id,
        status=_dispute_status(dispute),
        reason=dispute.reason or "",
        amount=dispute.amount,
        currency=dispute.currency,
        intent_id=_id_of(dispute.payment_intent),
        opened_at=read_time(dispute.created),
        evidence_due_at=read_time(due_by) if due_by else None,
        fee=sum(_fee_of(one, dispute.currency) for one in movements) if movements else None,
    )


def _dispute_status(dispute: Any) -> DisputeStatus:
    """Return where the dispute stands in words of ours. `prevented` is over: resolved with the
    buyer at our cost, or blocked at none (Stripe's docs, "Dispute prevention"). Of a word that
    Stripe has only from a later version on, we believe what was done with the money."""
    with suppress(ValueError):
        return DisputeStatus(dispute.status)
    is_taken = sum(movement.amount for movement in dispute.balance_transactions or ()) < 0
    if dispute.status == "prevented":
        return DisputeStatus.LOST if is_taken else DisputeStatus.WARNING_CLOSED
    logger.warning("dispute %s is %s, which is new to us", dispute.id, dispute.status)
    return DisputeStatus.UNDER_REVIEW if is_taken else DisputeStatus.WARNING_UNDER_REVIEW


def read_movement(moved: Any) -> MovementFacts:
    """Read a balance transaction."""
    return MovementFacts(
        id=moved.id,
        type=moved.type,
        reporting_category=_text(moved, "reporting_category"),
        amount=moved.amount,
        fee=moved.fee,
        net=moved.net,
        currency=moved.currency,
        created=read_time(moved.created),
        available_on=read_time(moved.available_on),
        description=_text(moved, "description"),
        source=_id_of(moved.source),
        balance_type=_text(moved, "balance_type"),
    )


def read_debit(intent: Any) -> MovementFacts | None:
    """Read what the charge of a payment intent brought to our balance while its money is under way:
    None where it isn't, or where nothing lies there of it."""
    charge = intent.latest_charge
    if intent.status != PROCESSING or isinstance(charge, str | None) or charge.status != "pending":
        return None
    moved = charge.balance_transaction
    return None if isinstance(moved, str | None) else read_movement(moved)


def read_balance(balance: Any) -> dict[str, int]:
    """Read what lies at Stripe, by currency: what is available and what is yet to be. What Stripe
    holds for the debts of connected accounts (`connect_reserved`) is in neither: it was taken off
    by movements of their own."""
    sums: dict[str, int] = {}
    for part in (*balance.available, *balance.pending):
        sums[part.currency] = sums.get(part.currency, 0) + part.amount
    return sums


def read_event(payload: dict[str, Any]) -> EventFacts:
    """Read an event, which may be anything: raises ValueError, KeyError, TypeError, AttributeError,
    ArithmeticError."""
    if payload.get("object") == _THIN:
        return _read_thin_event(payload)
    return EventFacts(
        id=_storable(payload["id"]),
        type=_storable(payload["type"]),
        object_id=_storable(payload["data"]["object"].get("id") or ""),
        created=read_time(int(payload["created"])),
        payload=payload,
    )


def _read_thin_event(payload: dict[str, Any]) -> EventFacts:
    """https://docs.stripe.com/event-destinations: no `data`, and its time as a text."""
    about = payload.get("related_object") or {}
    created = dt.datetime.fromisoformat(payload["created"])
    if created.tzinfo is None:
        raise ValueError("A time without its zone")
    return EventFacts(
        id=_storable(payload["id"]),
        type=_storable(payload["type"]),
        object_id=_storable(about.get("id") or ""),
        created=created,
        payload=payload,
        is_thin=True,
    )


def _storable(value: Any) -> str:
    """Return the value as a text. Raises ValueError for one that PostgreSQL can't store: with NUL,
    or half a surrogate pair."""
    text = str(value)
    if "\0" in text:
        raise ValueError("NUL in a text")
    text.encode()
    return text


def read_metadata(thing: Any, key: str) -> str:
    """Read what we or somebody else noted on an object; "" where nobody did."""
    metadata = thing.metadata
    return str(metadata[key]) if metadata and key in metadata else ""


def _text(thing: Any, name: str) -> str:
    """Return a field that Stripe leaves out where there is nothing to say, as the decline code of
    an error that no card issuer made; the SDK's objects have no such attribute then."""
    return getattr(thing, name, None) or ""


def _id_of(value: Any) -> str:
    """Return the id of something that Stripe gives as an id or, expanded, as an object."""
    if value is None:
        return ""
    return value if isinstance(value, str) else str(value.id)


def read_time(seconds: int) -> dt.datetime:
    """Read one of Stripe's times. Raises OverflowError for one beyond all calendars."""
    return _EPOCH + dt.timedelta(seconds=seconds)
