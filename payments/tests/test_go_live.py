"""docs/go-live.md is held to the code, and each call to Stripe carries the version it names."""

import re
from pathlib import Path
from typing import Any

import pytest
from stripe._api_version import _ApiVersion

from devtools.stripe_standin.client import StandIn
from orders.models import Order
from payments import stripe_connect
from payments.services.inbox import CONNECTED_TYPES, HANDLED_TYPES
from payments.tests.conftest import start_payment

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/go-live.md").read_text()


def types_in(part: str) -> list[str]:
    """The types of events named in the list after these words."""
    after = PAGE.split(f"**{part}")[1]
    section = after.split("\n\n**")[0].split("\n## ")[0]
    return re.findall(r"`([a-z_]+(?:\.[a-z_]+)+)`", section)


def test_the_page_names_the_events_that_are_handled() -> None:
    ours, theirs = types_in("Your account"), types_in("Connected accounts")
    assert set(theirs) == set(CONNECTED_TYPES)
    assert set(ours) == set(HANDLED_TYPES) - set(CONNECTED_TYPES)
    assert len(ours) + len(theirs) == len(HANDLED_TYPES)


def test_the_page_names_a_right_for_each_resource_that_is_asked_for() -> None:
    sources = "".join(
        (ROOT / f"payments/{name}.py").read_text() for name in ("stripe_gateway", "stripe_connect")
    )
    asked = set(re.findall(r"client\.v1\.([a-z_]+)", sources))
    rows = [line.split("|") for line in PAGE.splitlines() if line.startswith("| ")]
    named = {name for row in rows for name in re.findall(r"`([a-z_]+)`", row[3])}
    assert len(asked) > 5
    assert named == asked


@pytest.mark.django_db(transaction=True)
def test_each_call_carries_the_version_that_is_set(
    order: Order, standin: StandIn, settings: Any
) -> None:
    start_payment(order)
    settings.STRIPE_API_VERSION = "2026-09-30.endive"
    stripe_connect.retrieve_platform()
    assert {call["version"] for call in standin.calls()[:-1]} == {_ApiVersion.CURRENT}
    assert standin.calls()[-1]["version"] == "2026-09-30.endive"


def test_the_version_is_the_sdks_unless_it_is_set(settings: Any) -> None:
    """After an upgrade of the SDK: raise the setting's default, and read Stripe's changelog."""
    assert settings.STRIPE_API_VERSION == _ApiVersion.CURRENT
