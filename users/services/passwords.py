"""Changing a password: by its owner, by a mailed link, by staff. Each ends sessions."""

import uuid

from django.contrib.auth import password_validation
from django.contrib.auth.hashers import check_password, make_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from core import attempts, outbox
from core.audit import record_audit
from core.errors import Invalid
from users import links
from users.errors import LinkInvalid, UserNotFound
from users.events import PasswordChanged, PasswordResetRequested
from users.familiarity import welcome
from users.guesses import Guesses
from users.mailing import may_mail
from users.models import Session, User, normalise_email
from users.services.sessions import end_sessions

_WRONG_OLD = "This is not the current password."
_SAME = "The new password must be different from the current one."


def check_new_password(password: str, *, user: User, field: str) -> None:
    """Raise Invalid with the reasons under `field` when the password doesn't satisfy
    AUTH_PASSWORD_VALIDATORS for this person (plan 9.1), or is the one they have."""
    if user.password and check_password(password, user.password):
        raise Invalid("The password is not acceptable", **{field: [_SAME]})
    try:
        password_validation.validate_password(password, user)
    except ValidationError as exc:
        raise Invalid("The password is not acceptable", **{field: exc.messages}) from None


def change_password(
    *, user_id: uuid.UUID, session_id: uuid.UUID | None, old_password: str, new_password: str
) -> None:
    """Set a new password and end all sessions but the given one.

    Raises Invalid (under `old_password` or `new_password`), and TooMany after as many wrong old
    passwords as THROTTLE_LOGIN allows: a borrowed session is no place to guess from.
    """
    user = User.objects.get(id=user_id)
    limit = attempts.limit(scope="login", subject=f"old-password|{user_id}")
    if limit:
        limit.check()
    if not user.check_password(old_password):
        if limit:
            limit.count()
        raise Invalid("The old password is wrong", old_password=[_WRONG_OLD])
    check_new_password(new_password, user=user, field="new_password")
    encoded = make_password(new_password)
    with transaction.atomic():
        current = User.objects.select_for_update(no_key=True).get(id=user_id)
        if current.password != user.password and not current.check_password(old_password):
            raise Invalid("The old password is wrong", old_password=[_WRONG_OLD])
        _store(current, encoded, keep=session_id)
    if limit:
        limit.reset()


def request_password_reset(*, email: str, ip: str) -> None:
    """Ask for a mail with a reset link for whoever has this e-mail, if THROTTLE_MAIL allows
    (`users.mailing`). Never tells whether anybody has, also not by its work: a worker finds out.
    Raises TooMany."""
    email = normalise_email(email)
    if not may_mail(kind="password-reset", email=email, ip=ip):
        return
    whose = User.objects.filter(email=email, is_active=True).values_list("id", flat=True).first()
    with transaction.atomic():
        outbox.record(PasswordResetRequested(user_id=whose))


def confirm_password_reset(*, token: str, new_password: str, ip: str | None = None) -> None:
    """Set a new password by a mailed link's token, once, and end all sessions. As the mail
    arrived, the e-mail counts as verified, and the network at `ip` as the person's own: whoever
    guesses elsewhere can't keep them out.

    Raises LinkInvalid and Invalid (under `new_password`).
    """
    user = links.find_reset_user(token)
    check_new_password(new_password, user=user, field="new_password")
    encoded = make_password(new_password)
    with transaction.atomic():
        current = User.objects.select_for_update(no_key=True).get(id=user.id)
        # Under the lock: of two with the same token, the second finds another password.
        if not links.is_reset_token_of(current, token):
            raise LinkInvalid(token=[LinkInvalid.message])
        current.email_verified_at = current.email_verified_at or timezone.now()
        _store(current, encoded, keep=None)
    if ip is not None:
        welcome(email=user.email, ip=ip)
        Guesses(email=user.email, ip=ip).forget()


def set_password(
    *, user_id: uuid.UUID, new_password: str | None, actor_id: uuid.UUID | None
) -> None:
    """Set a person's password on behalf of staff (None: no password works) and end all their
    sessions. Audited. Raises UserNotFound, and Invalid (under `new_password`)."""
    found = User.objects.filter(id=user_id).first()
    if found is None:
        raise UserNotFound
    if new_password is not None:
        check_new_password(new_password, user=found, field="new_password")
    encoded = make_password(new_password)
    with transaction.atomic():
        user = User.objects.select_for_update(no_key=True).get(id=user_id)
        _store(user, encoded, keep=None)
        record_audit(
            actor_id=actor_id, action="user.password_set", target_type="user", target_id=user_id
        )


def _store(user: User, encoded: str, *, keep: uuid.UUID | None) -> None:
    user.password = encoded
    user.save(update_fields=["password", "email_verified_at", "updated_at"])
    end_sessions(user_id=user.id, reason=Session.EndReason.PASSWORD, keep=keep)
    outbox.record(PasswordChanged(user_id=user.id))
