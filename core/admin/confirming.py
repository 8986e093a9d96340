"""The page between choosing an action and doing it: what will happen, and a word about it."""

import hashlib
from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin import ModelAdmin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

_CHANGED = "This changed since the page was opened; it is shown as it is now."


def is_confirmed(request: HttpRequest, rows: Sequence[str]) -> bool:
    """Return whether the person went on from the page having seen `rows`, what it says now. Where
    they have seen something else they are told, and the page is to come again."""
    return request.POST.get("confirmed") == "yes" and is_as_shown(request, digest_of(rows))


def is_as_shown(request: HttpRequest, digest: str) -> bool:
    """Return whether a page that was posted says that it was made of this. Else, also where it
    doesn't say, the person is told."""
    if request.POST.get("shown") == digest:
        return True
    messages.warning(request, _CHANGED)
    return False


def digest_of(rows: Sequence[str]) -> str:
    """Return what stands in a form for these rows, that it was made of."""
    return hashlib.sha256("\n".join(rows).encode()).hexdigest()


def ask(
    request: HttpRequest,
    model_admin: ModelAdmin[Any],
    queryset: QuerySet[Any],
    *,
    action: str,
    title: str,
    explanation: str,
    rows: Sequence[str],
    form: forms.Form | None,
) -> HttpResponse:
    """Return the page. Going on posts the same action again, with the form and `confirmed`; without
    a form the page says why it can't go on."""
    selected = [str(pk) for pk in queryset.values_list("pk", flat=True)]
    context = {
        **model_admin.admin_site.each_context(request),
        "opts": model_admin.model._meta,
        "title": title,
        "explanation": explanation,
        "rows": rows,
        "form": form,
        "action": action,
        "shown": digest_of(rows),
        "selected": selected,
        "checkbox_name": ACTION_CHECKBOX_NAME,
    }
    return TemplateResponse(request, "admin/confirm.html", context)
