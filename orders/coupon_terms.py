"""What a coupon may say, whoever writes it: instructors over HTTP and staff in the admin meet the
same rules in the same words. No database, whose constraints hold most of it once more."""

import datetime as dt
from collections.abc import Mapping
from typing import Any, Final

from core.money import CENT
from orders.models import Coupon

# Somebody types it in, reads it out, or puts it into an address.
CODE_PATTERN: Final = r"^[A-Za-z0-9_-]{3,50}$"
CODE_WORDS: Final = "3 to 50 letters, digits, - and _"

# What a day stands for, as the time a coupon is valid from and until.
FIRST_OF_DAY: Final = dt.time(0, 0, 0)
LAST_OF_DAY: Final = dt.time(23, 59, 59)

_USES = {"min_value": 1, "max_value": 1_000_000_000}
# The least and the most of each number, as forms and serializers alike take them.
BOUNDS: Final[Mapping[str, Mapping[str, Any]]] = {
    "percent_off": {"min_value": 1, "max_value": 100},
    "amount_off": {"min_value": CENT},
    "minimum_amount": {"min_value": CENT},
    "max_redemptions": _USES,
    "max_redemptions_per_person": _USES,
}


def find_contradictions(*, coupon: Coupon) -> dict[tuple[str, ...], str]:
    """Return what in the coupon's terms contradicts itself, in words, by the fields that do; the
    first of them is where it is to be told. Empty for a sound coupon."""
    faults: dict[tuple[str, ...], str] = {}
    if (coupon.percent_off is None) == (coupon.amount_off is None):
        faults["percent_off", "amount_off"] = "Either a percentage or an amount off, not both."
    if coupon.course_id is not None and coupon.category_id is not None:
        faults["category", "course"] = "Either a course or a category, not both."
    if coupon.valid_from and coupon.valid_until and coupon.valid_from >= coupon.valid_until:
        faults["valid_until", "valid_from"] = "Must be after the time it is valid from."
    return faults
