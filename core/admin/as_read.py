"""A form that was opened earlier never undoes a newer edit.

Each form of a row carries what the row said when the form was made, column by column as digests.
When it is saved, the row is locked and read again: a column that says something else by now was
edited in between, and the form comes back with what it says.
"""

import hashlib
import json
from collections.abc import Iterator
from typing import Any

from django import forms
from django.contrib.admin.helpers import InlineAdminFormSet
from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import Model, QuerySet
from django.forms.models import BaseInlineFormSet, model_to_dict
from django.utils.text import Truncator

FIELD = "as_read"
_OPEN_AGAIN = "Open the page again to edit it as it is now."
_LONGEST_VALUE = 100


class _AsReadField(forms.CharField):
    widget = forms.HiddenInput

    def has_changed(self, initial: Any, data: Any) -> bool:
        """It is about the row and no part of it."""
        return False


class AsReadForm(forms.ModelForm[Any]):
    """A form of a row that is there, judged by what the row says when it is saved."""

    as_read = _AsReadField(required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        is_new = self.instance._state.adding
        self._now = {} if is_new else self._digest()
        self.fields[FIELD].initial = json.dumps(self._now)

    def clean(self) -> dict[str, Any] | None:
        """Refuse what was made of older values."""
        cleaned = super().clean()
        if newer := self.tell_newer():
            self.add_error(None, newer)
        return cleaned

    def tell_newer(self) -> str:
        """Say what was edited since the form was made; nothing when nothing was."""
        told = _parse(self.data.get(self.add_prefix(FIELD)))
        newer = [name for name, digest in self._now.items() if told.get(name) != digest]
        if not newer:
            return ""
        if not told:
            return f"This form doesn't say what it was made of. {_OPEN_AGAIN}"
        values = "; ".join(self._describe(name) for name in newer)
        text = f"This was edited since you opened the form, which would undo that. {values}."
        return f"{text} {_OPEN_AGAIN}"

    def _digest(self) -> dict[str, str]:
        names = [name for name, field in self.fields.items() if not field.disabled]
        values = model_to_dict(self.instance, names)
        return {name: _digest_of(value) for name, value in values.items()}

    def _describe(self, name: str) -> str:
        """Say what the column is by now, as staff would read it."""
        shown = getattr(self.instance, f"get_{name}_display", None)
        value = shown() if shown is not None else getattr(self.instance, name)
        if hasattr(value, "all"):
            value = ", ".join(str(one) for one in value.all())
        text = Truncator("nothing" if value in (None, "") else str(value)).chars(_LONGEST_VALUE)
        return f"{self[name].label} is {text} by now"


class AsReadFormSet(BaseInlineFormSet[Any, Any, Any]):
    """Forms of rows below another. One whose row is to go isn't judged by itself: here it is."""

    def clean(self) -> None:
        """Refuse to delete what was edited since."""
        super().clean()
        # None of an invalid set: then nothing is deleted.
        gone = [form for form in self.deleted_forms if isinstance(form, AsReadForm)]
        if newer := [text for form in gone if (text := form.tell_newer())]:
            raise forms.ValidationError(newer)


class ShownAsRead(InlineAdminFormSet):
    """Forms of rows below another on a page. To who may only delete the rows Django shows all of a
    form's fields as text, and so would the hidden one be."""

    @classmethod
    def of(cls, other: InlineAdminFormSet) -> "ShownAsRead":
        """Return the same forms."""
        made = cls.__new__(cls)
        vars(made).update(vars(other))
        return made

    def __iter__(self) -> Iterator[Any]:
        for form in super().__iter__():
            form.readonly_fields = [name for name in form.readonly_fields if name != FIELD]
            yield form


def bind_to_what_was_read(form: type[forms.ModelForm[Any]]) -> type[forms.ModelForm[Any]]:
    """Return the form as one that is judged by what its row says when it is saved."""
    return type(form.__name__, (AsReadForm, form), {})


def name_fieldsets(fieldsets: Any) -> list[tuple[Any, dict[str, Any]]]:
    """Return the fieldsets with the hidden field, last in the first of them."""
    (title, options), *rest = fieldsets
    names = [name for name in options["fields"] if name != FIELD]
    return [(title, {**options, "fields": [*names, FIELD]}), *rest]


def lock_row(model: type[Model], key: Any) -> None:
    """Hold the row until the caller's transaction ends, that of the form: nobody edits it between
    the look at it and the saving."""
    rows: QuerySet[Any] = model._base_manager.select_for_update(no_key=True).filter(pk=key)
    list(rows.values_list("pk"))


def _parse(told: Any) -> dict[str, Any]:
    try:
        read = json.loads(told or "{}")
    except ValueError:
        return {}
    return read if isinstance(read, dict) else {}


def _digest_of(value: Any) -> str:
    if isinstance(value, list) and all(isinstance(one, Model) for one in value):
        value = sorted(str(one.pk) for one in value)
    text = json.dumps(value, cls=_Encoder, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


class _Encoder(DjangoJSONEncoder):
    def default(self, o: Any) -> Any:
        try:
            return super().default(o)
        except TypeError:
            return str(o)
