"""A kept connection that the server has ended costs no request."""

from collections.abc import Callable

import pytest
from django.db import close_old_connections, connection, connections

from core.reads import fetch_prepared, fetch_rows

QUERY = "SELECT %(number)s::int"


def _end_from_elsewhere() -> None:
    """Have the server end this thread's connection, as a restart or a failover does."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (pid,) = cursor.fetchone()
    other = connections.create_connection("default")
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 60000)", [pid])
    other.close()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("fetch", [fetch_rows, fetch_prepared])
def test_the_first_statement_of_a_request_finds_a_new_connection(
    fetch: Callable[[str, dict[str, object]], list[tuple[object, ...]]],
) -> None:
    assert fetch(QUERY, {"number": 1}) == [(1,)]
    _end_from_elsewhere()
    close_old_connections()  # What begins a request.
    assert fetch(QUERY, {"number": 2}) == [(2,)]
