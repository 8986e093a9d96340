"""Amounts as people and as Stripe write them."""

from decimal import Decimal
from typing import Any

import pytest

from core.currencies import CHARGED, LEAST
from core.money import (
    maximum_charge,
    minimum_charge,
    money_text,
    require_bounds,
    require_cents,
    require_charged,
)
from devtools.stripe_standin import currencies


def test_money_is_written_as_readers_expect() -> None:
    assert money_text(Decimal("1234.5"), "usd") == "1,234.50 USD"


@pytest.mark.parametrize("currency", ["usd", "eur", "gbp", "huf", "twd"])
def test_currencies_in_hundredths(currency: str) -> None:
    require_cents(currency)


@pytest.mark.parametrize("currency", ["jpy", "krw", "kwd", "isk", "USD", "us", "dollar", "", "u d"])
def test_currencies_that_cents_do_not_fit(currency: str) -> None:
    with pytest.raises(ValueError, match=r"hundredths|three-letter"):
        require_cents(currency)


@pytest.mark.parametrize("currency", ["xxx", "xau", "jpy", "eek"])
def test_currencies_that_nothing_is_charged_in(currency: str) -> None:
    require_charged("usd")
    with pytest.raises(ValueError, match=r"charge in|hundredths"):
        require_charged(currency)


def test_the_stand_in_takes_what_stripe_takes() -> None:
    assert set(currencies.SUPPORTED) == CHARGED
    in_hundredths = {code: least for code, least in currencies.MINIMUM.items() if code != "jpy"}
    assert in_hundredths == LEAST


@pytest.mark.parametrize(
    ("currency", "least"),
    [("usd", "0.50"), ("gbp", "0.30"), ("sek", "3.00"), ("czk", "15.00"), ("zar", "0.50")],
)
def test_the_least_that_stripe_takes(settings: Any, currency: str, least: str) -> None:
    settings.CURRENCY = currency
    assert minimum_charge() == Decimal(least)
    settings.MINIMUM_CHARGE = Decimal("0.01")
    assert minimum_charge() == Decimal(least), "nobody could pay less"
    settings.MINIMUM_CHARGE = Decimal("20.00")
    assert minimum_charge() == Decimal(20)


def test_something_can_be_charged(settings: Any) -> None:
    require_bounds()
    settings.MAXIMUM_CHARGE = Decimal("10.00")
    settings.CURRENCY = "czk"
    with pytest.raises(ValueError, match=r"the least is 15\.00 and the most .* 10\.00"):
        require_bounds()


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
    settings.MAXIMUM_CHARGE = Decimal("100000000.00")
    assert maximum_charge() == Decimal(most), "nobody could pay more"
