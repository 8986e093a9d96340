"""What every admin of ours begins with: rights only narrow, and addresses filter only by what the
page declares."""

from collections.abc import Collection
from typing import TYPE_CHECKING, Any, ClassVar, final

from django.contrib import admin
from django.contrib.admin.utils import flatten_fieldsets
from django.contrib.auth import get_permission_codename
from django.core.exceptions import ValidationError
from django.db import connection
from django.http import HttpRequest

from core.admin.as_read import (
    FIELD,
    AsReadFormSet,
    ShownAsRead,
    bind_to_what_was_read,
    lock_row,
    name_fieldsets,
)
from core.admin.choosing import MOST_CHOSEN, choose, tell_too_many
from core.admin.deleting import Deleting, deleting_as_shown
from core.admin.growing import Growing
from core.admin.lookups import StaffChangeList, declared_lookups
from core.admin.trailing import record_deletions, record_form, watching_form

if TYPE_CHECKING:
    _Base = admin.options.BaseModelAdmin[Any]
else:
    _Base = object

_FIXED = frozenset(f"has_{deed}_permission" for deed in ("view", "add", "change", "delete"))


def is_superuser(request: HttpRequest) -> bool:
    """Whether whoever asks has every right."""
    return bool(getattr(request.user, "is_superuser", False))


class _Narrowing(_Base):
    """Whoever lacks the model permission is refused, whatever a subclass says: it can only refuse
    more, by overriding `may_…`. Overriding `has_view_permission` and its like is an error."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if wider := _FIXED & cls.__dict__.keys():
            raise TypeError(f"{cls.__name__}: override may_…, not {', '.join(sorted(wider))}")

    def may_view(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whether who has the right to see such rows may see this one, or any when it is None."""
        return True

    def may_add(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whether who has the right to add such rows may do so here; to an inline, `obj` is the
        row above."""
        return True

    def may_change(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whether who has the right to change such rows may change this one."""
        return True

    def may_delete(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whether who has the right to delete such rows may delete this one."""
        return True

    @final
    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_view_permission(request, obj) and self.may_view(request, obj)

    @final
    def has_add_permission(self, request: HttpRequest, *of: Any) -> bool:
        return super().has_add_permission(request, *of) and self.may_add(request, *of)

    @final
    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and self.may_change(request, obj)

    @final
    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and self.may_delete(request, obj)


class _AsRead(_Base):
    """A form of a row that is there knows what it was made of: it never undoes a newer edit."""

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """The fieldsets, with what the form was made of where it is bound to that."""
        fieldsets = super().get_fieldsets(request, obj)
        return name_fieldsets(fieldsets) if self.is_bound(request, obj) else fieldsets

    def is_bound(self, request: HttpRequest, obj: Any) -> bool:
        """Whether the form says what it was made of: it can write a row that is there."""
        return obj is not None and self.has_change_permission(request, obj)


class _Shown:
    """Rows that only the product itself writes."""

    def may_add(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def may_change(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def may_delete(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class StaffAdmin(_Narrowing, _AsRead, Deleting, admin.ModelAdmin[Any]):
    """A table for staff.

    A list is to look at: a row is edited in its own form, never in the list (`list_editable` is an
    error), as a list's form writes back rows that nobody touched, as they were when it was opened.
    It is filtered by its `list_filter` and `date_hierarchy`, by equality, and by what
    `allowed_lookups` names; any other lookup in an address is refused, as its answer would tell
    what a column that isn't shown holds. An action that writes to rows which no form changes asks
    for `permissions=["act"]`: the right to change them. What a form or a deletion does to rows is
    in the audit trail, column by column; what an action does, its service puts there, in the
    transaction that does it (`core.audit.recording`). A form never undoes what was edited since it
    was opened (`as_read`), and a deletion takes nothing along that its page didn't show
    (`deleting`).
    """

    allowed_lookups: ClassVar[Collection[str]] = ()
    # How many rows an action is done to at once.
    most_chosen: ClassVar[int] = MOST_CHOSEN
    # Counting for each value of a filter goes through the whole table.
    show_facets = admin.ShowFacets.NEVER

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if cls.list_editable:
            raise TypeError(f"{cls.__name__}: rows are edited in their form, not in the list")

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """Whether an address may filter by this."""
        return lookup in declared_lookups(self, request)

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[StaffChangeList]:
        """The list; an address that it can't read is answered by the list without filters."""
        return StaffChangeList

    def response_action(self, request: HttpRequest, queryset: Any, *given: Any, **also: Any) -> Any:
        """What an action answers. More rows than `most_chosen` are refused before one is read, also
        where all were chosen; what the action is given are no more than there were then."""
        chosen = choose(request, queryset, most=self.most_chosen)
        if chosen is None:
            return tell_too_many(request, most=self.most_chosen)
        return super().response_action(request, chosen, *given, **also)

    def to_field_allowed(self, request: HttpRequest, to_field: str) -> bool:
        """Rows are named by their key alone: by another column it could be guessed at."""
        return to_field in {self.opts.pk.name, self.opts.pk.attname}

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        """The form, bound to what the row says when it is saved."""
        if not self.is_bound(request, obj):
            return super().get_form(request, obj, change=change, **kwargs)
        names = kwargs.pop("fields", ())
        if names == ():
            names = flatten_fieldsets(self.get_fieldsets(request, obj))
        # The hidden field is no column: it comes with what binds the form.
        kwargs["fields"] = names and [name for name in names if name != FIELD]
        return bind_to_what_was_read(super().get_form(request, obj, change=change, **kwargs))

    def get_inline_formsets(self, *given: Any, **also: Any) -> list[Any]:
        """The forms below, each with what it was made of, also where nothing can be typed."""
        return [ShownAsRead.of(one) for one in super().get_inline_formsets(*given, **also)]

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> Any:
        """The row; locked, when it is about to be written: where nothing could be saved, such as on
        the page of its history, nothing is locked either."""
        if request.method == "POST" and connection.in_atomic_block:
            try:
                self.hold_row(self.opts.pk.to_python(object_id))
            except ValidationError:
                return None
        return super().get_object(request, object_id, from_field)

    def hold_row(self, key: Any) -> None:
        """Lock the row that a form is about to write, in its transaction. Where other rows' locks
        come before its own (docs/architecture.md), a subclass takes those first."""
        lock_row(self.model, key)

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        """The page of a row. While it is written, services' entries tell the row's changes."""
        with watching_form(self.model, request, object_id):
            return super().changeform_view(request, object_id, form_url, extra_context)

    def construct_change_message(
        self, request: HttpRequest, form: Any, formsets: Any, add: bool = False
    ) -> Any:
        """Put the form into the audit trail, where Django composes a message about it."""
        record_form(request, form, formsets, is_new=add)
        return super().construct_change_message(request, form, formsets, add)

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any:
        """Put the rows into the audit trail, where Django notes that they go."""
        record_deletions(request, queryset)
        return super().log_deletions(request, queryset)

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """The actions; a deletion among them deletes what was shown."""
        actions: dict[str, Any] = super().get_actions(request)
        if deletion := actions.get("delete_selected"):
            actions["delete_selected"] = (deleting_as_shown(deletion[0]), *deletion[1:])
        return actions

    def has_act_permission(self, request: HttpRequest) -> bool:
        """Whether this member of staff has the right to change such rows, if not by a form."""
        codename = get_permission_codename("change", self.opts)
        return bool(request.user.has_perm(f"{self.opts.app_label}.{codename}"))


class ReadOnlyAdmin(_Shown, Growing, StaffAdmin):
    """Rows that only the product itself writes, more and more of them."""


class _InlineAsRead(_AsRead):
    """Forms of rows below another, each bound to what its row says when it is saved."""

    def get_formset(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        """The forms; `obj` is the row above."""
        if self.is_bound(request, obj):
            kwargs["form"] = bind_to_what_was_read(kwargs.get("form", self.form))
            kwargs["formset"] = AsReadFormSet
        return super().get_formset(request, obj, **kwargs)  # type: ignore[misc]

    def is_bound(self, request: HttpRequest, obj: Any) -> bool:
        """Whether the forms say what they were made of: they can write rows that are there, or
        delete them. `obj` is the row above."""
        can_delete = self.can_delete and self.has_delete_permission(request, obj)  # type: ignore[attr-defined]
        return super().is_bound(request, obj) or (obj is not None and can_delete)


class StaffTabularInline(_Narrowing, _InlineAsRead, admin.TabularInline[Any, Any]):
    """Rows below another, as a table."""


class StaffStackedInline(_Narrowing, _InlineAsRead, admin.StackedInline[Any, Any]):
    """Rows below another, as forms."""


class ReadOnlyInline(_Shown, StaffTabularInline):
    """Rows below another that only the product itself writes."""

    extra = 0
    can_delete = False
