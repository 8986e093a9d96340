"""Money is a `Decimal` with two places inside, a JSON number on the wire, minor units at Stripe."""

import re
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from django.conf import settings

CENT = Decimal("0.01")
ZERO = Decimal("0.00")

# What Stripe counts whole, in thousandths, or takes no hundredths of: our cents would be charged as
# a hundred times the price, or refused (docs.stripe.com/currencies, "Zero-decimal currencies",
# "Three-decimal currencies" and "Special cases").
_WITHOUT_CENTS: Final = frozenset({
    "bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "ugx", "vnd", "vuv",
    "xaf", "xof", "xpf", "bhd", "jod", "kwd", "omr", "tnd", "isk",
})  # fmt: skip


def require_cents(currency: str) -> None:
    """Raise ValueError unless this is a currency's code in lower case (ISO 4217) and Stripe counts
    its amounts in hundredths, as all of ours are."""
    if not re.fullmatch(r"[a-z]{3}", currency):
        raise ValueError(f"{currency!r} is no currency's three-letter code")
    if currency in _WITHOUT_CENTS:
        raise ValueError(f"amounts in {currency.upper()} can't be given in hundredths")


# How many digits Stripe takes of an amount in minor units that any payment method may pay, where it
# isn't eight (docs.stripe.com/currencies, "Maximum charge amounts", "Other payment methods").
_DIGITS: Final = {"idr": 12, "cop": 10, "inr": 9}
# What our columns hold.
LARGEST_AMOUNT: Final = Decimal("99999999.99")


def maximum_charge() -> Decimal:
    """Return the most that a payment may be: the setting `MAXIMUM_CHARGE`, else what Stripe takes
    in the currency of all prices."""
    if settings.MAXIMUM_CHARGE is not None:
        return settings.MAXIMUM_CHARGE
    return min(from_minor(10 ** _DIGITS.get(settings.CURRENCY, 8) - 1), LARGEST_AMOUNT)


def quantize(amount: Decimal | int) -> Decimal:
    """Return the amount with exactly two places, halves rounded up."""
    return Decimal(amount).quantize(CENT, rounding=ROUND_HALF_UP)


def to_minor(amount: Decimal) -> int:
    """Return the amount in minor units (cents). Raises ValueError when it isn't whole cents."""
    minor = amount * 100
    if minor != minor.to_integral_value():
        raise ValueError(f"{amount} has more than two places")
    return int(minor)


def from_minor(minor: int) -> Decimal:
    """Return minor units (cents) as an amount with two places."""
    return quantize(Decimal(minor) / 100)


def discount_percent(price: Decimal, original_price: Decimal | None) -> int:
    """Return the discount in whole percent, rounded down (contract: 129.99 → 89.99 is 30)."""
    if original_price is None or original_price <= 0 or price >= original_price:
        return 0
    return int((original_price - price) * 100 / original_price)


def money_text(amount: Decimal, currency: str) -> str:
    """Return an amount as a reader expects it, e.g. "1,089.99 USD"."""
    return f"{amount:,.2f} {currency.upper()}"
