"""Amounts as people and as Stripe write them."""

from decimal import Decimal

from core.money import money_text


def test_money_is_written_as_readers_expect() -> None:
    assert money_text(Decimal("1234.5"), "usd") == "1,234.50 USD"
