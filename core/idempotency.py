"""`Idempotency-Key` for POSTs that create orders and payment intents (contract "Everywhere")."""

import datetime as dt
import hashlib
import uuid
from dataclasses import dataclass, field
from typing import Any

import orjson
from django.conf import settings
from django.db import models, transaction
from django.utils import timezone

from core.errors import Conflict, Invalid, Malformed
from core.ids import new_id
from core.models import IdempotencyRecord
from core.pruning import prune

KEEP = dt.timedelta(hours=24)


class IdempotencyKeyReused(Conflict):
    """The key was used with another request."""

    code = "IDEMPOTENCY_KEY_REUSED"
    message = "This Idempotency-Key was already used with a different request"


class IdempotencyInProgress(Conflict):
    """The same request is being worked on right now."""

    code = "IDEMPOTENCY_IN_PROGRESS"
    message = "A request with this Idempotency-Key is still being processed"


class IdempotencyKeyInvalid(Invalid):
    """The header's value isn't usable as a key."""

    code = "IDEMPOTENCY_KEY_INVALID"
    message = "Idempotency-Key must be 1 to 255 printable ASCII characters"


@dataclass(frozen=True, kw_only=True)
class Claim:
    """The right to answer the request under a key, as long as nobody else has taken it over."""

    record_id: uuid.UUID
    token: uuid.UUID


@dataclass(frozen=True, kw_only=True)
class StoredAnswer:
    """What the first request with this key was answered."""

    status_code: int
    body: Any
    # The claim under which it was stored: tells this answer from a later one under the same key.
    token: uuid.UUID | None = field(default=None, compare=False)


def fingerprint(*, method: str, path: str, body: Any) -> str:
    """Return a hash that is equal for equal requests, whatever the order of the body's keys.

    Raises Malformed for a body nested deeper than can be written (some 250 levels, of the 1024
    that can be read): no request of ours is.
    """
    try:
        request = orjson.dumps([method, path, body], option=orjson.OPT_SORT_KEYS)
    except orjson.JSONEncodeError as exc:
        raise Malformed("The body is nested too deeply") from exc
    return hashlib.sha256(request).hexdigest()


def begin(
    *, user_id: uuid.UUID, key: str, fingerprint: str, instead_of: StoredAnswer | None = None
) -> StoredAnswer | Claim:
    """Claim the key for this request, or return the stored answer of the first one. `instead_of`
    is a stored answer that no longer serves: the key is claimed in its place, by one request, and
    an answer that was stored in its place meanwhile is returned.

    Raises IdempotencyKeyReused, IdempotencyInProgress or IdempotencyKeyInvalid. The holder of a
    claim must end with `finish` or `abandon`; one that doesn't loses it after `settings.LEASE`.
    """
    if not (1 <= len(key) <= 255 and key.isascii() and key.isprintable()):
        raise IdempotencyKeyInvalid
    now, token = timezone.now(), new_id()
    claim_until = now + settings.LEASE
    with transaction.atomic():
        fresh = IdempotencyRecord(
            user_id=user_id, key=key, fingerprint=fingerprint, locked_until=claim_until, claim=token
        )
        record = _insert_or_lock(fresh)
        claim = Claim(record_id=record.id, token=token)
        if record.claim == token:
            return claim
        is_kept = record.created_at >= now - KEEP
        if is_kept and record.fingerprint != fingerprint:
            raise IdempotencyKeyReused
        if is_kept and record.status_code is None and record.locked_until > now:
            raise IdempotencyInProgress
        if is_kept and record.status_code is not None:
            stored = StoredAnswer(
                status_code=record.status_code, body=record.body, token=record.claim
            )
            if instead_of is None or instead_of.token != stored.token:
                return stored
        if not is_kept or record.status_code is not None:
            record.status_code, record.body, record.created_at = None, None, now
        record.fingerprint, record.locked_until, record.claim = fingerprint, claim_until, token
        record.save()
    return claim


def _insert_or_lock(fresh: IdempotencyRecord) -> IdempotencyRecord:
    """Return the record, written now, or the one its person has under its key, locked."""
    IdempotencyRecord.objects.bulk_create([fresh], ignore_conflicts=True)
    records = IdempotencyRecord.objects.select_for_update()
    record = records.filter(user_id=fresh.user_id, key=fresh.key).first()
    if record is None:
        # Whoever had the key gave it up this moment.
        raise IdempotencyInProgress
    return record


def finish(claim: Claim, *, status_code: int, body: Any) -> bool:
    """Store the answer under the key; False, with nothing stored, when another request has taken
    the claim over."""
    return _held(claim).update(status_code=status_code, body=body) == 1


def abandon(claim: Claim) -> None:
    """Free the key: nothing was done, the client may try again with it. Does nothing when another
    request has taken the claim over."""
    _held(claim).delete()


def _held(claim: Claim) -> models.QuerySet[IdempotencyRecord]:
    return IdempotencyRecord.objects.filter(id=claim.record_id, claim=claim.token, status_code=None)


def prune_records() -> int:
    """Delete records older than a key lives; returns how many."""
    return prune(IdempotencyRecord.objects.filter(created_at__lt=timezone.now() - KEEP))
