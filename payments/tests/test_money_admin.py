"""What staff can do about money in the admin."""

import re
from functools import partial
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from core import audit
from core.metrics import collect_metrics
from core.models import AuditEntry
from payments import services, stripe_gateway
from payments.errors import PaymentsUnavailable
from payments.models import Dispute, Payment, Refund, RefundRequest
from payments.tests.money import dispute_facts, hear, make_paid, settle
from tests.admin_browser import AdminBrowser
from tests.factories import StaffFactory, UserFactory
from tests.parallel import at_once, meet
from users.models import User

pytestmark = pytest.mark.django_db

PAYMENTS = "/admin/payments/payment/"
REQUESTS = "/admin/payments/refundrequest/"


@pytest.fixture
def member() -> User:
    return StaffFactory.create()


@pytest.fixture
def staff(member: User) -> Client:
    client = AdminBrowser()
    client.force_login(member)
    return client


@pytest.fixture
def buyer() -> User:
    return UserFactory.create()


@pytest.fixture
def payment(buyer: User) -> Payment:
    """The payment of an order of 10.00 and 20.00."""
    return make_paid("10.00", "20.00", user=buyer)


def act(client: Client, url: str, action: str, *rows: Any, **fields: Any) -> str:
    """Choose an action for rows, or go on from its page; the page that follows."""
    data = {"action": action, "_selected_action": [str(row.pk) for row in rows], **fields}
    answer = client.post(url, data, follow=True)
    assert answer.status_code == 200
    return answer.content.decode()


def test_the_whole_order_after_a_look_at_it(payment: Payment, staff: Client, member: User) -> None:
    page = act(staff, PAYMENTS, "refund_whole", payment)
    assert f"{payment.order}: 30.00 of 30.00 USD left" in page
    assert not Refund.objects.exists(), "nothing yet"
    page = act(staff, PAYMENTS, "refund_whole", payment, confirmed="yes", note="kind")
    assert "30.00 USD are on their way back" in page
    refund = Refund.objects.get()
    assert (str(refund.amount), refund.note, refund.requested_by) == ("30.00", "kind", member)
    page = act(staff, PAYMENTS, "refund_whole", payment, confirmed="yes")
    assert "nothing to refund" in page
    assert Refund.objects.count() == 1


def test_chosen_lines(payment: Payment, staff: Client) -> None:
    first, second = payment.order.items.order_by("created_at", "id")
    page = act(staff, PAYMENTS, "refund_lines", payment)
    assert f"{first.title_at_purchase}: 10.00 USD" in page
    page = act(staff, PAYMENTS, "refund_lines", payment, confirmed="yes")
    assert "This field is required" in page
    act(staff, PAYMENTS, "refund_lines", payment, confirmed="yes", items=[str(second.id)])
    refund = Refund.objects.get()
    assert [line.order_item_id for line in refund.lines.all()] == [second.id]
    page = act(staff, PAYMENTS, "refund_lines", payment)
    assert second.title_at_purchase not in page


def test_lines_are_chosen_of_one_payment(payment: Payment, staff: Client) -> None:
    other = make_paid("5.00")
    assert "Choose one payment" in act(staff, PAYMENTS, "refund_lines", payment, other)
    page = act(staff, PAYMENTS, "refund_whole", payment, other, confirmed="yes")
    assert "30.00 USD" in page
    assert "5.00 USD" in page
    assert Refund.objects.count() == 2


def test_the_payment_chosen_is_the_one_refunded(payment: Payment, staff: Client) -> None:
    second = settle(payment.order, number="second")
    Refund.objects.all().delete()
    Payment.objects.update(refunding_amount=0)
    act(staff, PAYMENTS, "refund_whole", second, confirmed="yes")
    assert Refund.objects.get().payment == second


def test_who_may_not_refund_sees_no_action(payment: Payment, buyer: User) -> None:
    viewer = UserFactory.create(is_staff=True)
    viewer.user_permissions.set(
        Permission.objects.filter(codename__in=["view_payment", "view_refundrequest"])
    )
    client = AdminBrowser()
    client.force_login(viewer)
    assert "refund_whole" not in client.get(PAYMENTS).content.decode()
    act(client, PAYMENTS, "refund_whole", payment, confirmed="yes")
    assert not Refund.objects.exists()
    request = services.request_refund(
        order_id=payment.order_id, user_id=buyer.id, item_ids=None, reason=""
    )
    act(client, REQUESTS, "approve", request, confirmed="yes")
    assert RefundRequest.objects.get().status == "open"


def test_what_was_seen_to_is_marked_so(payment: Payment, staff: Client, member: User) -> None:
    hear(payment, "succeeded", "failed", amount="30.00")
    assert str(payment) in staff.get(PAYMENTS, {"attention": "yes"}).content.decode()
    calm = make_paid("5.00")
    page = act(staff, PAYMENTS, "clear_attention", payment, calm)
    assert f"{payment.order}: {payment.needs_attention}" in page
    assert f"{calm.order}: nothing to deal with" in page
    page = act(staff, PAYMENTS, "clear_attention", payment, calm, confirmed="yes")
    assert "1 payments dealt with" in page
    payment.refresh_from_db()
    assert payment.needs_attention == ""
    entry = AuditEntry.objects.get(action="payment.attention_cleared")
    assert entry.actor_id == member.id
    assert "re_1" in str(entry.details)


@pytest.mark.django_db(transaction=True)
def test_what_was_seen_to_is_noted_once(
    payment: Payment, member: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each has read the note before any of them takes it off."""
    hear(payment, "succeeded", "failed", amount="30.00")
    record = audit.record_audit

    def meet_and_record(**entry: Any) -> None:
        meet()
        record(**entry)

    monkeypatch.setattr(audit, "record_audit", meet_and_record)
    clear = partial(services.clear_attention, payment_ids=[payment.id], actor_id=member.id)
    assert sorted(at_once(*[clear] * 4)) == [0, 0, 0, 1]
    assert AuditEntry.objects.filter(action="payment.attention_cleared").count() == 1


def test_requests_are_granted_after_a_look(
    payment: Payment, buyer: User, staff: Client, member: User
) -> None:
    request = services.request_refund(
        order_id=payment.order_id, user_id=buyer.id, item_ids=None, reason="Not for me"
    )
    page = act(staff, REQUESTS, "approve", request)
    assert "Not for me" in page
    assert RefundRequest.objects.get().status == "open"
    assert "approved" in act(staff, REQUESTS, "approve", request, confirmed="yes")
    request.refresh_from_db()
    assert request.refund is not None
    assert (request.status, request.refund.requested_by) == ("open", member)
    page = act(staff, REQUESTS, "approve", request, confirmed="yes")
    assert "decided already" in page


def test_requests_are_declined_with_a_reason(payment: Payment, buyer: User, staff: Client) -> None:
    request = services.request_refund(
        order_id=payment.order_id, user_id=buyer.id, item_ids=None, reason=""
    )
    assert "The buyers are told" in act(staff, REQUESTS, "refuse", request)
    page = act(staff, REQUESTS, "refuse", request, confirmed="yes")
    assert "This field is required" in page
    act(staff, REQUESTS, "refuse", request, confirmed="yes", reason="Too late")
    request.refresh_from_db()
    assert (request.status, request.decision_reason) == ("declined", "Too late")


def test_refunds_that_are_tried_in_vain_are_found_and_measured(
    payment: Payment, staff: Client, member: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stripe may refuse our keys, say: the buyer waits, and nothing else would tell."""

    def measured() -> str:
        (line,) = re.findall(r"^learnflow_refunds_in_trouble .*$", collect_metrics().decode(), re.M)
        return str(line)

    def refuse(**_: object) -> None:
        raise PaymentsUnavailable

    services.refund_order(order_id=payment.order_id, item_ids=None, note="", actor_id=member.id)
    url, row = "/admin/payments/refund/?trouble=yes", str(Refund.objects.get().id)
    assert measured() == "learnflow_refunds_in_trouble 0.0"
    assert row not in staff.get(url).content.decode()
    monkeypatch.setattr(stripe_gateway, "create_refund", refuse)
    services.send_due_refunds()
    assert measured() == "learnflow_refunds_in_trouble 1.0"
    assert row in staff.get(url).content.decode()
    hear(payment, "succeeded", amount="30.00", refund_id=row)
    assert measured() == "learnflow_refunds_in_trouble 0.0"
    assert row not in staff.get(url).content.decode()


def test_disputes_are_found_by_whether_they_are_over(payment: Payment, staff: Client) -> None:
    services.sync_dispute(facts=dispute_facts(payment, "needs_response"))
    url = "/admin/payments/dispute/"
    assert "dp_1" in staff.get(url, {"decided": "no"}).content.decode()
    assert "dp_1" not in staff.get(url, {"decided": "yes"}).content.decode()
    dispute = Dispute.objects.get()
    page = staff.get(f"{url}{dispute.id}/change/").content.decode()
    assert "15.00" in page, "the fee"
    payment_page = staff.get(f"{PAYMENTS}{payment.id}/change/").content.decode()
    assert "dp_1" in payment_page
    refund_url = "/admin/payments/refund/"
    hear(make_paid("7.00"), "pending", amount="7.00", number=9)
    refund = Refund.objects.get()
    assert "re_9" in staff.get(f"{refund_url}{refund.id}/change/").content.decode()


LISTS = ("payment", "refund", "refundrequest", "dispute", "ledgertransaction", "ledgerentry")


def test_the_lists_take_a_fixed_number_of_queries(staff: Client) -> None:
    def count_queries() -> list[int]:
        counts = []
        for name in LISTS:
            with CaptureQueriesContext(connection) as queries:
                assert staff.get(f"/admin/payments/{name}/").status_code == 200
            counts.append(len(queries))
        return counts

    make_history("1")
    of_one = count_queries()
    for number in range(2, 8):
        make_history(str(number))
    assert count_queries() == of_one


def make_history(number: str) -> None:
    """A purchase that is asked back, refunded in part and disputed, by a buyer of its own."""
    buyer = UserFactory.create()
    payment = make_paid("20.00", "10.00", user=buyer)
    services.request_refund(order_id=payment.order_id, user_id=buyer.id, item_ids=None, reason="")
    hear(payment, "succeeded", amount="5.00", number=int(number))
    services.sync_dispute(facts=dispute_facts(payment, "needs_response", number=int(number)))


def test_money_is_found_by_whose_it_is_and_shown_with_its_currency(
    payment: Payment, buyer: User, staff: Client
) -> None:
    hear(payment, "succeeded", amount="5.00")
    services.sync_dispute(facts=dispute_facts(payment, "needs_response"))
    make_history("2")
    for name, amount in (("payment", "30.00"), ("refund", "5.00"), ("dispute", "30.00")):
        page = staff.get(f"/admin/payments/{name}/", {"q": buyer.email}).content.decode()
        assert f"{amount}\N{NO-BREAK SPACE}USD" in page
        assert page.count(payment.order.order_number) == 1
        assert page.count("1 result ") == 1, name
    number = payment.order.order_number
    page = staff.get("/admin/payments/ledgertransaction/", {"q": number}).content.decode()
    assert "4 results" in page, "the sale, the refund, the dispute and its fee"
    assert "30.00 USD" in page


@pytest.mark.parametrize("action", ["refund_whole", "delete_selected", "none"])
def test_an_action_on_what_is_no_key_is_refused(staff, action):
    chosen = {"action": action, "_selected_action": "not-a-key"}
    assert staff.post(PAYMENTS, chosen).status_code == 400
