"""Shares of a discount or a tax: pure arithmetic, to the cent."""

from collections.abc import Sequence
from decimal import Decimal

from core.money import from_minor, quantize, to_minor


def percent_of(amount: Decimal, percent: Decimal | int) -> Decimal:
    """Return that many percent of the amount, to the cent, halves rounded up."""
    return quantize(amount * percent / 100)


def share_out(*, amount: Decimal, weights: Sequence[Decimal]) -> list[Decimal]:
    """Return the amount divided in proportion to the weights, adding up to it exactly.

    The largest-remainder method: every share is rounded down to the cent, and the cents left go to
    the largest remainders, earlier shares first among equals. No share exceeds its weight as long
    as the amount doesn't exceed their sum. Raises ValueError when there is nothing to divide by.
    """
    total = sum(map(to_minor, weights))
    if total <= 0:
        raise ValueError("the weights add up to nothing")
    products = [to_minor(amount) * to_minor(weight) for weight in weights]
    shares = [product // total for product in products]
    left = to_minor(amount) - sum(shares)
    by_remainder = sorted(range(len(weights)), key=lambda i: (-(products[i] % total), i))
    for index in by_remainder[:left]:
        shares[index] += 1
    return [from_minor(share) for share in shares]
