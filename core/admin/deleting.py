"""A deletion that was asked about earlier never takes a newer edit along.

The page that asks says what it shows, and going on is refused when the rows, or what would go with
them, say something else by then; the page then comes again.
"""

import hashlib
import json
from collections.abc import Iterable
from functools import wraps
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db import transaction
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponseRedirect
from django.template.response import TemplateResponse

from core.admin.confirming import is_as_shown
from core.admin.trailing import Action, list_gone_with
from core.audit import snapshot

if TYPE_CHECKING:
    _Base = admin.ModelAdmin[Any]
else:
    _Base = object


class _ShownOtherwise(Exception):
    """The page that asked whether to delete these rows showed something else."""


class Deleting(_Base):
    """Deletes what the person has seen: of one row here, of those chosen in the list by
    `deleting_as_shown`."""

    delete_confirmation_template = "admin/delete_one.html"
    delete_selected_confirmation_template = "admin/delete_chosen.html"

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> Any:
        """The page that asks, and the deletion."""
        try:
            return super().delete_view(request, object_id, extra_context)
        except _ShownOtherwise:
            return HttpResponseRedirect(request.get_full_path())

    def render_delete_form(self, request: HttpRequest, context: dict[str, Any]) -> Any:
        """The page, which says what it was made of."""
        context["shown"] = _digest([context["object"]])
        return super().render_delete_form(request, context)

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any:
        """Where Django notes that rows go, which are locked and theirs to delete: the last moment
        to leave them."""
        if not is_as_shown(request, _digest(queryset)):
            raise _ShownOtherwise
        return super().log_deletions(request, queryset)


def deleting_as_shown(action: Action) -> Action:
    """Return Django's deletion of the chosen rows so that it deletes what the person has seen."""

    @wraps(action)
    def deleting(model_admin: Any, request: HttpRequest, queryset: QuerySet[Any]) -> Any:
        try:
            with transaction.atomic():
                if request.POST.get("post"):
                    for key in queryset.order_by("pk").values_list("pk", flat=True):
                        model_admin.hold_row(key)
                answer = action(model_admin, request, queryset.all())
        except _ShownOtherwise:
            asked = request.POST.copy()
            del asked["post"]
            request.POST = asked  # type: ignore[assignment]
            answer = action(model_admin, request, queryset.all())
        if isinstance(answer, TemplateResponse) and answer.context_data is not None:
            answer.context_data["shown"] = _digest(queryset.all())
        return answer

    return deleting


def _digest(rows: Iterable[Model]) -> str:
    """What the rows say, and those that would go with them."""
    taken: dict[str, Any] = {}
    for row in rows:
        taken |= snapshot(*list_gone_with(row))
    return hashlib.sha256(json.dumps(taken, default=str, sort_keys=True).encode()).hexdigest()
