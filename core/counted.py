"""Rows whose number is known without counting them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet


@dataclass(frozen=True, kw_only=True)
class CountedRows:
    """Ordered rows for a paginator: it asks `total` how many there are, in the place of a query
    that would go through all of them."""

    rows: QuerySet[Any, Any]
    total: Callable[[], int]

    ordered = True

    def count(self) -> int:
        """Return how many rows there are."""
        return self.total()

    def __getitem__(self, part: slice) -> QuerySet[Any, Any]:
        rows: QuerySet[Any, Any] = self.rows[part]
        return rows
