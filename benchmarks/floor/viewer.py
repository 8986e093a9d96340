"""Who is asking: the token's signature, then its session and person in one statement."""

import os
from typing import Any

import jwt

from benchmarks.floor.database import fetch_one

_LIVE = """
    SELECT session.user_id::text
    FROM users_session AS session JOIN users_user AS person ON person.id = session.user_id
    WHERE session.id = %(sid)s AND session.user_id = %(user_id)s
      AND session.ended_at IS NULL AND person.is_active
"""


class RefusedError(Exception):
    """The token is not one of a live session."""


def find_viewer(header: str) -> str | None:
    """Return the id of the person behind an `Authorization` header, None without one.

    Raises RefusedError for a token that doesn't hold.
    """
    if not header:
        return None
    try:
        claims: dict[str, Any] = jwt.decode(
            header.removeprefix("Bearer "), os.environ["JWT_SECRET"], algorithms=["HS256"]
        )
    except jwt.InvalidTokenError as problem:
        raise RefusedError from problem
    if claims.get("token_type") != "access":
        raise RefusedError
    row = fetch_one(_LIVE, {"sid": claims["sid"], "user_id": claims["user_id"]})
    if row is None:
        raise RefusedError
    return str(row[0])
