"""Django's `migrate`, whose migrations are done and noted down, or neither.

Django notes one with foreign keys down after its transaction: whoever is killed in between finds,
at the next start, tables that are there already. Migrations outside a transaction say themselves
how they are done again (`core.postgresql.schema`).
"""

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

from django.core.management.commands import migrate
from django.db import transaction
from django.db.migrations import Migration
from django.db.migrations.executor import MigrationExecutor


class WholeMigrations(MigrationExecutor):
    """Applies each migration in one transaction with the note of it, unless it asks for none."""

    def apply_migration(self, state: Any, migration: Migration, *given: Any, **also: Any) -> Any:
        """Apply it and note it down, or neither."""
        return self._whole(super().apply_migration, state, migration, *given, **also)

    def unapply_migration(self, state: Any, migration: Migration, *given: Any, **also: Any) -> Any:
        """Take it back with the note of it, or neither."""
        return self._whole(super().unapply_migration, state, migration, *given, **also)

    def _whole(
        self, work: Callable[..., Any], state: Any, migration: Migration, *given: Any, **also: Any
    ) -> Any:
        alias = self.connection.alias
        with transaction.atomic(using=alias) if migration.atomic else nullcontext():
            return work(state, migration, *given, **also)


# There is no other way to say which one the command takes.
migrate.MigrationExecutor = WholeMigrations  # type: ignore[attr-defined]


class Command(migrate.Command):
    """As Django's."""
