"""What the course list can be asked (plan 4.3). A value that isn't acceptable is refused, never
ignored (contract "Everywhere")."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import ROUND_CEILING, Decimal
from typing import Any

from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from api.pagination import PagePagination, check_positive
from api.v1.catalogue import cursors
from api.v1.catalogue.cursors import PageCursor
from core.ids import parse_id
from core.serializers import ApiSerializer
from courses.models import Course
from courses.search.words import MAX_LENGTH
from courses.selectors import Filters
from courses.sql.listing import ORDERS

_BEYOND_ANY = Decimal("1e50")
_MINUTES = Decimal(60)


def _amount(**options: Any) -> serializers.DecimalField:
    return serializers.DecimalField(
        max_digits=None, decimal_places=None, min_value=Decimal(0), required=False,
        **{"max_value": _BEYOND_ANY, **options},
    )  # fmt: skip


class CourseListParameters(ApiSerializer):
    """The parameters of the course list. Empty ones are as good as absent."""

    category = serializers.CharField(required=False, max_length=100, help_text="Slug or id.")
    level = serializers.ChoiceField(required=False, choices=Course.Level.choices)
    language = serializers.CharField(required=False, max_length=50, help_text="As courses show it.")
    min_price = _amount()
    max_price = _amount()
    rating_min = _amount(max_value=Decimal(5), help_text="Compared as shown: 4.75 is 4.8.")
    duration_min = _amount(help_text="Hours.")
    duration_max = _amount(help_text="Hours.")
    search = serializers.CharField(
        required=False,
        max_length=MAX_LENGTH,
        help_text="Words of title, summary, description, category or instructor; misspelt ones "
        "find too. Without `ordering` the best match comes first.",
    )
    ordering = serializers.ChoiceField(
        required=False, choices=list(ORDERS), help_text="`popular` unless given."
    )
    facets = serializers.BooleanField(
        required=False, help_text="Also count what each choice of a filter would leave."
    )
    page = serializers.IntegerField(required=False, min_value=1, help_text="Not with `cursor`.")
    page_size = serializers.IntegerField(
        required=False, min_value=1, help_text="20 unless given, at most 100."
    )
    cursor = serializers.CharField(
        required=False,
        max_length=500,
        help_text="From `next` or `previous`: the page beside the one it came with.",
    )


class PageParameters(ApiSerializer):
    """The parameters of a list that is only paged."""

    page = serializers.IntegerField(required=False, min_value=1)
    page_size = serializers.IntegerField(
        required=False, min_value=1, help_text="20 unless given, at most 100."
    )


# Checked one by one, as most requests name one or two.
_FIELDS: Mapping[str, Any] = {
    name: field
    for name, field in CourseListParameters().fields.items()
    if name not in {"page", "page_size"}
}
_PAGING = ("cursor", "page", "page_size")
# What the list reads, in one order.
_READ = tuple(sorted({*_FIELDS, *_PAGING}))
_RANGES = (("min_price", "max_price"), ("duration_min", "duration_max"))


@dataclass(frozen=True, kw_only=True)
class CourseListQuery:
    """A list that was asked for. `search` goes with the parameters as they came."""

    filters: Filters
    page: int
    page_size: int
    cursor: PageCursor | None
    search: str
    with_facets: bool


def read_query(given: Mapping[str, str]) -> CourseListQuery:
    """Return what the parameters ask for. Raises ValidationError, or Invalid, naming those that
    aren't acceptable; NotFound for a page beyond any table."""
    page, page_size = read_page_numbers(given)
    values = _validate(given)
    ordering = values.pop("ordering", "popular")
    search = values.pop("search", "")
    with_facets = values.pop("facets", False)
    cursor = cursors.read(values.pop("cursor", ""), ordering=ordering)
    if cursor and given.get("page"):
        raise ValidationError({"page": ["Not with a cursor, which knows its page."]})
    return CourseListQuery(
        filters=Filters(values=_to_conditions(values), ordering=ordering),
        page=cursor.number if cursor else page,
        page_size=page_size,
        cursor=cursor,
        search=search,
        with_facets=with_facets,
    )


def read_page_numbers(given: Mapping[str, str]) -> tuple[int, int]:
    """Return page and page size. Raises Invalid, or NotFound for a page beyond any table."""
    for name in ("page", "page_size"):
        check_positive(name, given.get(name))
    size = int(given.get("page_size") or PagePagination.page_size)
    return int(given.get("page") or 1), min(size, PagePagination.max_page_size)


def read_page(given: Mapping[str, str], *, featured: bool) -> CourseListQuery:
    """Return a list that takes nothing but page, size and cursor. Raises as `read_query`."""
    query = read_query(select_paging(given))
    return replace(query, filters=Filters(values={"featured": featured}))


def select_read(given: Mapping[str, str]) -> dict[str, str]:
    """Return what `read_query` reads of the parameters, always in the same order: two requests with
    the same are for the same page, whatever else they carry."""
    return _select(given, _READ)


def select_paging(given: Mapping[str, str]) -> dict[str, str]:
    """Return what `read_page` reads of the parameters, always in the same order."""
    return _select(given, _PAGING)


def _select(given: Mapping[str, str], names: tuple[str, ...]) -> dict[str, str]:
    # Empty ones are as good as absent, but for numbers, which are refused.
    return {
        name: given[name]
        for name in names
        if name in given and (given[name] or name in {"page", "page_size"})
    }


def _validate(given: Mapping[str, str]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    refused: dict[str, Any] = {}
    for name, field in _FIELDS.items():
        if given.get(name):
            try:
                values[name] = field.run_validation(given[name])
            except ValidationError as problem:
                refused[name] = problem.detail
    for low, high in _RANGES:
        if low in values and high in values and values[low] > values[high]:
            refused[low] = [f"Must not be above {high}."]
    if refused:
        raise ValidationError(refused)
    return values


def _to_conditions(values: dict[str, Any]) -> dict[str, object]:
    """Return the values as `courses.sql.listing.CONDITIONS` takes them."""
    conditions = dict(values)
    if "category" in conditions and (category_id := parse_id(conditions["category"])):
        del conditions["category"]
        conditions["category_id"] = str(category_id)
    if "rating_min" in conditions:
        shown = values["rating_min"].quantize(Decimal("0.1"), rounding=ROUND_CEILING)
        conditions["rating_min"] = shown - Decimal("0.05")
    for name in ("duration_min", "duration_max"):
        if name in conditions:
            conditions[name] = values[name] * _MINUTES
    return conditions
