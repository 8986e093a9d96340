"""What staff write in the admin, put into the audit trail: by a form, or by deleting."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from django.contrib.admin.utils import NestedObjects, unquote
from django.core.exceptions import ValidationError
from django.db import DEFAULT_DB_ALIAS
from django.db.models import Model, QuerySet
from django.forms import BaseModelForm
from django.http import HttpRequest

from core.audit import (
    record_audit,
    record_change,
    snapshot,
    tell_change,
    told_already,
    watching,
)

Action = Callable[[Any, HttpRequest, QuerySet[Any]], Any]


def record_form(
    request: HttpRequest, form: Any, formsets: Iterable[Any] | None, *, is_new: bool
) -> None:
    """Audit what a saved form and those below it changed, but for what a service told of it. Other
    forms, such as that of a password, are the business of the service behind them."""
    if not isinstance(form, BaseModelForm):
        return
    known = told_already()
    changes = {}
    for row, key, columns in _read_forms(form, formsets or [], is_new):
        name = f"{row._meta.model_name}:{key}"
        if new := {column: columns[column] for column in columns if (name, column) not in known}:
            changes[name] = new
    if changes:
        row = form.instance
        record_audit(
            actor_id=request.user.pk,
            action=f"{row._meta.model_name}.{'added' if is_new else 'changed'}",
            target_type=str(row._meta.model_name),
            target_id=row.pk,
            details={"changes": changes},
        )


def watching_form(
    model: type[Model], request: HttpRequest, object_id: str | None
) -> AbstractContextManager[Any]:
    """Watch the row that a form is about to write."""
    if request.method != "POST" or object_id is None:
        return nullcontext()
    try:
        key = model._meta.pk.to_python(unquote(object_id))
    except ValidationError:
        # The admin finds no such row.
        return nullcontext()
    return watching(model, [key])


def record_deletions(request: HttpRequest, rows: Iterable[Model]) -> None:
    """Audit rows that are about to be deleted, and those that go with them, as they were."""
    for row in rows:
        name = str(row._meta.model_name)
        record_change(
            actor_id=request.user.pk,
            action=f"{name}.deleted",
            target_type=name,
            target_id=row.pk,
            before=snapshot(*list_gone_with(row)),
            after={},
        )


def list_gone_with(row: Model) -> list[QuerySet[Any]]:
    """Return the row itself, first, and whatever a deletion takes along."""
    collector = NestedObjects(using=row._state.db or DEFAULT_DB_ALIAS)
    collector.collect([row])
    found: dict[type[Model], set[Model]] = {type(row): {row}}
    # Keyed by model, whatever the stubs say.
    found.update(collector.model_objs)  # type: ignore[arg-type]
    return [
        model._base_manager.filter(pk__in=[one.pk for one in gone]) for model, gone in found.items()
    ]


def _read_forms(
    form: Any, formsets: Iterable[Any], is_new: bool
) -> Iterator[tuple[Model, Any, dict[str, list[Any]]]]:
    yield form.instance, form.instance.pk, _tell(form, is_new=is_new)
    for formset in formsets:
        gone = set(map(id, formset.deleted_forms)) if formset.can_delete else set()
        for below in formset.forms:
            key = below.instance.pk or below.initial.get(below.instance._meta.pk.name)
            if id(below) in gone:
                # Of a deleted row only its form still knows the key.
                yield below.instance, key or _key_of(below), _tell_gone(below)
            elif below.has_changed():
                yield below.instance, key, _tell(below, is_new=below in formset.extra_forms)


def _key_of(form: Any) -> Any:
    field = form.fields.get(form.instance._meta.pk.name)
    return field.initial if field is not None else None


def _tell(form: Any, *, is_new: bool) -> dict[str, list[Any]]:
    told = {}
    for name in form.changed_data:
        old = None if is_new else _plain(form.initial.get(name))
        new = _plain(form.cleaned_data.get(name))
        # Written otherwise, such as JSON with more spaces, isn't changed.
        if old != new:
            told[name] = tell_change(name, old, new)
    return told


def _tell_gone(form: Any) -> dict[str, list[Any]]:
    return {name: tell_change(name, _plain(form.initial[name]), None) for name in form.initial}


def _plain(value: Any) -> Any:
    """Name rows by their keys."""
    if isinstance(value, Model):
        return value.pk
    if isinstance(value, QuerySet | list | tuple):
        return [_plain(item) for item in value]
    return value
