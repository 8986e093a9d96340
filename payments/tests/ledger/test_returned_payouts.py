"""What was taken back of a payout: instructors and staff see how much, and that it isn't one that
Stripe refused."""

import csv
import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from payments import books
from payments.ledger import payouts as postings
from payments.models import Payout, PayoutAccount
from payments.tests.ledger.conftest import Sell, teacher_of
from users.models import User

pytestmark = pytest.mark.django_db

BASE = "/api/v1/instructor"
PAYOUT_RULES = tuple(rule for rule in books.INVARIANTS if "payout" in rule.name)


@pytest.fixture
def teacher(sell: Sell, settings: Any) -> User:
    """Who earned 28.00 that can be paid."""
    settings.EARNINGS_HOLD = dt.timedelta(0)
    return teacher_of(sell("40.00"))


@pytest.fixture
def client(api: APIClient, teacher: User) -> APIClient:
    api.force_authenticate(teacher)
    return api


@pytest.fixture(autouse=True)
def history(teacher: User) -> None:
    """Payouts of 12.00, of which 3.00 and 2.50 came back; of 5.00, all of which came back, in two
    parts; of 4.00, which Stripe refused."""
    account = PayoutAccount.objects.create(instructor=teacher)
    partly, wholly = plan(account, "12.00"), plan(account, "5.00")
    for payout, returned in ((partly, ("3.00", "5.50")), (wholly, ("1.00", "5.00"))):
        Payout.objects.filter(id=payout.id).update(
            status="paid", paid_at=timezone.now(), stripe_transfer_id=f"tr_{payout.id}"
        )
        postings.post_payout_paid(payout=payout)
        for so_far in returned:
            postings.post_payout_returned(payout=payout, returned=Decimal(so_far))
    refused = plan(account, "4.00")
    postings.post_payout_failed(payout=refused)
    Payout.objects.filter(id__in=[wholly.id, refused.id]).update(status="failed")
    assert books.verify(invariants=PAYOUT_RULES) == []


def plan(account: PayoutAccount, amount: str) -> Payout:
    payout = Payout.objects.create(
        account=account,
        amount=Decimal(amount),
        currency="usd",
        status="failed",
        next_attempt_at=timezone.now(),
    )
    postings.post_payout(payout=payout)
    return payout


MOVEMENTS = [
    ("payout", -12.0), ("payout", -5.0), ("payout_returned", 3.0), ("payout_returned", 2.5),
    ("payout_returned", 1.0), ("payout_returned", 4.0), ("payout", -4.0), ("payout_failed", 4.0),
]  # fmt: skip


def test_a_movement_says_whether_money_came_back_or_never_went(client: APIClient) -> None:
    rows = client.get(f"{BASE}/earnings/entries/").json()["results"]
    told = [(row["kind"], row["amount"]) for row in reversed(rows)]
    assert told == [("sale", 28.0), *MOVEMENTS]


def test_so_does_the_statement(client: APIClient) -> None:
    answer: Any = client.get(f"{BASE}/earnings/statement/")
    lines = list(csv.DictReader(b"".join(answer.streaming_content).decode().splitlines()))
    told = [(line["kind"], float(line["amount"])) for line in lines[2:-1]]
    assert told == MOVEMENTS


def test_payouts_less_what_came_back_are_what_was_paid_out(client: APIClient) -> None:
    rows = client.get(f"{BASE}/payouts/").json()["results"]
    told = [(row["amount"], row["status"], row["returned_amount"]) for row in rows]
    assert told == [(4.0, "failed", 0.0), (5.0, "failed", 5.0), (12.0, "paid", 5.5)]
    paid = sum(row["amount"] - row["returned_amount"] for row in rows if row["paid_at"])
    assert paid == client.get(f"{BASE}/earnings/").json()["paid_out"] == 6.5


def test_staff_see_what_came_back(admin_client: Any) -> None:
    listed = admin_client.get("/admin/payments/payout/?o=5").content.decode()
    assert "5.50\N{NO-BREAK SPACE}USD" in listed
    payout = Payout.objects.get(status="paid")
    shown = admin_client.get(f"/admin/payments/payout/{payout.id}/change/").content.decode()
    assert "5.50\N{NO-BREAK SPACE}USD" in shown
