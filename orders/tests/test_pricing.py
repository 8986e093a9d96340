"""Discounts to the cent."""

import random
from decimal import Decimal

import pytest

from orders.pricing import percent_of, share_out


def money(*texts):
    return [Decimal(text) for text in texts]


@pytest.mark.parametrize(
    ("amount", "percent", "expected"),
    [
        ("100.00", 10, "10.00"),
        ("89.99", 10, "9.00"),
        ("0.05", 10, "0.01"),
        ("0.04", 10, "0.00"),
        ("19.99", 100, "19.99"),
        ("99999999.99", 33, "33000000.00"),
    ],
)
def test_percent_rounds_halves_up(amount, percent, expected):
    assert percent_of(Decimal(amount), percent) == Decimal(expected)


@pytest.mark.parametrize(
    ("amount", "weights", "shares"),
    [
        ("10.00", ("10", "10", "10"), ("3.34", "3.33", "3.33")),
        ("0.01", ("10", "10"), ("0.01", "0.00")),
        ("0.02", ("1", "99"), ("0.00", "0.02")),
        ("10.00", ("0", "10"), ("0.00", "10.00")),
        ("169.98", ("89.99", "79.99"), ("89.99", "79.99")),
        ("0.00", ("5", "5"), ("0.00", "0.00")),
    ],
)
def test_shares(amount, weights, shares):
    assert share_out(amount=Decimal(amount), weights=money(*weights)) == money(*shares)


def test_shares_add_up_and_never_exceed_their_line():
    rng = random.Random(2026)
    for _ in range(500):
        weights = [Decimal(rng.randrange(0, 20000)) / 100 for _ in range(rng.randrange(1, 12))]
        total = sum(weights)
        if not total:
            continue
        amount = Decimal(rng.randrange(0, int(total * 100) + 1)) / 100
        shares = share_out(amount=amount, weights=weights)
        assert sum(shares) == amount
        assert all(0 <= share <= weight for share, weight in zip(shares, weights, strict=True))


def test_nothing_to_divide_by():
    with pytest.raises(ValueError, match="nothing"):
        share_out(amount=Decimal(1), weights=money("0", "0"))
