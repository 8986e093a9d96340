"""Accounts are opened under the agreement by which Stripe pays to their country, or not at all."""

import datetime as dt
from typing import Any

import pytest
from rest_framework.test import APIClient

from core.countries import is_country
from devtools.stripe_standin.client import StandIn
from payments import doctor, payout_countries, services, stripe_connect
from payments.errors import PayoutCountryUnsupported
from payments.models import Payout, PayoutAccount, ReconciliationDifference
from payments.payout_countries import Agreement, choose_agreement
from payments.stripe_gateway import StripeRefused, ask_stripe
from payments.tests.ledger.conftest import Sell, teacher_of
from payments.tests.test_comparison import compare
from users.models import User

pytestmark = pytest.mark.django_db(transaction=True)

URL = "/api/v1/instructor/payout-account/"


@pytest.fixture(autouse=True)
def _connected(settings: Any, standin: StandIn) -> None:
    settings.STRIPE_CONNECT = True
    settings.EARNINGS_HOLD = dt.timedelta(0)


@pytest.fixture
def teacher(sell: Sell) -> User:
    """Somebody who is owed 28.00."""
    return teacher_of(sell("40.00"))


@pytest.fixture
def client(teacher: User) -> APIClient:
    client = APIClient()
    client.force_authenticate(teacher)
    return client


def open_account(client: APIClient, country: str) -> Any:
    """The account at Stripe that was opened for somebody in this country."""
    answer = client.post(URL, {"country": country} if country else {})
    assert answer.status_code == 200, answer.json()
    account = PayoutAccount.objects.get()
    return ask_stripe(lambda api: api.v1.accounts.retrieve(str(account.stripe_account_id)))


@pytest.mark.parametrize(
    ("platform", "country", "agreement"),
    [
        ("US", "US", Agreement.FULL),
        ("US", "DE", Agreement.FULL),
        ("DE", "US", Agreement.FULL),
        ("GB", "CH", Agreement.FULL),
        ("AU", "AU", Agreement.FULL),
        ("US", "AU", Agreement.RECIPIENT),
        ("US", "PH", Agreement.RECIPIENT),
        ("DE", "PH", None),
        ("AU", "NZ", None),
        ("PH", "PH", None),
        ("US", "CU", None),
    ],
)
def test_the_agreement_follows_from_both_countries(
    platform: str, country: str, agreement: Agreement | None
) -> None:
    if agreement is not None:
        assert choose_agreement(platform=platform, country=country) == agreement
        return
    with pytest.raises(PayoutCountryUnsupported) as refused:
        choose_agreement(platform=platform, country=country)
    assert refused.value.details == {"country": country}


def test_the_lists_name_countries_and_each_once() -> None:
    connected, further = payout_countries._CONNECTED, payout_countries._FROM_THE_US
    assert all(is_country(code) for code in connected | further | payout_countries._ALONE)
    assert connected & further == set()
    assert payout_countries._ALONE & connected == set()


@pytest.mark.parametrize("country", ["", "DE"])
def test_at_home_and_nearby_an_account_asks_for_cards_too(client: APIClient, country: str) -> None:
    """Stripe lets hardly any platform ask for transfers alone."""
    account = open_account(client, country)
    assert account.country == (country or "US")
    assert set(account.capabilities.to_dict()) == {"card_payments", "transfers"}
    assert "service_agreement" not in account.tos_acceptance


def test_across_the_border_an_account_is_a_recipients(
    client: APIClient, teacher: User, standin: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("payments.services.payout_accounts.FRESH", dt.timedelta(0))
    account = open_account(client, "PH")
    assert set(account.capabilities.to_dict()) == {"transfers"}
    assert account.tos_acceptance.service_agreement == "recipient"
    standin.onboard(account.id)
    assert services.look_at_payout_account(user_id=teacher.id)["is_ready"]
    services.plan_payouts()
    services.send_due_payouts()
    assert Payout.objects.get().status == "paid"


def test_a_country_that_stripe_does_not_pay_to_is_told_and_opens_nothing(
    client: APIClient, standin: StandIn
) -> None:
    answer = client.post(URL, {"country": "CU"})
    assert answer.status_code == 422
    error = answer.json()["error"]
    assert (error["code"], error["details"]) == (
        "PAYOUT_COUNTRY_UNSUPPORTED", {"country": "CU"}
    )  # fmt: skip
    assert standin.counts().get("accounts.create", 0) == 0


def test_what_stripe_refuses_all_the_same_is_told_in_its_words(
    client: APIClient, standin: StandIn
) -> None:
    """The setting says that the platform is in the US, and Stripe knows better."""
    standin.set_up_platform(country="DE")
    answer = client.post(URL, {"country": "PH"})
    assert answer.status_code == 422
    assert answer.json()["error"]["code"] == "PAYMENT_REFUSED"
    assert "not supported for platforms in DE" in answer.json()["error"]["message"]


# --- Our own account ------------------------------------------------------------------------------


def open_differences() -> set[tuple[str, str, str]]:
    rows = ReconciliationDifference.objects.filter(resolved_at=None)
    return set(rows.values_list("object_type", "object_id", "theirs"))


def test_automatic_payouts_of_our_own_are_a_difference_until_they_are_manual(
    standin: StandIn,
) -> None:
    """They would take to our bank what instructors are owed."""
    compare()
    assert open_differences() == {("account", "payout_schedule", "daily")}
    standin.set_up_platform(interval="manual")
    compare()
    assert open_differences() == set()


def test_another_country_than_the_setting_says_is_a_difference(standin: StandIn) -> None:
    standin.set_up_platform(country="GB", interval="manual")
    compare()
    assert open_differences() == {("account", "country", "GB")}


def test_where_nobody_is_paid_by_connect_nobody_asks(standin: StandIn, settings: Any) -> None:
    settings.STRIPE_CONNECT = False
    compare()
    assert open_differences() == set()
    assert standin.counts().get("account.retrieve", 0) == 0


def test_the_doctor_says_so_too(standin: StandIn) -> None:
    def told() -> dict[str, str]:
        return {one.name: f"{one.verdict}: {one.words}" for one in doctor.check_money()}

    assert told()["stripe payout schedule"].startswith("wrong: is daily, and has to be manual")
    standin.set_up_platform(interval="manual")
    assert told()["stripe payout schedule"] == "ok: manual"
    assert told()["stripe country"] == "ok: US"
    standin.fault("refuse", "account.retrieve", status=503)
    assert told()["stripe account"].startswith("wrong: can't be looked at")


def test_a_transfer_under_the_wrong_agreement_is_refused(standin: StandIn) -> None:
    """What the choice is for: the account can be opened, and no money reaches it."""
    account = stripe_connect.create_account(
        email="a@example.com",
        country="AU",
        agreement=Agreement.FULL,
        instructor_id="1",
        idempotency_key="x",
    )
    standin.onboard(account.id)
    with pytest.raises(StripeRefused, match="under the `full` service agreement"):
        stripe_connect.create_transfer(
            amount=100, currency="usd", account_id=account.id, payout_id="1", idempotency_key="y"
        )
