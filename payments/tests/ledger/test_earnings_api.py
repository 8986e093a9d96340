"""Earnings over HTTP: for the instructor alone, and equal to the ledger."""

import codecs
import csv
import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.db import transaction
from django.utils import timezone
from rest_framework.test import APIClient

from devtools.stripe_standin.client import StandIn
from payments import ledger, services
from payments.ledger import payouts as postings
from payments.models import LedgerEntry, LedgerTransaction, Payment, Payout, PayoutAccount
from payments.selectors import earnings, payouts
from payments.serializers.earnings import (
    EarningsEntrySerializer,
    EarningsSerializer,
    PayoutSerializer,
)
from payments.tests.ledger.conftest import Sell, add_refund, items_of, teacher_of
from tests.emptying import unguarded
from tests.factories import OrderItemFactory, UserFactory
from users.models import User

pytestmark = pytest.mark.django_db

BASE = "/api/v1/instructor"


@pytest.fixture(autouse=True)
def _payable_at_once(settings) -> None:
    settings.EARNINGS_HOLD = dt.timedelta(0)


@pytest.fixture
def sale(sell: Sell) -> Payment:
    return sell("40.00")


@pytest.fixture
def teacher(sale: Payment) -> User:
    return teacher_of(sale)


@pytest.fixture
def client(api: APIClient, teacher: User) -> APIClient:
    api.force_authenticate(teacher)
    return api


def pay(teacher: User, amount: str, status: str = "paid") -> Payout:
    account, _ = PayoutAccount.objects.get_or_create(instructor=teacher)
    payout = Payout.objects.create(
        account=account,
        amount=Decimal(amount),
        currency="usd",
        status=status,
        paid_at=timezone.now(),
        stripe_transfer_id=f"tr_{Payout.objects.count()}",
        next_attempt_at=timezone.now(),
    )
    postings.post_payout(payout=payout)
    if status == "paid":
        postings.post_payout_paid(payout=payout)
    return payout


@pytest.mark.parametrize(
    "path", ["earnings/", "earnings/entries/", "earnings/statement/", "payouts/", "payout-account/"]
)
def test_only_instructors_see_earnings(api: APIClient, path: str) -> None:
    assert api.get(f"{BASE}/{path}").status_code == 401
    api.force_authenticate(UserFactory.create())
    answer = api.get(f"{BASE}/{path}")
    assert answer.status_code == 403
    assert answer.json()["error"]["code"] == "INSTRUCTOR_REQUIRED"


def test_the_balances_and_what_each_course_brought(
    client: APIClient, teacher: User, sale: Payment
) -> None:
    (item,) = items_of(sale)
    ledger.post_refund(refund=add_refund(sale, "10.00"))
    pay(teacher, "5.00")
    pay(teacher, "2.00", status="due")
    body = client.get(f"{BASE}/earnings/").json()
    assert body == {
        "currency": "usd",
        "payouts_enabled": False,
        "pending": 0.0,
        "available": 14.0,
        "in_transit": 2.0,
        "paid_out": 5.0,
        "lifetime": 21.0,
        "courses": [
            {
                "course": {"id": str(item.course_id), "title": item.course.title},
                "sales": 1,
                "earned": 28.0,
                "returned": 7.0,
                "net": 21.0,
            }
        ],
    }


def test_somebody_elses_sales_are_not_ones_own(client: APIClient, sell: Sell) -> None:
    sell("1.00", "500.00")
    body = client.get(f"{BASE}/earnings/").json()
    assert body["lifetime"] == 28.7
    assert len(body["courses"]) == 1
    assert client.get(f"{BASE}/earnings/entries/").json()["count"] == 2


def test_an_instructor_without_sales_has_nothing(api: APIClient) -> None:
    api.force_authenticate(UserFactory.create(is_instructor=True))
    body = api.get(f"{BASE}/earnings/").json()
    assert [body[name] for name in ("pending", "available", "lifetime", "courses")] == [0, 0, 0, []]
    assert api.get(f"{BASE}/earnings/entries/").json()["results"] == []


def test_the_entries_are_paged_newest_first(
    client: APIClient, teacher: User, sale: Payment
) -> None:
    ledger.post_refund(refund=add_refund(sale, "10.00"))
    pay(teacher, "5.00")
    body = client.get(f"{BASE}/earnings/entries/?page_size=2").json()
    assert (body["count"], body["total_pages"]) == (3, 2)
    assert [row["kind"] for row in body["results"]] == ["payout", "refund"]
    (row,) = client.get(f"{BASE}/earnings/entries/?page_size=2&page=2").json()["results"]
    assert (row["kind"], row["amount"], row["currency"]) == ("sale", 28.0, "usd")
    assert row["order_number"] == sale.order.order_number
    assert row["course"]["title"] == items_of(sale)[0].title_at_purchase


def test_rows_are_what_the_schema_says(teacher: User, sale: Payment) -> None:
    pay(teacher, "5.00")
    row = earnings.get_earnings(user_id=teacher.id, payouts_enabled=True)
    assert set(row) == set(EarningsSerializer().fields)
    (entry, *_) = earnings.to_entry_rows(earnings.list_entries(user_id=teacher.id))
    assert set(entry) == set(EarningsEntrySerializer().fields)
    (payout,) = payouts.to_payout_rows(payouts.list_payouts(user_id=teacher.id))
    assert set(payout) == set(PayoutSerializer().fields)


@pytest.mark.parametrize("more", [0, 19])
def test_the_number_of_queries_stays(
    client: APIClient, sell: Sell, teacher: User, more: int, django_assert_num_queries: Any
) -> None:
    for _ in range(more):
        sell("40.00")
    pay(teacher, "5.00")
    with django_assert_num_queries(3):
        client.get(f"{BASE}/earnings/")
    with django_assert_num_queries(2):
        client.get(f"{BASE}/earnings/entries/")
    with django_assert_num_queries(2):
        client.get(f"{BASE}/payouts/")


@pytest.fixture
def one_month() -> Iterator[None]:
    """Let no month end in the middle of a test: a statement is of one of them."""
    with time_machine.travel("2026-03-16T12:00Z"):
        yield


def statement(client: APIClient, month: str = "") -> list[dict[str, str]]:
    answer = client.get(f"{BASE}/earnings/statement/", {"month": month} if month else {})
    assert answer.status_code == 200
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    content = b"".join(answer.streaming_content)  # type: ignore[attr-defined]
    assert content.startswith(codecs.BOM_UTF8)
    text = content.decode("utf-8-sig")
    return list(csv.DictReader(text.splitlines()))


@pytest.mark.usefixtures("one_month")
def test_the_statement_leads_from_balance_to_balance(
    client: APIClient, teacher: User, sell: Sell
) -> None:
    rows = statement(client, "2026-01")
    assert [row["kind"] for row in rows] == ["opening_balance", "closing_balance"]
    pay(teacher, "5.00")
    opening, sale, payout, closing = statement(client)
    assert (opening["kind"], opening["balance"]) == ("opening_balance", "0.00")
    assert (sale["kind"], sale["amount"], sale["balance"]) == ("sale", "28.00", "28.00")
    assert (payout["kind"], payout["amount"], payout["balance"]) == ("payout", "-5.00", "23.00")
    assert (closing["kind"], closing["balance"]) == ("closing_balance", "23.00")
    assert statement(client, "2026-04")[0]["balance"] == "23.00"


def test_the_statement_is_a_download_that_nobody_keeps(client: APIClient) -> None:
    answer = client.get(f"{BASE}/earnings/statement/?month=2026-12")
    assert answer["Content-Disposition"] == 'attachment; filename="earnings-2026-12.csv"'
    assert answer["Cache-Control"] == "private, no-store"


@pytest.mark.usefixtures("one_month")
@pytest.mark.parametrize("title", ["=HYPERLINK(1)", "+1", "-1", "@a", "\tx"])
def test_a_title_is_no_formula(client: APIClient, sale: Payment, title: str) -> None:
    (item,) = items_of(sale)
    item.title_at_purchase = title
    with unguarded():
        item.save()
    assert statement(client)[1]["course"] == f"'{title}"


@pytest.mark.parametrize("month", ["2026-13", "2026-1", "March", "26-03", "0000-01", "2026-03-01"])
def test_a_month_that_is_none_is_422(client: APIClient, month: str) -> None:
    assert client.get(f"{BASE}/earnings/statement/?month={month}").status_code == 422


def test_payouts_are_listed_without_stripes_words(client: APIClient, teacher: User) -> None:
    payout = pay(teacher, "5.00")
    Payout.objects.update(last_error="acct_secret is restricted")
    body = client.get(f"{BASE}/payouts/").json()
    (row,) = body["results"]
    assert (row["id"], row["amount"], row["status"]) == (str(payout.id), 5.0, "paid")
    assert "last_error" not in row
    assert "acct_" not in str(body)


def test_where_payouts_are_off_it_says_so(client: APIClient) -> None:
    answer = client.get(f"{BASE}/payout-account/").json()
    assert answer == {
        "payouts_enabled": False,
        "exists": False,
        "details_submitted": False,
        "is_ready": False,
        "trouble": None,
    }
    refused = client.post(f"{BASE}/payout-account/", {})
    assert refused.status_code == 503
    assert refused.json()["error"]["code"] == "PAYOUTS_UNAVAILABLE"


def test_onboarding_leads_to_stripe_and_back(
    client: APIClient, teacher: User, standin: StandIn, settings
) -> None:
    settings.STRIPE_CONNECT = True
    url = client.post(f"{BASE}/payout-account/", {"country": "DE"}).json()["url"]
    assert url.startswith(standin.url)
    account = PayoutAccount.objects.get(instructor=teacher)
    waiting = client.get(f"{BASE}/payout-account/").json()
    assert (waiting["exists"], waiting["is_ready"]) == (True, False)
    elsewhere = client.post(f"{BASE}/payout-account/", {"country": "US"})
    assert (elsewhere.status_code, elsewhere.json()["error"]["code"]) == (
        409,
        "PAYOUT_COUNTRY_FIXED",
    )
    assert client.post(f"{BASE}/payout-account/", {"country": "DE"}).status_code == 200
    assert client.post(f"{BASE}/payout-account/", {"country": ""}).status_code == 422
    standin.onboard(str(account.stripe_account_id))
    PayoutAccount.objects.update(synced_at=timezone.now() - dt.timedelta(minutes=1))
    assert client.get(f"{BASE}/payout-account/").json()["is_ready"] is True
    again = client.post(f"{BASE}/payout-account/", {})
    assert again.status_code == 200
    assert PayoutAccount.objects.count() == 1


@pytest.mark.parametrize(("country", "status"), [("de", 422), ("DEU", 422), (5, 400), ("D1", 422)])
def test_a_country_is_two_letters(client: APIClient, country: object, status: int) -> None:
    assert client.post(f"{BASE}/payout-account/", {"country": country}).status_code == status


def test_while_stripe_is_away_the_account_is_shown_as_known(
    client: APIClient, teacher: User, standin: StandIn, settings
) -> None:
    settings.STRIPE_CONNECT = True
    PayoutAccount.objects.create(instructor=teacher, stripe_account_id="acct_1")
    standin.fault("refuse", "*", status=503, times=2)
    assert client.get(f"{BASE}/payout-account/").json()["exists"] is True
    refused = client.post(f"{BASE}/payout-account/", {})
    assert refused.json()["error"]["code"] == "PAYMENTS_UNAVAILABLE"
    assert PayoutAccount.objects.get().stripe_account_id == "acct_1"


def test_staff_see_the_books_and_change_nothing(
    client: APIClient, teacher: User, sale: Payment, admin_client: Any
) -> None:
    pay(teacher, "5.00")
    OrderItemFactory.create()
    entries = admin_client.get("/admin/payments/ledgerentry/").content.decode()
    assert "stripe: <strong>35.00 usd</strong>" in entries
    assert "instructor: <strong>-23.00 usd</strong>" in entries
    for name in ("ledgertransaction", "payout", "payoutaccount", "revenueshare"):
        assert admin_client.get(f"/admin/payments/{name}/").status_code == 200
    for name in ("ledgerentry", "ledgertransaction", "payout", "payoutaccount"):
        assert admin_client.get(f"/admin/payments/{name}/add/").status_code == 403
    movement = LedgerTransaction.objects.get(kind="sale")
    page = f"/admin/payments/ledgertransaction/{movement.id}/change/"
    assert admin_client.get(page).status_code == 200
    assert admin_client.post(page, {"reference": "x"}).status_code == 403
    entry = LedgerEntry.objects.first()
    assert entry is not None
    delete = f"/admin/payments/ledgerentry/{entry.id}/delete/"
    assert admin_client.post(delete, {"post": "yes"}).status_code == 403


def test_staff_set_a_courses_share(sale: Payment, admin_client: Any, sell: Sell) -> None:
    (item,) = items_of(sale)
    page = "/admin/payments/revenueshare/add/"
    too_much = admin_client.post(page, {"course": item.course_id, "percent": 101})
    assert too_much.status_code == 200
    assert admin_client.post(page, {"course": item.course_id, "percent": 50}).status_code == 302
    with transaction.atomic():
        later = sell("40.00")
    share = LedgerEntry.objects.get(transaction__payment=later, account="instructor")
    assert share.amount == Decimal("-20.00")


def test_facts_of_before_the_books_are_booked_once(sale: Payment) -> None:
    late = Payment.objects.create(
        order=sale.order,
        stripe_payment_id="pi_late",
        amount=Decimal("40.00"),
        fee_amount=Decimal("1.46"),
        currency="usd",
        status="succeeded",
        succeeded_at=timezone.now() - dt.timedelta(days=3),
        next_check_at=timezone.now(),
    )
    sale.order.payment_id = sale.stripe_payment_id
    sale.order.save()
    add_refund(late, "40.00")
    add_refund(sale, "40.00")
    assert services.book_missing(everything=True) == 4
    assert services.book_missing(everything=True) == 0
    booked = LedgerTransaction.objects.get(kind="undue_payment")
    assert booked.occurred_at == late.succeeded_at
    kinds = sorted(LedgerTransaction.objects.values_list("kind", flat=True))
    assert kinds == ["refund", "refund", "sale", "stripe_fee", "undue_payment"]
