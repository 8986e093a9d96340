"""What the orders, a floor above, tell the courses: what a course may cost at most, as tax comes on
top. They register when the product starts, as counters do; without them nothing bears tax."""

from decimal import Decimal
from typing import Protocol

from core.money import maximum_charge


class _Finding(Protocol):
    def __call__(self, *, total: Decimal) -> Decimal: ...


_registered: list[_Finding] = []


def register_taxes(*, highest_net: _Finding) -> None:
    """Take the taxes in. `highest_net` returns the highest price that comes to no more than
    `total` with its tax, whoever buys."""
    _registered[:] = [highest_net]


def highest_price() -> Decimal:
    """Return the most that a course may cost: everybody can pay it at once, with their tax."""
    most = maximum_charge()
    return min((find(total=most) for find in _registered), default=most)
