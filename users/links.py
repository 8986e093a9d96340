"""The links in mails, and reading their tokens back. Tokens are made when the mail is: none is
stored anywhere."""

import uuid
from dataclasses import dataclass
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.auth.tokens import default_token_generator
from django.core import signing

from core.ids import parse_id
from users.errors import LinkInvalid
from users.models import User

_VERIFICATION_SALT = "users.verify-email"


@dataclass(frozen=True, kw_only=True)
class VerificationClaims:
    """Whom a verification token was mailed to, and at which address."""

    user_id: uuid.UUID
    email: str


def verification_link(*, user: User) -> str:
    """Return the page that verifies the person's e-mail, good for EMAIL_VERIFICATION_TIMEOUT."""
    claims = {"user_id": str(user.id), "email": user.email}
    return _page("verify-email", signing.dumps(claims, salt=_VERIFICATION_SALT))


def password_reset_link(*, user: User) -> str:
    """Return the page that sets a new password, good for PASSWORD_RESET_TIMEOUT seconds and one
    use. `user` must be fresh: the token is bound to the present password."""
    return _page("reset-password", f"{user.id}.{default_token_generator.make_token(user)}")


def read_verification_token(token: str) -> VerificationClaims:
    """Return what the token says. Raises LinkInvalid when it is garbled or expired."""
    try:
        claims = signing.loads(
            token, salt=_VERIFICATION_SALT, max_age=settings.EMAIL_VERIFICATION_TIMEOUT
        )
    except (signing.BadSignature, ValueError) as exc:
        raise _refusal() from exc
    return VerificationClaims(user_id=uuid.UUID(claims["user_id"]), email=claims["email"])


def find_reset_user(token: str) -> User:
    """Return whose password the token may set. Raises LinkInvalid when it is garbled, expired or
    used, or the person inactive."""
    user_id = parse_id(token.partition(".")[0])
    user = User.objects.filter(id=user_id, is_active=True).first() if user_id else None
    if user is None or not is_reset_token_of(user, token):
        raise _refusal()
    return user


def is_reset_token_of(user: User, token: str) -> bool:
    """Return whether the token is this person's, unexpired and not used yet."""
    return user.is_active and default_token_generator.check_token(user, token.partition(".")[2])


def _page(path: str, token: str) -> str:
    return f"{settings.FRONTEND_URL}/{path}?{urlencode({'token': token})}"


def _refusal() -> LinkInvalid:
    return LinkInvalid(token=[LinkInvalid.message])
