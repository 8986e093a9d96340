"""Which parameters of an admin list may filter it."""

from collections.abc import Iterator
from typing import Any

from django.contrib.admin import ModelAdmin, SimpleListFilter
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.utils import get_fields_from_path
from django.contrib.admin.views.main import ChangeList
from django.db import DataError
from django.db.models import DateField
from django.http import HttpRequest

_PLAIN = ("exact", "isnull", "isempty")
_RANGE = ("gte", "lt")
_PARTS_OF_A_DATE = ("year", "month", "day")


class StaffChangeList(ChangeList):
    """A list of the admin. What its filters can't read leads back to the list without them."""

    def get_filters(self, request: HttpRequest) -> Any:
        """What the address filters by."""
        try:
            return super().get_filters(request)
        except (OverflowError, ValueError) as odd:
            # Django itself expects it of some parts of a date only: years end, days can be too many
            # for a number.
            raise IncorrectLookupParameters(odd) from odd

    def get_results(self, request: HttpRequest) -> None:
        """The page's rows. The first look at them shows what is a date, but none of PostgreSQL's,
        such as one in a time zone a day from here."""
        try:
            super().get_results(request)
        except DataError as odd:
            raise IncorrectLookupParameters(odd) from odd


def declared_lookups(model_admin: Any, request: HttpRequest | None) -> set[str]:
    """Return the parameters that the filters beside the list and its dates make, and what
    `allowed_lookups` names."""
    filters = model_admin.list_filter
    if request is not None:
        filters = model_admin.get_list_filter(request)
    lookups = set(model_admin.allowed_lookups)
    for item in filters:
        lookups.update(_of_filter(model_admin, item))
    if model_admin.date_hierarchy:
        lookups |= {f"{model_admin.date_hierarchy}__{part}" for part in _PARTS_OF_A_DATE}
    return lookups


def _of_filter(model_admin: ModelAdmin[Any], item: Any) -> Iterator[str]:
    if isinstance(item, type) and issubclass(item, SimpleListFilter):
        yield str(item.parameter_name)
        return
    path = item[0] if isinstance(item, list | tuple) else item
    field: Any = get_fields_from_path(model_admin.model, path)[-1]
    yield path
    suffixes = _PLAIN + (_RANGE if isinstance(field, DateField) else ())
    yield from (f"{path}__{suffix}" for suffix in suffixes)
    if field.related_model is not None:
        yield f"{path}__{field.target_field.name}__exact"
