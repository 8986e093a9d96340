"""From an order, staff reach all that became of it, as far as they may see it."""

import re

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from payments import services
from payments.models import Payment
from payments.tests.money import dispute_facts, hear, make_paid
from tests.factories import StaffFactory

pytestmark = pytest.mark.django_db

TOOL = re.compile(r'<li><a href="([^"]+)"[^>]*>([^<]+)</a></li>')


@pytest.fixture
def payment() -> Payment:
    """The payment of an order that was refunded and disputed in part, beside another's."""
    for at in (1, 2):
        payment = make_paid("10.00", "20.00")
        hear(payment, "succeeded", amount="10.00", number=at)
        services.sync_dispute(facts=dispute_facts(payment, "needs_response", number=at))
    return payment


def open_order(client: Client, payment: Payment) -> dict[str, str]:
    """Return the links above the order's page, by their names."""
    page = client.get(reverse("admin:orders_order_change", args=[payment.order_id]))
    assert page.status_code == 200
    tools = page.content.decode().partition('class="object-tools"')[2].partition("</ul>")[0]
    return {name: address for address, name in TOOL.findall(tools)}


def test_all_that_became_of_an_order_is_a_click_away(client: Client, payment: Payment) -> None:
    client.force_login(StaffFactory.create(is_superuser=True))
    links = open_order(client, payment)
    counts = {
        name: client.get(address).context["cl"].result_count for name, address in links.items()
    }
    assert counts == {
        "Payments": 1, "Refunds": 1, "Refund requests": 0, "Disputes": 1, "Credit notes": 1,
        "Ledger": counts["Ledger"], "Mails": 0, "Audit": 0,
    }  # fmt: skip
    assert counts["Ledger"] == payment.ledger.count() > 2


def test_nobody_is_led_to_what_they_may_not_see(client: Client, payment: Payment) -> None:
    clerk = StaffFactory.create(is_superuser=False)
    clerk.user_permissions.set(
        Permission.objects.filter(codename__in=("view_order", "view_refund"))
    )
    client.force_login(clerk)
    assert set(open_order(client, payment)) == {"Refunds"}
