"""Ids, money and addresses."""

from decimal import Decimal

import pytest
from django.test import RequestFactory
from hypothesis import given
from hypothesis import strategies as st

from core import money
from core.ids import new_id, parse_id
from core.network import client_ip, network_of

AMOUNTS = st.decimals(min_value=0, max_value=10**8, places=2)


def test_ids_are_version_7_and_sort_by_time() -> None:
    ids = [new_id() for _ in range(1000)]
    assert {item.version for item in ids} == {7}
    assert ids == sorted(ids)


@pytest.mark.parametrize(
    "text", ["", "x", "0" * 36, "{6f1c0b7e-3f8e-7a44-8c1e-1f2d3c4b5a69}", "6f1c\x00", None, 5]
)
def test_what_is_no_id_is_none(text: object) -> None:
    assert parse_id(text) is None


def test_an_id_is_read_back() -> None:
    known = new_id()
    assert parse_id(str(known)) == known == parse_id(known)


@given(AMOUNTS)
def test_minor_units_there_and_back(amount: Decimal) -> None:
    assert money.from_minor(money.to_minor(amount)) == amount


def test_half_cents_have_no_minor_units() -> None:
    with pytest.raises(ValueError, match="two places"):
        money.to_minor(Decimal("0.005"))


@pytest.mark.parametrize(
    ("price", "original", "percent"),
    [("89.99", "129.99", 30), ("10", None, 0), ("10", "10", 0), ("0", "50", 100), ("1", "3", 66)],
)
def test_discounts_are_rounded_down(price: str, original: str | None, percent: int) -> None:
    was = Decimal(original) if original else None
    assert money.discount_percent(Decimal(price), was) == percent


@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        ("203.0.113.9", "198.51.100.7", "203.0.113.9"),  # a stranger's header is not believed
        ("10.0.0.2", "198.51.100.7", "198.51.100.7"),
        ("10.0.0.2", "6.6.6.6, 198.51.100.7, 10.0.0.3", "198.51.100.7"),  # spoofed on the left
        ("10.0.0.2", "", "10.0.0.2"),
        ("10.0.0.2", "garbage", "10.0.0.2"),
        ("10.0.0.2", "198.51.100.7:5555", "198.51.100.7"),
        ("10.0.0.2", "6.6.6.6:1, 198.51.100.7:5555, 10.0.0.3:80", "198.51.100.7"),
        ("10.0.0.2", "[2001:db8::1]:443", "2001:db8::1"),
        ("10.0.0.2", "[2001:db8::1]", "2001:db8::1"),
        ("10.0.0.2", "2001:DB8:0::1", "2001:db8::1"),
        ("10.0.0.2", "::ffff:198.51.100.7", "198.51.100.7"),
        ("::ffff:10.0.0.2", "198.51.100.7", "198.51.100.7"),
        ("10.0.0.2", "fe80::1%eth0", "fe80::1"),
        ("10.0.0.2", "198.51.100.7:", "10.0.0.2"),
        ("10.0.0.2", "198.51.100.7:5:5", "10.0.0.2"),
        ("10.0.0.2", "[2001:db8::1", "10.0.0.2"),
        ("10.0.0.2", "[]:443", "10.0.0.2"),
        ("10.0.0.2", "999.1.1.1:80", "10.0.0.2"),
    ],
)
def test_the_clients_address(settings: object, peer: str, forwarded: str, expected: str) -> None:
    settings.TRUSTED_PROXIES = ["10.0.0.0/8"]  # type: ignore[attr-defined]
    request = RequestFactory().get("/", REMOTE_ADDR=peer, HTTP_X_FORWARDED_FOR=forwarded)
    assert client_ip(request) == expected


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("198.51.100.7", "198.51.100.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("", ""),
        ("unix", "unix"),
    ],
)
def test_whom_limits_count_as_one(address: str, network: str) -> None:
    assert network_of(address) == network


def test_whom_counts_of_visitors_take_as_one() -> None:
    assert network_of("198.51.100.7", ipv4_prefix=24) == "198.51.100.0/24"
    assert network_of("2001:db8:1:2::9", ipv6_prefix=48) == "2001:db8:1::/48"
