"""What a connection to PostgreSQL is made with."""

from typing import Any

import pytest
from django.db import connection

from core.postgresql.base import PreparedCursor


@pytest.fixture
def anew() -> Any:
    """Connections made with the settings of the test."""
    connection.close()
    yield
    connection.close()


def prepared() -> int:
    """How many statements the server keeps prepared after one that asks for it."""
    connection.ensure_connection()
    with PreparedCursor(connection.connection) as cursor:
        cursor.execute("SELECT %s::int + 1", [1])
        cursor.execute("SELECT count(*) FROM pg_prepared_statements", [])
        row = cursor.fetchone()
    assert row is not None
    return int(row[0])


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("pooled", [False, True])
def test_statements_are_prepared_unless_there_is_a_pooler(
    anew: None, settings: Any, pooled: bool
) -> None:
    settings.DATABASE_POOLED = pooled
    assert (prepared() > 0) is not pooled


@pytest.mark.django_db(transaction=True)
def test_what_is_configured_wins(anew: None, monkeypatch: pytest.MonkeyPatch) -> None:
    options = {**connection.settings_dict["OPTIONS"], "keepalives_idle": 77}
    monkeypatch.setitem(connection.settings_dict, "OPTIONS", options)
    parameters = connection.get_connection_params()
    assert (parameters["keepalives_idle"], parameters["keepalives_interval"]) == (77, 5)
