"""Errors of the domain. They carry a code and facts, know no HTTP, and are raised beside the rule
they guard; `api.exceptions` alone gives each kind its status."""

from typing import ClassVar


class DomainError(Exception):
    """A refusal by a business rule. Subclass one of the kinds below and set `code` and `message`.

    `code` is UPPER_SNAKE and part of the API's contract; `details` holds JSON-ready facts.
    """

    code: ClassVar[str] = "ERROR"
    message: str = "The request can't be carried out"

    def __init__(self, message: str | None = None, **details: object) -> None:
        self.message = message or self.message
        self.details = details
        super().__init__(self.message)


class Malformed(DomainError):
    """The request doesn't make sense as it stands."""

    code = "BAD_REQUEST"


class Unauthenticated(DomainError):
    """Who is asking isn't known."""

    code = "NOT_AUTHENTICATED"
    message = "Authentication credentials were not provided or are no longer valid"


class PaymentNeeded(DomainError):
    """It has to be bought first."""

    code = "PAYMENT_REQUIRED"


class Forbidden(DomainError):
    """The person is known and may not do this."""

    code = "PERMISSION_DENIED"
    message = "You do not have permission to perform this action"


class NotFound(DomainError):
    """It doesn't exist, or not for this person."""

    code = "NOT_FOUND"
    message = "The requested resource does not exist"


class Conflict(DomainError):
    """The present state rules it out."""

    code = "CONFLICT"


class Invalid(DomainError):
    """Well-formed, and a value is not acceptable. `details` may name fields."""

    code = "VALIDATION_ERROR"


class TooMany(DomainError):
    """Asked too often. `retry_after` is in whole seconds."""

    code = "RATE_LIMITED"
    message = "Too many requests"

    def __init__(self, message: str | None = None, *, retry_after: int, **details: object) -> None:
        super().__init__(message, **details)
        self.retry_after = retry_after


class Unavailable(DomainError):
    """Something this depends on isn't configured or doesn't answer; trying later may help."""

    code = "SERVICE_UNAVAILABLE"
    message = "The service is temporarily unavailable"


class FilesUnavailable(Unavailable):
    """Where files are kept doesn't answer."""

    code = "FILES_UNAVAILABLE"
    message = "Files can't be stored or read just now"
