"""Reading rows by hand-written SQL, for the few reads where each tenth of a millisecond counts.

Of two kinds. A prepared statement is planned once per connection, without regard to its values:
for statements whose best plan is always the same. Any other is planned each time for the very
values it carries: "the rarest level" and "any price" want other indexes. (The connection's
`plan_cache_mode` is set so in the settings.)
"""

from collections.abc import Mapping
from typing import Any, cast

from django.db import connection

from core.postgresql.base import DatabaseWrapper, PlannedCursor, PreparedCursor

Row = tuple[Any, ...]
# Whatever psycopg can send; the stubs know fewer types.
Parameters = Mapping[str, Any]


def fetch_rows(query: str, parameters: Parameters) -> list[Row]:
    """Return the rows of one statement, planned for these values."""
    return cast(DatabaseWrapper, connection).fetch(PlannedCursor, query, parameters)


def fetch_prepared(query: str, parameters: Parameters) -> list[Row]:
    """Return the rows of one statement, planned once for whatever values."""
    return cast(DatabaseWrapper, connection).fetch(PreparedCursor, query, parameters)
