"""What happens to people. Recorded in the transaction that causes it."""

import uuid
from dataclasses import dataclass

from core.events import Event


@dataclass(frozen=True, kw_only=True)
class UserRegistered(Event):
    """Somebody registered. `VerificationRequested` is recorded beside it."""

    name = "users.registered"

    user_id: uuid.UUID


@dataclass(frozen=True, kw_only=True)
class VerificationRequested(Event):
    """A mail with `users.links.verification_link` was asked for. `user_id` is None when it is owed
    to nobody: asking takes the same work either way."""

    name = "users.verification_requested"

    user_id: uuid.UUID | None


@dataclass(frozen=True, kw_only=True)
class PasswordResetRequested(Event):
    """A mail with `users.links.password_reset_link` was asked for. `user_id` is None when nobody
    has the address: asking takes the same work either way."""

    name = "users.password_reset_requested"

    user_id: uuid.UUID | None


@dataclass(frozen=True, kw_only=True)
class PasswordChanged(Event):
    """A password was changed, by its owner, by a reset or by staff."""

    name = "users.password_changed"

    user_id: uuid.UUID


@dataclass(frozen=True, kw_only=True)
class PersonRenamed(Event):
    """Somebody goes by another first or last name from now on."""

    name = "users.renamed"

    user_id: uuid.UUID
