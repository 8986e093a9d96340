"""Mails that carry a secret of one use. Their links are made when the mail is sent and stored
nowhere: who can read our tables can't read themselves into an account."""

import uuid
from collections.abc import Callable

from notifications import letters
from notifications.letter import Letter
from notifications.selectors import name_for
from users import selectors as user_selectors
from users.links import password_reset_link, verification_link
from users.models import User


def is_unwritten(kind: str) -> bool:
    """Return whether mails of this kind are stored without their words."""
    return kind in _LETTERS


def compose(*, kind: str, user_id: uuid.UUID | None, to: str) -> Letter | None:
    """Return the letter with a fresh link; None when the person is gone, has another address by
    now, or needs it no more. Twice for the same mail, after a worker was killed, both links work.
    """
    user = user_selectors.find_user(user_id=user_id) if user_id else None
    if user is None or not user.is_active or user.email != to:
        return None
    return _LETTERS[kind](user)


def _verification(user: User) -> Letter | None:
    if user.email_verified_at is not None:
        return None
    return letters.verification(link=verification_link(user=user))


def _password_reset(user: User) -> Letter:
    return letters.password_reset(first_name=name_for(user), link=password_reset_link(user=user))


_LETTERS: dict[str, Callable[[User], Letter | None]] = {
    "verification": _verification,
    "password-reset": _password_reset,
}
UNWRITTEN_KINDS = tuple(_LETTERS)
