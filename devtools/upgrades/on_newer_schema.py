"""A pytest plugin for tests that run on a schema with tables which their code doesn't know."""

from typing import Any

import pytest
from django.core.management.commands import flush
from django.core.management.sql import sql_flush


@pytest.fixture(autouse=True, scope="session")
def _empty_unknown_tables_too() -> None:
    """PostgreSQL empties no table to which another refers, unless that is emptied as well, and none
    whose triggers refuse it, unless they rest."""

    def sql_flush_all(*given: Any, **options: Any) -> list[str]:
        statements = sql_flush(*given, **(options | {"allow_cascade": True}))
        return ["SET LOCAL session_replication_role = replica;", *statements]

    setattr(flush, "sql_flush", sql_flush_all)  # noqa: B010 - a name the types don't know
