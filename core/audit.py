"""Writing the audit trail: who did what to what, from where, and how it was before and after."""

import json
import uuid
from typing import Any

from django.contrib.postgres.search import SearchVectorField
from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import Field, GeneratedField, QuerySet

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
_LONGEST_TEXT = 2_000
_MOST_ROWS = 200


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
    AuditEntry.objects.create(
        actor_id=actor_id,
        action=action,
        target_type=target_type,
        target_id=str(target_id),
        details=details or {},
        address=origin_address(),
        request_id=request_id.get(),
    )


def snapshot(*rows: QuerySet[Any]) -> Snapshot:
    """Return the columns of these rows as they are now, to be compared later."""
    taken: Snapshot = {}
    for queryset in rows:
        name = queryset.model._meta.model_name
        columns = [field.attname for field in queryset.model._meta.concrete_fields if _tells(field)]
        key = queryset.model._meta.pk.attname
        for values in queryset.order_by().values(*{key, *columns}):
            taken[f"{name}:{values[key]}"] = values
    return taken


def find_changes(*, before: Snapshot, after: Snapshot) -> dict[str, object]:
    """Return, by row and column, what was and what is, in JSON; a row that is new or gone has null
    on the other side. Nothing of rows that are the same."""
    changes: dict[str, object] = {}
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
        return {**kept, "more_rows": len(changes) - _MOST_ROWS}
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


def _tells(field: Field[Any, Any]) -> bool:
    return field.name not in _TIMES and not isinstance(field, SearchVectorField | GeneratedField)


def _plain(value: Any) -> Any:
    try:
        plain = json.loads(json.dumps(value, cls=DjangoJSONEncoder))
    except TypeError:
        plain = str(value)
    return plain[:_LONGEST_TEXT] if isinstance(plain, str) else plain
