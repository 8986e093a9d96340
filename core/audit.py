"""Writing the audit trail: who did what to what, from where, and how it was before and after."""

import json
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from django.contrib.postgres.search import SearchVectorField
from django.core.serializers.json import DjangoJSONEncoder
from django.db import transaction
from django.db.models import Field, GeneratedField, Model, QuerySet

from core.logging import request_id
from core.models import AuditEntry
from core.origin import origin_address

# By "model:key", the columns of a row.
Snapshot = dict[str, dict[str, Any]]

# They change by themselves.
_TIMES = frozenset({"created_at", "updated_at", "last_updated"})
# Told as changed, never what they hold.
_SECRET = frozenset(
    {
        "password", "refresh_jti", "recent_rotations", "payload", "billing_address", "text", "html",
    }
)  # fmt: skip
_WITHHELD = "(not kept)"
_watch: ContextVar["Watch | None"] = ContextVar("watch", default=None)
_LONGEST_TEXT = 2_000
_MOST_ROWS = 200


@dataclass(kw_only=True)
class Watch:
    """Rows that somebody is about to write, as they were; and what was already told of them."""

    rows: QuerySet[Any]
    before: Snapshot
    told: set[tuple[str, str]] = field(default_factory=set)

    def find_untold(self, name: str) -> dict[str, dict[str, Any]]:
        """Return the changes so far of the row of this name, as `find_changes`, without those that
        an entry told already."""
        before = {key: row for key, row in self.before.items() if key == name}
        after = snapshot(self.rows.filter(pk=name.partition(":")[2])) if before else {}
        untold = {}
        for key, columns in find_changes(before=before, after=after).items():
            if new := {one: columns[one] for one in columns if (key, one) not in self.told}:
                untold[key] = new
                self.told |= {(key, column) for column in new}
        return untold


@contextmanager
def watching(model: type[Model], keys: Sequence[Any]) -> Iterator[Watch]:
    """Compare these rows with how they are now in every entry about them that is added meanwhile:
    services that know no more than their deed needn't look twice."""
    rows = model._default_manager.filter(pk__in=list(keys))
    watch = Watch(rows=rows, before=snapshot(rows))
    token = _watch.set(watch)
    try:
        yield watch
    finally:
        _watch.reset(token)


def told_already() -> set[tuple[str, str]]:
    """Return the rows and columns under watch whose change an entry tells."""
    watch = _watch.get()
    return set(watch.told) if watch else set()


def record_audit(
    *,
    actor_id: uuid.UUID | None,
    action: str,
    target_type: str,
    target_id: object,
    details: dict[str, object] | None = None,
) -> None:
    """Add an entry in the caller's transaction. `actor_id` None means the system itself. Where
    there is a request, the entry knows its id and the client's address."""
    details = dict(details or {})
    if "changes" not in details and (changes := _find_watched(target_type, target_id)):
        details["changes"] = changes
    AuditEntry.objects.create(
        actor_id=actor_id,
        action=action,
        target_type=target_type,
        target_id=str(target_id),
        details=details,
        address=origin_address(),
        request_id=request_id.get(),
    )


def _find_watched(target_type: str, target_id: object) -> dict[str, dict[str, Any]]:
    watch = _watch.get()
    return watch.find_untold(f"{target_type.replace('_', '')}:{target_id}") if watch else {}


def snapshot(*rows: QuerySet[Any]) -> Snapshot:
    """Return the columns of these rows as they are now, to be compared later."""
    taken: Snapshot = {}
    for queryset in rows:
        name = queryset.model._meta.model_name
        fields = queryset.model._meta.concrete_fields
        columns = [column.attname for column in fields if _tells(column)]
        key = queryset.model._meta.pk.attname
        for values in queryset.order_by().values(*{key, *columns}):
            taken[f"{name}:{values[key]}"] = values
    return taken


def find_changes(*, before: Snapshot, after: Snapshot) -> dict[str, dict[str, Any]]:
    """Return, by row and column, what was and what is, in JSON; a row that is new or gone has null
    on the other side. Nothing of rows that are the same."""
    changes: dict[str, dict[str, Any]] = {}
    for name in [*before, *(name for name in after if name not in before)]:
        old, new = before.get(name, {}), after.get(name, {})
        differing = {
            column: tell_change(column, old.get(column), new.get(column))
            for column in [*old, *(column for column in new if column not in old)]
            if old.get(column) != new.get(column)
        }
        if differing:
            changes[name] = differing
    if len(changes) > _MOST_ROWS:
        kept = dict(list(changes.items())[:_MOST_ROWS])
        return {**kept, "more": {"rows": len(changes) - _MOST_ROWS}}
    return changes


def tell_change(column: str, old: Any, new: Any) -> list[Any]:
    """Return what a column held and holds, as the trail keeps it: secrets withheld."""
    if column in _SECRET:
        return [_WITHHELD, _WITHHELD]
    return [_plain(old), _plain(new)]


def record_change(
    *,
    actor_id: uuid.UUID | None,
    action: str,
    target_type: str,
    target_id: object,
    before: Snapshot,
    after: Snapshot,
) -> None:
    """Add an entry with what changed; none when nothing did."""
    changes = find_changes(before=before, after=after)
    if changes:
        record_audit(
            actor_id=actor_id,
            action=action,
            target_type=target_type,
            target_id=target_id,
            details={"changes": changes},
        )


@contextmanager
def recording(
    rows: QuerySet[Any], *, actor_id: uuid.UUID | None, action: str
) -> Iterator[QuerySet[Any]]:
    """Lock these rows and give them, in a transaction; what is written to them within it is told
    by an entry for each that changed, which is there if and only if the change is."""
    with transaction.atomic():
        locked = rows.select_for_update(no_key=True).order_by("pk")
        held = rows.model._base_manager.filter(pk__in=list(locked.values_list("pk", flat=True)))
        before = snapshot(held)
        yield held
        after = snapshot(held)
        kind = str(rows.model._meta.model_name)
        for name, row in before.items():
            record_change(
                actor_id=actor_id,
                action=action,
                target_type=kind,
                target_id=name.partition(":")[2],
                before={name: row},
                after={name: after.get(name, {})},
            )


def _tells(column: Field[Any, Any]) -> bool:
    is_computed = isinstance(column, SearchVectorField | GeneratedField)
    return not is_computed and column.name not in _TIMES | _SECRET


def _plain(value: Any) -> Any:
    try:
        plain = json.loads(json.dumps(value, cls=DjangoJSONEncoder))
    except TypeError:
        plain = str(value)
    return plain[:_LONGEST_TEXT] if isinstance(plain, str) else plain
