"""Whose orders somebody reads."""

import uuid

from rest_framework.request import Request

from users.authentication import current_user_id
from users.rights import Right, has_right


def reader_of(request: Request, right: Right) -> uuid.UUID | None:
    """Return whose may be read: one's own, or, by staff with the right, everybody's (None)."""
    return None if has_right(request.user, right) else current_user_id(request)
