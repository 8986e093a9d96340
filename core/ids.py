"""Identifiers: UUID version 7 (RFC 9562), so that keys sort by time and stay compact in indexes."""

import uuid

import uuid_utils.compat


def new_id() -> uuid.UUID:
    """Return a new time-ordered UUIDv7; later calls in one process sort after earlier ones."""
    return uuid_utils.compat.uuid7()


def parse_id(value: object) -> uuid.UUID | None:
    """Return `value` as a UUID, or None when it isn't one in its canonical 36-character form."""
    text = str(value)
    if len(text) != 36:
        return None
    try:
        return uuid.UUID(text)
    except ValueError:
        return None
