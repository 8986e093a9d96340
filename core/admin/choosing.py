"""How many rows of a list an action is done to at once."""

import sys
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME, ActionForm
from django.core.exceptions import BadRequest, ValidationError
from django.db.models import Field, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

# A page of a list. Each row may take a transaction of its own, locks that buyers wait for, or a
# call to Stripe, all within one request.
MOST_CHOSEN = 100
# Where a row takes next to nothing and many wait for the same, such as after an outage.
MOST_RESENT = 500
# What a page that asks posts beside the keys of the rows, at most.
_OTHER_FIELDS = 20


def choose(request: HttpRequest, rows: QuerySet[Any], *, most: int) -> QuerySet[Any] | None:
    """Return the rows that the person chose of those listed, or None where they are more than
    `most`, or than a page that asks could post. Nothing but their keys is read, of one row more
    than that at most, and nothing locked.

    "All" are those listed now: what is added meanwhile isn't of them. Raises BadRequest where a
    key can be none.
    """
    most = min(most, _most_posted())
    keys = _posted_keys(request, rows.model._meta.pk)
    if _means_all(request):
        # Django gives the action the whole list, whatever the page had counted.
        keys = set(rows.order_by().values_list("pk", flat=True)[: most + 1])
    return None if len(keys) > most else rows.filter(pk__in=keys)


def tell_too_many(request: HttpRequest, *, most: int) -> HttpResponse:
    """Tell the person that nothing was done, and lead back to the list."""
    text = (
        f"More than {min(most, _most_posted())} rows are chosen, which is the most at once. "
        "Nothing was done. Filter the list or choose fewer."
    )
    messages.error(request, text)
    return HttpResponseRedirect(request.get_full_path())


def _most_posted() -> int:
    """A page that asks posts the keys again, and Django takes so many fields."""
    return (settings.DATA_UPLOAD_MAX_NUMBER_FIELDS or sys.maxsize) - _OTHER_FIELDS


def _posted_keys(request: HttpRequest, key_column: Field[Any, Any]) -> set[Any]:
    try:
        return {key_column.to_python(key) for key in request.POST.getlist(ACTION_CHECKBOX_NAME)}
    except ValidationError:
        raise BadRequest("A chosen row has no such key") from None


def _means_all(request: HttpRequest) -> bool:
    """As Django will read it."""
    told = ActionForm.base_fields["select_across"].clean(request.POST.get("select_across"))
    return bool(told)
