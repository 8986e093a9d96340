"""Amounts as people and as Stripe write them."""

from decimal import Decimal

import pytest

from core.money import money_text, require_cents


def test_money_is_written_as_readers_expect() -> None:
    assert money_text(Decimal("1234.5"), "usd") == "1,234.50 USD"


@pytest.mark.parametrize("currency", ["usd", "eur", "gbp", "huf", "twd"])
def test_currencies_in_hundredths(currency: str) -> None:
    require_cents(currency)


@pytest.mark.parametrize("currency", ["jpy", "krw", "kwd", "isk", "USD", "us", "dollar", "", "u d"])
def test_currencies_that_cents_do_not_fit(currency: str) -> None:
    with pytest.raises(ValueError, match=r"hundredths|three-letter"):
        require_cents(currency)
