"""Amounts as people and as Stripe write them."""

from decimal import Decimal
from typing import Any

import pytest

from core.money import maximum_charge, money_text, require_cents


def test_money_is_written_as_readers_expect() -> None:
    assert money_text(Decimal("1234.5"), "usd") == "1,234.50 USD"


@pytest.mark.parametrize("currency", ["usd", "eur", "gbp", "huf", "twd"])
def test_currencies_in_hundredths(currency: str) -> None:
    require_cents(currency)


@pytest.mark.parametrize("currency", ["jpy", "krw", "kwd", "isk", "USD", "us", "dollar", "", "u d"])
def test_currencies_that_cents_do_not_fit(currency: str) -> None:
    with pytest.raises(ValueError, match=r"hundredths|three-letter"):
        require_cents(currency)


@pytest.mark.parametrize(
    ("currency", "most"),
    [
        ("usd", "999999.99"),
        ("eur", "999999.99"),
        ("inr", "9999999.99"),
        ("cop", "99999999.99"),
        # Stripe would take more than our columns hold.
        ("idr", "99999999.99"),
    ],
)
def test_the_most_that_stripe_takes(settings: Any, currency: str, most: str) -> None:
    settings.CURRENCY = currency
    assert maximum_charge() == Decimal(most)
    settings.MAXIMUM_CHARGE = Decimal("5000.00")
    assert maximum_charge() == Decimal(5000)
