"""Who is asking: an access token, its person and its session, in one indexed query."""

from rest_framework_simplejwt.authentication import JWTAuthentication
from rest_framework_simplejwt.exceptions import InvalidToken
from rest_framework_simplejwt.tokens import Token

from core.ids import parse_id
from users.models import Session, User


class SessionJWTAuthentication(JWTAuthentication):
    """Accepts an access token whose session is live and whose person is active.

    `request.auth` is the token; its `sid` names the session. Logout, password change and
    deactivation therefore end access tokens at once (contract "Accounts").
    """

    def get_user(self, validated_token: Token) -> User:
        session_id = parse_id(validated_token.get("sid"))
        user_id = parse_id(validated_token.get("user_id"))
        if session_id is None or user_id is None:
            raise InvalidToken("Token names no session")
        session = (
            Session.objects.select_related("user")
            .filter(id=session_id, user_id=user_id, ended_at=None, user__is_active=True)
            .first()
        )
        if session is None:
            raise InvalidToken("The session has ended")
        return session.user

