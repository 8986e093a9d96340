"""Pages of the admin that need more than one floor, or none of them."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from core import audit
from core.ids import new_id
from core.models import AuditEntry
from orders.models import CreditNote
from payments.models import Refund
from payments.tests.money import hear, make_paid
from tests.factories import StaffFactory, UserFactory

pytestmark = pytest.mark.django_db

AUDIT = "/admin/core/auditentry/"


@pytest.fixture
def staff(client: Client) -> Client:
    client.force_login(StaffFactory.create())
    return client


class TestTheAuditTrail:
    def record(self, actor_id: Any, target: str = "x") -> AuditEntry:
        audit.record_audit(actor_id=actor_id, action="tried", target_type="y", target_id=target)
        return AuditEntry.objects.get(target_id=target)

    def test_it_names_who_acted(self, staff: Client) -> None:
        ada, gone = UserFactory.create(email="ada@example.test"), new_id()
        for actor_id, name in ((ada.id, ada.email), (gone, str(gone)), (None, "the system")):
            AuditEntry.objects.all().delete()
            entry = self.record(actor_id)
            page = staff.get(AUDIT).content.decode()
            assert f'<td class="field-actor">{name}</td>' in page
            page = staff.get(f"{AUDIT}{entry.id}/change/").content.decode()
            assert name in page

    def test_it_is_searched_by_who_acted(self, staff: Client) -> None:
        ada, bob = UserFactory.create(email="ada@example.test"), UserFactory.create()
        self.record(ada.id, "hers")
        self.record(bob.id, "his")
        for needle in ("ada@example", "ADA@example.test", str(ada.id), "hers"):
            rows = staff.get(AUDIT, {"q": needle}).context["cl"].result_list
            assert [row.target_id for row in rows] == ["hers"]

    def test_it_takes_a_fixed_number_of_queries(self, staff: Client) -> None:
        counts = []
        for round_ in range(2):
            for number in range(10 * round_ + 1):
                self.record(UserFactory.create().id, f"{round_}-{number}")
            with CaptureQueriesContext(connection) as queries:
                staff.get(AUDIT)
            counts.append(len(queries))
        assert counts[0] == counts[1]


def test_a_credit_note_leads_to_its_refund(staff: Client, clerk: Client) -> None:
    hear(make_paid("10.00"), "succeeded", amount="10.00")
    note, refund = CreditNote.objects.get(), Refund.objects.get()
    path = f"/admin/orders/creditnote/{note.id}/change/"
    link = f'<a href="/admin/payments/refund/{refund.id}/change/">Refund</a>'
    assert link in staff.get(path).content.decode()
    page = clerk.get(path).content.decode()
    assert note.number in page
    assert link not in page
