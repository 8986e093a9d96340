"""What the badges of a course mean (contract: computed by a documented rule, not typed in), and
what a course on sale must have."""

import datetime as dt
import uuid
from decimal import ROUND_HALF_UP, Decimal

from core.money import minimum_charge
from courses.charging import highest_price

# "New" for this long after its first publication.
NEW_FOR = dt.timedelta(days=30)
# "Bestseller" from this many purchases within the last 30 days on (`CourseStats.sales_30_days`).
BESTSELLER_SALES = 10

# Free; of what is charged for, `find_charge_fault` knows the least.
LEAST_PRICE = 0

_TENTH = Decimal("0.1")


def is_new(*, published_at: dt.datetime | None, now: dt.datetime) -> bool:
    """Whether the course came out within the last 30 days."""
    return published_at is not None and published_at > now - NEW_FOR


def is_bestseller(*, sales_30_days: int | None) -> bool:
    """Whether at least `BESTSELLER_SALES` were sold within the last 30 days."""
    return (sales_30_days or 0) >= BESTSELLER_SALES


def round_rating(rating: Decimal | int | None) -> Decimal:
    """Return the rating to one decimal, halves up; 0.0 when nobody rated."""
    return Decimal(rating or 0).quantize(_TENTH, rounding=ROUND_HALF_UP)


def to_hours(minutes: int) -> Decimal:
    """Return minutes as hours, to one decimal at most: 52, 7.5."""
    hours = (Decimal(minutes) / 60).quantize(_TENTH, rounding=ROUND_HALF_UP)
    return hours.to_integral_value() if hours == hours.to_integral_value() else hours


def list_missing(
    *, title: str, description: str, category_id: uuid.UUID | None, is_priced: bool, lessons: int
) -> list[str]:
    """Return which parts are missing of those without which no course goes on sale (contract
    "Catalogue"): title, description, category, price, lessons. `lessons` counts live ones."""
    present = {
        "title": bool(title.strip()),
        "description": bool(description.strip()),
        "category": category_id is not None,
        "price": is_priced,
        "lessons": lessons > 0,
    }
    return [name for name, is_there in present.items() if not is_there]


def find_price_faults(
    *, price: Decimal, original_price: Decimal | None, is_new: bool = True
) -> dict[str, str]:
    """Return what is wrong with the price, which somebody has to be able to pay, unless it isn't
    new, and with the original price, which is shown struck through beside it; by field."""
    faults = {}
    if is_new and (fault := find_charge_fault(price=price)) is not None:
        faults["price"] = fault
    if original_price is not None and original_price < price:
        faults["original_price"] = "Must not be below price."
    return faults


def find_charge_fault(*, price: Decimal | int) -> str | None:
    """Return what is wrong with a price that can't be charged of everybody; None of another."""
    if 0 < price < (least := minimum_charge()):
        return f"Must be 0, or at least {least:,.2f}: nobody could pay it."
    if price > (most := highest_price()):
        return f"Must not be more than {most:,.2f}: with tax, more than can be charged."
    return None
