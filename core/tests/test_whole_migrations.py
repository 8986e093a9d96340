"""A migration is done and noted down, or neither, whenever it is killed."""

from typing import Any

import pytest
from django.apps import apps
from django.core.management import get_commands, load_command_class
from django.core.management.commands import migrate
from django.db import connection, migrations, models
from django.db.migrations.recorder import MigrationRecorder
from django.db.migrations.state import ProjectState

from core.management.commands.migrate import WholeMigrations

pytestmark = pytest.mark.django_db(transaction=True)

TABLE = "core_tried"


class Migration(migrations.Migration):
    """One whose foreign key is made last, as in most."""

    operations = [
        migrations.CreateModel(
            "Tried",
            [
                ("id", models.BigAutoField(primary_key=True)),
                ("job", models.ForeignKey("core.jobrun", on_delete=models.CASCADE)),
            ],
        )
    ]


class Killed(Exception):
    pass


def executor() -> Any:
    return migrate.MigrationExecutor(connection)  # type: ignore[attr-defined]


def test_the_command_is_ours() -> None:
    assert get_commands()["migrate"] == "core"
    assert load_command_class("core", "migrate")
    assert isinstance(executor(), WholeMigrations)


def test_one_that_is_killed_before_it_is_noted_down_left_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def kill(*_: Any) -> None:
        assert TABLE in connection.introspection.table_names()
        raise Killed

    state, migration = ProjectState.from_apps(apps), Migration("a_test", "core")
    with monkeypatch.context() as killing:
        killing.setattr(MigrationRecorder, "record_applied", kill)
        with pytest.raises(Killed):
            executor().apply_migration(state.clone(), migration)
    assert TABLE not in connection.introspection.table_names()
    executor().apply_migration(state.clone(), migration)

    def kill_too(*_: Any) -> None:
        assert TABLE not in connection.introspection.table_names()
        raise Killed

    with monkeypatch.context() as killing:
        killing.setattr(MigrationRecorder, "record_unapplied", kill_too)
        with pytest.raises(Killed):
            executor().unapply_migration(state.clone(), migration)
    assert TABLE in connection.introspection.table_names()
    executor().unapply_migration(state.clone(), migration)
    assert TABLE not in connection.introspection.table_names()
    assert ("core", "a_test") not in MigrationRecorder(connection).applied_migrations()
