"""Lists of tables that only grow: what a page costs doesn't follow from how much there is.

Rows are counted up to a bound, ordered by what an index is ordered by, searched for by what an
index finds, and dates are told by the first and the last one.
"""

from functools import cached_property
from typing import Any

from django.contrib import admin
from django.contrib.admin.options import ModelAdmin
from django.contrib.admin.utils import get_fields_from_path
from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.core.paginator import Paginator
from django.db import connection
from django.db.models import CharField, Field, Model, Q, QuerySet
from django.http import HttpRequest

# A list says that there are more than so many, and shows so many.
MOST_COUNTED = 10_000
# A search finds up to so many rows by each of its columns.
MOST_FOUND = 1_000
# Beginnings shorter than this would find half of a table.
_SHORTEST_BEGINNING = 3
_MOST_VALUES = 100


class BoundedPaginator(Paginator[Any]):
    """Pages of the first ten thousand rows. Whoever looks for one beyond filters or searches."""

    @cached_property
    def count(self) -> int:
        """How many rows there are, up to one more than are shown."""
        rows: Any = self.object_list
        return int(rows.order_by()[: MOST_COUNTED + 1].count())


class ValuesByIndexFilter(admin.AllValuesFieldListFilter):
    """The values of a column that begins an index, found by going from one to the next."""

    def __init__(self, field: Field[Any, Any], *given: Any, field_path: str) -> None:
        # `given` is what stands between, as Django calls it.
        super().__init__(field, *given, field_path=field_path)  # type: ignore[misc]
        # In place of a query of all rows, which hasn't been sent yet.
        self.lookup_choices: Any = list_values(field.model, field)


def list_values(model: type[Model], field: Field[Any, Any]) -> list[Any]:
    """Return the first hundred different values, each for one look into the index."""
    quote = connection.ops.quote_name
    table, column = quote(model._meta.db_table), quote(str(field.column))
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            WITH RECURSIVE found AS (
                (SELECT {column} AS value FROM {table} ORDER BY {column} LIMIT 1)
                UNION ALL
                SELECT (SELECT {column} FROM {table} WHERE {column} > found.value
                        ORDER BY {column} LIMIT 1)
                FROM found WHERE found.value IS NOT NULL
            )
            SELECT value FROM found WHERE value IS NOT NULL LIMIT {_MOST_VALUES}
            """  # noqa: S608 - names of our own models
        )
        return [row[0] for row in cursor.fetchall()]


class Growing(ModelAdmin[Any]):
    """A table that only grows. What its lists are ordered, filtered and searched by has an index
    (`tests/architecture/test_admin_lists.py`).

    A search takes one term: the whole of an id, number or address, in any case, or the beginning of
    one that is unique. What is named as `^column` is found by its beginning in any case, and needs
    an index of it in upper case.
    """

    change_list_template = "admin/growing_list.html"
    paginator = BoundedPaginator
    show_full_result_count = False

    def get_sortable_by(self, request: HttpRequest) -> Any:
        """The columns that begin an index."""
        names = leading_columns(self.model)
        return [one for one in self.get_list_display(request) if self._orders_by(one) in names]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """What has the term in one of the columns, each of which is asked by itself: with all in
        one condition no index could be used."""
        term = search_term.strip()
        if not term:
            return queryset, False
        found: set[Any] = set()
        for condition in self.list_conditions(request, term):
            rows = self.model._base_manager.filter(condition)
            found.update(rows.values_list("pk", flat=True)[:MOST_FOUND])
        return queryset.filter(pk__in=found), False

    def list_conditions(self, request: HttpRequest, term: str) -> list[Q]:
        """What a row may fulfil to be found by the term, each served by an index."""
        return [has_term(self.model, str(path), term) for path in self.get_search_fields(request)]

    def _orders_by(self, name: Any) -> str:
        """The column of the table that this column of the list is ordered by, if it is one."""
        shown = getattr(self, str(name), None) or getattr(self.model, str(name), None)
        ordering = getattr(shown, "admin_order_field", name)
        try:
            return str(self.model._meta.get_field(str(ordering).lstrip("-")).name)
        except FieldDoesNotExist:
            return ""


def has_term(model: type[Model], path: str, term: str) -> Q:
    """Return whether the column is what was searched for, as `Growing` says."""
    is_beginning, path = path.startswith("^"), path.lstrip("=^")
    field: Any = get_fields_from_path(model, path)[-1]
    if is_beginning:
        is_long = len(term) >= _SHORTEST_BEGINNING
        return Q(**{f"{path}__istartswith": term}) if is_long else Q(pk__in=[])
    if not isinstance(field, CharField):
        try:
            value = field.to_python(term)
            field.run_validators(value)
        except ValidationError:
            return Q(pk__in=[])
        return Q(**{path: value})
    spellings = list(dict.fromkeys([term, term.lower(), term.upper()]))
    condition = Q(**{f"{path}__in": spellings})
    if field.unique and len(term) >= _SHORTEST_BEGINNING:
        for spelling in spellings:
            condition |= Q(**{f"{path}__startswith": spelling})
    return condition


def leading_columns(model: type[Model]) -> set[str]:
    """Return the fields by which whole indexes of the table begin."""
    names = {
        field.name
        for field in model._meta.concrete_fields
        if field.primary_key or field.unique or getattr(field, "db_index", False)
    }
    return names | {
        one.fields[0].lstrip("-")
        for one in [*model._meta.indexes, *model._meta.total_unique_constraints]
        if one.fields and not getattr(one, "condition", None)
    }
