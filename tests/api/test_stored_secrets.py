"""Whoever reads our tables, by a hole, a backup or as staff, gets into no account and no payment:
nothing that was handed out during a whole journey stands anywhere in the database."""

import re
from typing import Any
from urllib.parse import unquote

import httpx
import pytest
from django.core import mail
from django.db import connection
from rest_framework.test import APIClient

from core import outbox
from devtools.stripe_standin.client import StandIn
from notifications import services as notification_services
from payments import services as payment_services
from payments.models import StripeEvent
from tests.factories import StaffFactory, make_course, sign_in

pytestmark = pytest.mark.django_db(transaction=True)

API = "/api/v1"
EMAIL = "ada@example.test"
PASSWORDS = ("first-long-phrase-1", "second-long-phrase-2")
ADDRESS = {
    "first_name": "Ada", "last_name": "Lovelace", "email": "bills@ada-lovelace.test",
    "address_line1": "12 St James's Square", "city": "London", "state": "", "country": "GB",
    "postal_code": "SW1Y 4LE", "phone": "+44 20 7946 0958",
}  # fmt: skip
CARD = "4242424242424242"
# Where the law wants it, and where a client's repeat is answered from, for a day.
MAY_HOLD_ADDRESSES = {"orders_order", "orders_invoice", "core_idempotencyrecord"}


def rows() -> dict[str, str]:
    """Everything in the database as text, by table."""
    with connection.cursor() as cursor:
        tables = connection.introspection.table_names(cursor)
        found = {}
        for table in tables:
            cursor.execute(f'SELECT string_agg(row::text, chr(10)) FROM "{table}" AS row')
            found[table] = cursor.fetchone()[0] or ""
    return found


def holders(*needles: str) -> list[tuple[str, str]]:
    """Which of these stand in which table."""
    everything = rows()
    assert len([text for text in everything.values() if text]) > 5
    return [
        (needle, table) for needle in needles for table, text in everything.items()
        if needle in text
    ]  # fmt: skip


class Journey:
    """A person who registers, verifies, buys, resets the password and is refunded; `secrets` is
    what they were given on the way."""

    def __init__(self, standin: StandIn) -> None:
        self.standin = standin
        self.client = APIClient()
        self.secrets: set[str] = set(PASSWORDS)
        self.order_id = ""

    def post(self, path: str, body: dict[str, Any], **extra: Any) -> dict[str, Any]:
        response = self.client.post(f"{API}/{path}/", body, **extra)
        assert response.status_code < 300, response.content
        answer: dict[str, Any] = response.json()
        for name in ("access_token", "refresh_token", "access", "refresh", "client_secret"):
            if name in answer:
                self.secrets.add(answer[name])
        return answer

    def read_mail(self) -> str:
        """Let the worker send what is due; return the token of the last link."""
        outbox.deliver_due()
        assert holders(*self.secrets) == []
        notification_services.send_due_emails()
        tokens = re.findall(r"token=(\S+)", "\n".join(str(message.body) for message in mail.outbox))
        # As it stands in the link, as the client sends it, and what of it opens the door.
        self.secrets |= {*tokens, *map(unquote, tokens)}
        self.secrets |= {re.split("[.:]", unquote(token))[-1] for token in tokens}
        return unquote(tokens[-1])

    def sign_up(self) -> None:
        names = {"first_name": "Ada", "last_name": "Lovelace"}
        given = self.post("auth/register", {"email": EMAIL, "password": PASSWORDS[0], **names})
        self.post("auth/verify-email", {"token": self.read_mail()})
        renewed = self.post("auth/refresh", {"refresh": given["refresh_token"]})
        self.post("auth/refresh", {"refresh": given["refresh_token"]})
        self.client.credentials(HTTP_AUTHORIZATION=f"Bearer {renewed['access']}")

    def buy(self) -> None:
        self.post("cart/items", {"course_id": str(make_course().id)})
        key: Any = {"HTTP_IDEMPOTENCY_KEY": "one-purchase"}
        order = self.post("orders/create-from-cart", {"billing_address": ADDRESS}, **key)
        self.order_id = order["id"]
        wish = {"order_id": self.order_id}
        intent = self.post("payments/create-payment-intent", wish, **key | _OTHER)
        again = self.post("payments/create-payment-intent", wish, **key | _OTHER)
        assert again == intent, "the repeat is answered whole"
        paid = httpx.post(
            f"{self.standin.url}/v1/payment_intents/{intent['payment_intent_id']}/confirm",
            data={
                "client_secret": intent["client_secret"],
                "payment_method_data[type]": "card",
                "payment_method_data[card][number]": CARD,
                "payment_method_data[card][exp_month]": "12",
                "payment_method_data[card][exp_year]": "2040",
                "payment_method_data[card][cvc]": "123",
            },
            auth=(self.standin.publishable_key, ""),
            trust_env=False,
            timeout=60,
        )
        assert paid.status_code == 200, paid.text
        confirmed = {**wish, "payment_intent_id": intent["payment_intent_id"]}
        assert self.post("payments/confirm-payment", confirmed)["status"] == "succeeded"
        self.hear()

    def hear(self) -> None:
        """Let the worker take in Stripe's events."""
        payment_services.poll_events()
        assert holders(*self.secrets) == []
        payment_services.handle_due_events()

    def reset(self) -> None:
        self.post("auth/password-reset", {"email": EMAIL})
        token = self.read_mail()
        self.post("auth/password-reset/confirm", {"token": token, "new_password": PASSWORDS[1]})
        self.client.credentials()
        self.post("auth/login", {"email": EMAIL, "password": PASSWORDS[1]})

    def be_refunded(self) -> None:
        staff = sign_in(StaffFactory.create())
        answer = staff.post(f"{API}/orders/{self.order_id}/refunds/", {"reason": "kind"})
        assert answer.status_code == 201, answer.content
        payment_services.send_due_refunds()
        self.hear()
        outbox.deliver_due()
        notification_services.send_due_emails()


_OTHER: dict[str, Any] = {"HTTP_IDEMPOTENCY_KEY": "one-payment"}


def test_nothing_handed_out_is_stored(standin: StandIn) -> None:
    journey = Journey(standin)
    journey.sign_up()
    journey.buy()
    journey.reset()
    journey.be_refunded()
    assert len(journey.secrets) > 12
    assert {message.extra_headers["X-LearnFlow-Kind"] for message in mail.outbox} >= {
        "verification", "password-reset", "password-changed", "receipt", "refund",
    }  # fmt: skip
    assert {"payment_intent.succeeded", "refund.created"} <= set(
        StripeEvent.objects.filter(status="handled").values_list("type", flat=True)
    )
    assert holders(*journey.secrets) == []
    assert holders(CARD) == []
    addresses = holders(ADDRESS["email"], ADDRESS["phone"], "St James", ADDRESS["postal_code"])
    assert {table for _, table in addresses} == MAY_HOLD_ADDRESSES
