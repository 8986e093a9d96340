"""Money is a `Decimal` with two places inside, a JSON number on the wire, minor units at Stripe."""

import re
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from django.conf import settings

from core.currencies import CHARGED, DIGITS, LEAST, LEAST_ELSEWHERE

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


def require_charged(currency: str) -> None:
    """Raise ValueError unless Stripe charges in this currency, and in hundredths."""
    require_cents(currency)
    if currency not in CHARGED:
        raise ValueError(f"Stripe doesn't charge in {currency.upper()}")


# What our columns hold.
LARGEST_AMOUNT: Final = Decimal("99999999.99")


def maximum_charge() -> Decimal:
    """Return the most that a payment may be: what Stripe takes in the currency of all prices, or
    the setting `MAXIMUM_CHARGE` where that is less."""
    most = min(from_minor(10 ** DIGITS.get(settings.CURRENCY, 8) - 1), LARGEST_AMOUNT)
    return most if settings.MAXIMUM_CHARGE is None else min(settings.MAXIMUM_CHARGE, most)


def minimum_charge() -> Decimal:
    """Return the least that a payment may be: what Stripe takes in the currency of all prices, or
    the setting `MINIMUM_CHARGE` where that is more."""
    least = from_minor(LEAST.get(settings.CURRENCY, LEAST_ELSEWHERE))
    return least if settings.MINIMUM_CHARGE is None else max(settings.MINIMUM_CHARGE, least)


def require_bounds() -> None:
    """Raise ValueError when nothing lies between the least and the most that is charged."""
    if minimum_charge() > maximum_charge():
        raise ValueError(
            f"nothing can be charged: the least is {minimum_charge():,.2f} "
            f"and the most (MAXIMUM_CHARGE) {maximum_charge():,.2f}"
        )


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
