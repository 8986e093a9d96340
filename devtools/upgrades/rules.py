"""What a migration may not do while the version before it still runs.

Judged are the migrations that haven't landed, by what they do to tables that have. One that must
break a rule says why it does no harm, on itself: `harmless = "Nothing reads the column since …"`.
That is how a column goes in two steps: the code lets go of it, lands, and only then it is removed.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.apps import apps
from django.contrib.postgres.operations import (
    AddConstraintNotValid,
    AddIndexConcurrently,
    RemoveIndexConcurrently,
)
from django.db import connection, migrations, models
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ModelState, ProjectState
from django.db.models import NOT_PROVIDED

from devtools.upgrades.landed import Landed
from devtools.upgrades.statements import find_harmful

# The reason a migration gives for what is refused here otherwise.
HARMLESS = "harmless"
_MINIMUM_REASON = 20

_NEEDED = (
    migrations.RemoveField,
    migrations.RenameField,
    migrations.RenameModel,
    migrations.DeleteModel,
    migrations.AlterModelTable,
)


def find_faults(root: Path, landed: Landed) -> list[str]:
    """Say what the migrations that haven't landed do which the version before wouldn't survive."""
    loader = MigrationLoader(None)
    known = {Path(path).with_suffix("").parts for path in landed.hashes}
    ours = {app.label for app in apps.get_app_configs() if Path(app.path).parent == root}
    new = [
        (app, name)
        for app, name in loader.disk_migrations
        if app in ours and (app, "migrations", name) not in known
    ]
    before = _state_after(loader, [key for key in loader.disk_migrations if key not in new])
    faults: list[str] = []
    for app, name in _in_order(loader, new):
        state = loader.project_state((app, name), at_end=False)
        found = find_in_migration(loader.disk_migrations[app, name], state, before)
        faults += [f"{app}/migrations/{name}.py: {fault}" for fault in found]
    return faults


def find_in_migration(
    migration: migrations.Migration, state: ProjectState, before: ProjectState
) -> list[str]:
    """Say what the migration does wrong, `state` being what it finds and `before` what has landed.
    Nothing, when it says why that does no harm."""
    faults: list[str] = []
    for operation in migration.operations:
        for one in _flat(operation):
            faults += _judge(one, migration.app_label, state, before)
        operation.state_forwards(migration.app_label, state)
    reason = str(getattr(migration, HARMLESS, ""))
    return [] if len(reason) >= _MINIMUM_REASON else faults


def _judge(
    operation: Operation, app: str, state: ProjectState, before: ProjectState
) -> Iterator[str]:
    if isinstance(operation, migrations.RunSQL):
        for statement in find_harmful(_text(operation.sql), _tables(state) - _tables(before)):
            yield f"`{statement}` in SQL needs a reason"
        return
    if isinstance(operation, migrations.RunPython):
        yield f"“{operation.describe()}”: what it does to rows and for how long needs a reason"
        return
    model = getattr(operation, "model_name", None) or getattr(operation, "name", "")
    table: ModelState | None = before.models.get((app, str(model).lower()))
    if isinstance(operation, migrations.RenameModel):
        table = before.models.get((app, operation.old_name.lower()))
    if table is None or isinstance(operation, migrations.CreateModel):
        return
    what = operation.describe()
    if isinstance(operation, _NEEDED):
        yield f"“{what}”: the version before may still need it; take it away one version later"
    elif isinstance(operation, migrations.AddField):
        yield from _judge_new(what, operation.field)
    elif isinstance(operation, migrations.AlterField):
        old = state.models[app, str(model).lower()].get_field(operation.name)
        yield from _judge_change(what, old, operation.field)
    else:
        yield from _judge_lock(what, operation)


def _judge_new(what: str, field: Any) -> Iterator[str]:
    if field.many_to_many:
        return
    has_default = field.db_default is not NOT_PROVIDED or getattr(field, "generated", False)
    if not field.null and not has_default:
        yield f"“{what}”: the version before writes rows without it; give it a db_default"
    if getattr(field, "generated", False):
        yield f"“{what}”: the table is written anew under a lock that nobody can read through"
    if _has_index(field):
        yield f"“{what}”: its index is built under a lock; db_index=False and AddIndexConcurrently"


def _judge_change(what: str, old: Any, new: Any) -> Iterator[str]:
    if _type(old) != _type(new) and not _is_wider(old, new):
        yield f"“{what}”: another type; add a column, move over, take the old one away later"
    if old.null and not new.null:
        yield f"“{what}”: the version before may write null"
    if old.db_default is not NOT_PROVIDED and new.db_default is NOT_PROVIDED and not new.null:
        yield f"“{what}”: the version before may count on the default"
    if _has_index(new) and not _has_index(old):
        yield f"“{what}”: its index is built under a lock; use AddIndexConcurrently"


def _judge_lock(what: str, operation: Operation) -> Iterator[str]:
    if isinstance(operation, migrations.AddIndex) and not isinstance(
        operation, AddIndexConcurrently
    ):
        yield f"“{what}”: nobody could write meanwhile; use AddIndexConcurrently"
    elif isinstance(operation, migrations.RemoveIndex) and not isinstance(
        operation, RemoveIndexConcurrently
    ):
        yield f"“{what}”: use RemoveIndexConcurrently"
    elif isinstance(operation, migrations.AddConstraint) and not isinstance(
        operation, AddConstraintNotValid
    ):
        yield (
            f"“{what}”: the version before may break it, and the table is read under a lock; use "
            "AddConstraintNotValid and ValidateConstraint, or a unique index made concurrently"
        )
    elif isinstance(operation, migrations.AlterUniqueTogether | migrations.AlterIndexTogether):
        yield f"“{what}”: its index is built under a lock"


def _has_index(field: Any) -> bool:
    return bool(field.unique or field.db_index)


def _type(field: Any) -> str | None:
    kind: str | None = field.db_type(connection)
    return kind


def _is_wider(old: Any, new: Any) -> bool:
    """Whether the change only lifts a limit of length, which PostgreSQL notes and is done."""
    if not isinstance(old, models.CharField) or not isinstance(new, models.CharField):
        return isinstance(old, models.CharField) and isinstance(new, models.TextField)
    return new.max_length is None or (old.max_length or 0) <= new.max_length


def _flat(operation: Operation) -> Iterator[Operation]:
    """What the operation does to the database."""
    if isinstance(operation, migrations.SeparateDatabaseAndState):
        for one in operation.database_operations:
            yield from _flat(one)
    else:
        yield operation


def _text(sql: Any) -> str:
    if isinstance(sql, str):
        return sql
    return ";\n".join(part if isinstance(part, str) else part[0] for part in sql)


def _tables(state: ProjectState) -> set[str]:
    return {
        str(model.options.get("db_table") or f"{app}_{name}")
        for (app, name), model in state.models.items()
    }


def _state_after(loader: MigrationLoader, keys: list[tuple[str, str]]) -> ProjectState:
    state = ProjectState(real_apps=loader.unmigrated_apps)
    for key in _in_order(loader, keys):
        loader.disk_migrations[key].mutate_state(state, preserve=False)
    return state


def _in_order(loader: MigrationLoader, keys: list[tuple[str, str]]) -> list[tuple[str, str]]:
    wanted = set(keys)
    plan: list[tuple[str, str]] = []
    for leaf in loader.graph.leaf_nodes():
        plan += [key for key in loader.graph.forwards_plan(leaf) if key not in plan]
    return [key for key in plan if key in wanted]
