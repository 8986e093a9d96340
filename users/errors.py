"""What can be refused about people and sessions."""

from core.errors import Conflict, Forbidden, Invalid, NotFound, Unauthenticated


class EmailTaken(Conflict):
    """Somebody registered with this e-mail, in whatever case of its letters."""

    code = "EMAIL_TAKEN"
    message = "An account with this e-mail already exists"


class InvalidCredentials(Unauthenticated):
    """Unknown e-mail, wrong password or a deactivated person: told apart by nobody."""

    code = "INVALID_CREDENTIALS"
    message = "E-mail or password is wrong"


class TokenInvalid(Unauthenticated):
    """A token that is expired, garbled, of another kind, or of an ended session."""

    code = "TOKEN_INVALID"
    message = "The token is invalid or has expired"


class TokenReused(Unauthenticated):
    """A refresh token came a second time, after the grace time: its session is over."""

    code = "TOKEN_REUSED"
    message = "This refresh token was already used; the session has been ended"


class OriginNotAllowed(Forbidden):
    """The refresh cookie came from a page that isn't ours."""

    code = "ORIGIN_NOT_ALLOWED"
    message = "The refresh cookie is only accepted from an allowed Origin"


class LinkInvalid(Invalid):
    """The token of a mailed link is garbled, expired or used up."""

    code = "LINK_INVALID"
    message = "The link is invalid or has expired"


class SessionNotFound(NotFound):
    """No live session of this person has this id."""

    code = "SESSION_NOT_FOUND"
    message = "The requested session does not exist"


class UserNotFound(NotFound):
    """No person has this id."""

    code = "USER_NOT_FOUND"
    message = "The requested person does not exist"
