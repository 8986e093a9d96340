"""Sessions: opened by a login, kept alive by one refresh token at a time, ended for a reason."""

import datetime as dt
import ipaddress
import uuid
from dataclasses import dataclass

from django.conf import settings
from django.contrib.sessions.models import Session as AdminSession
from django.db import models, transaction
from django.utils import timezone

from core.audit import record_audit, recording
from core.ids import new_id
from core.pruning import prune
from users.errors import SessionNotFound, TokenInvalid, TokenReused
from users.models import Session
from users.tokens import (
    RefreshClaims,
    TokenPair,
    issue_tokens,
    read_refresh_token,
    refresh_lifetime,
    reissue_tokens,
)


@dataclass(frozen=True, kw_only=True)
class Caller:
    """Where a request comes from: its User-Agent and the client's address, as far as known."""

    device: str
    ip: str


def open_session(*, user_id: uuid.UUID, caller: Caller) -> Session:
    """Return a new live session. The caller holds the person's row and checked the credentials."""
    now = timezone.now()
    return Session.objects.create(
        user_id=user_id,
        rotated_at=now,
        last_used_at=now,
        expires_at=now + refresh_lifetime(),
        device="".join(char for char in caller.device if char.isprintable())[:255],
        ip=_address(caller.ip),
    )


def rotate_session(*, refresh: str, caller: Caller) -> TokenPair:
    """Return the token's successor and an access token (contract "Accounts").

    The same token within REFRESH_REUSE_GRACE of its first use gets the same successor. Raises
    TokenInvalid, or TokenReused after having ended the session.
    """
    claims = read_refresh_token(refresh)
    with transaction.atomic():
        tokens = _rotate_locked(claims, caller)
    # Raised only now: the end of the session must be committed.
    if tokens is None:
        raise TokenReused
    return tokens


def logout(*, session_id: uuid.UUID | None, refresh: str | None) -> None:
    """End the access token's session and the refresh token's, which usually are one.

    Beside a session, an unusable refresh token is ignored; alone it raises TokenInvalid.
    """
    shown = {session_id} if session_id else set()
    if refresh is not None:
        try:
            shown.add(read_refresh_token(refresh).session_id)
        except TokenInvalid:
            if not shown:
                raise
    ended = _end(Session.objects.filter(id__in=shown), reason=Session.EndReason.LOGOUT)
    if not ended and session_id is None:
        raise TokenInvalid


def end_session(*, user_id: uuid.UUID, session_id: uuid.UUID) -> None:
    """End one of a person's sessions. Raises SessionNotFound when it isn't theirs or not live."""
    theirs = Session.objects.filter(id=session_id, user_id=user_id, expires_at__gt=timezone.now())
    if not _end(theirs, reason=Session.EndReason.SIGNED_OUT):
        raise SessionNotFound(session_id=str(session_id))


def end_sessions(
    *, user_id: uuid.UUID, reason: Session.EndReason, keep: uuid.UUID | None = None
) -> int:
    """End all of a person's sessions but `keep`; returns how many were live."""
    theirs = Session.objects.filter(user_id=user_id)
    return _end(theirs.exclude(id=keep) if keep else theirs, reason=reason)


def end_sessions_by_staff(*, user_id: uuid.UUID, actor_id: uuid.UUID | None) -> int:
    """End all of a person's sessions on behalf of staff; returns how many were live. Audited."""
    with transaction.atomic():
        ended = end_sessions(user_id=user_id, reason=Session.EndReason.STAFF)
        record_audit(
            actor_id=actor_id,
            action="user.sessions_ended",
            target_type="user",
            target_id=user_id,
            details={"sessions": ended},
        )
    return ended


def end_these_sessions_by_staff(*, session_ids: list[uuid.UUID], actor_id: uuid.UUID | None) -> int:
    """End the named sessions, whosever they are, on behalf of staff; returns how many were live.
    Audited."""
    chosen = Session.objects.filter(id__in=session_ids)
    with recording(chosen, actor_id=actor_id, action="session.end") as theirs:
        return _end(theirs, reason=Session.EndReason.STAFF)


def prune_sessions() -> int:
    """Delete sessions whose refresh token has expired, and the admin's past their time; returns
    how many. An ended session stays until then, and with it the knowledge that its tokens are
    used up."""
    now = timezone.now()
    of_admin = AdminSession.objects.filter(expire_date__lt=now)
    return prune(Session.objects.filter(expires_at__lt=now)) + prune(of_admin)


def _rotate_locked(claims: RefreshClaims, caller: Caller) -> TokenPair | None:
    """Rotate under the session's lock; None when the token was used before and the session has
    been ended for it. Raises TokenInvalid."""
    session = (
        Session.objects.select_for_update(of=("self",))
        .filter(
            id=claims.session_id, user_id=claims.user_id, ended_at=None, user__is_active=True
        )
        .first()
    )  # fmt: skip
    if session is None:
        raise TokenInvalid
    now = timezone.now()
    recent = [
        rotation
        for rotation in session.recent_rotations
        if now - dt.datetime.fromisoformat(rotation["at"]) <= settings.REFRESH_REUSE_GRACE
    ]
    if claims.jti == session.refresh_jti:
        return _advance(session, recent, caller, now)
    for rotation in recent:
        if rotation["used"] == str(claims.jti):
            return reissue_tokens(
                session=session,
                jti=uuid.UUID(rotation["successor"]),
                issued_at=dt.datetime.fromisoformat(rotation["at"]),
            )
    _end(Session.objects.filter(id=session.id), reason=Session.EndReason.TOKEN_REUSED)
    return None


def _advance(
    session: Session, recent: list[dict[str, str]], caller: Caller, now: dt.datetime
) -> TokenPair:
    used, session.refresh_jti = session.refresh_jti, new_id()
    session.recent_rotations = [
        *recent,
        {"used": str(used), "successor": str(session.refresh_jti), "at": now.isoformat()},
    ]
    session.rotated_at = session.last_used_at = now
    session.expires_at = now + refresh_lifetime()
    session.ip = _address(caller.ip)
    session.save(
        update_fields=[
            "refresh_jti", "recent_rotations", "rotated_at", "last_used_at", "expires_at", "ip",
            "updated_at",
        ]
    )  # fmt: skip
    return issue_tokens(session=session)


def _end(sessions: models.QuerySet[Session], *, reason: Session.EndReason) -> int:
    now = timezone.now()
    return sessions.filter(ended_at=None).update(ended_at=now, end_reason=reason, updated_at=now)


def _address(text: str) -> str | None:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return None
