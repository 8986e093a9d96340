"""The page between choosing an action and doing it: what will happen, and a word about it."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib.admin import ModelAdmin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.response import TemplateResponse

from users.models import User


def is_confirmed(request: HttpRequest) -> bool:
    """Return whether the person has seen the page and went on."""
    return request.POST.get("confirmed") == "yes"


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
) -> TemplateResponse:
    """Return the page. Going on posts the same action again, with the form and `confirmed`; without
    a form the page says why it can't go on."""
    context = {
        **model_admin.admin_site.each_context(request),
        "opts": model_admin.model._meta,
        "title": title,
        "explanation": explanation,
        "rows": rows,
        "form": form,
        "action": action,
        "selected": [str(pk) for pk in queryset.values_list("pk", flat=True)],
        "checkbox_name": ACTION_CHECKBOX_NAME,
    }
    return TemplateResponse(request, "admin/payments/confirm.html", context)


def acting_user(request: HttpRequest) -> User:
    """Return who acts: the admin lets nobody in without an account."""
    if not isinstance(request.user, User):
        raise PermissionDenied
    return request.user
