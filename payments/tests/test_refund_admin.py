"""What staff read before and after they give money back in the admin."""

import re
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils.module_loading import import_string

from orders.errors import RefundNotPossible
from payments import services
from payments.models import Payment, Refund, RefundRequest
from payments.tests.money import dispute_facts, hear, make_paid, settle
from tests.admin_browser import read_form
from tests.factories import StaffFactory
from tests.parallel import Beside
from users.models import User

pytestmark = pytest.mark.django_db

PAYMENTS = "/admin/payments/payment/"
REQUESTS = "/admin/payments/refundrequest/"
REFUND = re.compile(r"/admin/payments/refund/[0-9a-f-]+/change/")
BANK = "Nothing can be refunded now: The buyer&#x27;s bank has taken this money back."


@pytest.fixture
def staff() -> Client:
    client = Client()
    client.force_login(StaffFactory.create())
    return client


@pytest.fixture
def payment(buyer: User) -> Payment:
    """The payment of an order of 10.00 and 20.00."""
    return make_paid("10.00", "20.00", user=buyer)


def look(client: Client, url: str, action: str, *rows: Any) -> str:
    """Return the page between choosing the action and doing it."""
    data = {"action": action, "_selected_action": [str(row.pk) for row in rows]}
    answer = client.post(url, data)
    assert answer.status_code == 200
    return answer.content.decode()


def ask_back(payment: Payment, buyer: User, *items: Any) -> RefundRequest:
    return services.request_refund(
        order_id=payment.order_id,
        user_id=buyer.id,
        item_ids=[item.id for item in items] or None,
        reason="Not for me",
    )


def refund_line(payment: Payment, item: Any, actor: User) -> Refund:
    return services.refund_payment(
        payment_id=payment.id, item_ids=[item.id], note="", actor_id=actor.id
    )


@pytest.mark.parametrize("action", ["refund_whole", "refund_lines"])
def test_the_page_says_why_nothing_can_go_back(
    payment: Payment, staff: Client, action: str
) -> None:
    assert 'name="confirmed"' in look(staff, PAYMENTS, action, payment)
    services.sync_dispute(facts=dispute_facts(payment, "needs_response"))
    page = look(staff, PAYMENTS, action, payment)
    assert f"30.00 of 30.00 USD left. {BANK}" in page
    assert 'name="confirmed"' not in page
    services.sync_dispute(facts=dispute_facts(payment, "won"))
    page = look(staff, PAYMENTS, action, payment)
    assert "Nothing can be refunded" not in page
    assert 'name="confirmed"' in page


def test_other_reasons(payment: Payment, staff: Client) -> None:
    hear(payment, "succeeded", amount="30.00")
    page = look(staff, PAYMENTS, "refund_whole", payment)
    assert (
        "0.00 of 30.00 USD left. Nothing can be refunded now: There is nothing to refund." in page
    )
    Payment.objects.update(status="failed", refunding_amount=0)
    page = look(staff, PAYMENTS, "refund_whole", payment)
    assert "Nothing can be refunded now: Nothing was paid." in page
    assert 'name="confirmed"' not in page


def test_one_that_can_go_back_is_enough_to_go_on(payment: Payment, staff: Client) -> None:
    services.sync_dispute(facts=dispute_facts(payment, "needs_response"))
    other = make_paid("5.00")
    page = look(staff, PAYMENTS, "refund_whole", payment, other)
    assert page.count("Nothing can be refunded now") == 1
    assert 'name="confirmed"' in page


def test_no_lines_are_offered_of_money_that_stands_for_none(
    payment: Payment, staff: Client
) -> None:
    """It came twice, and its automatic refund came to nothing."""
    second = settle(payment.order, number="second")
    automatic = Refund.objects.get(payment=second)
    hear(second, "failed", amount="30.00", refund_id=automatic.id)
    page = look(staff, PAYMENTS, "refund_lines", second)
    assert "30.00 of 30.00 USD left, of no line. This money stands for no line" in page
    assert 'name="confirmed"' not in page
    assert 'name="items"' not in page
    page = look(staff, PAYMENTS, "refund_whole", second)
    staff.post(PAYMENTS, read_form(page) | {"_selected_action": [str(second.pk)]})
    assert Refund.objects.exclude(id=automatic.id).get().amount == second.amount


def test_each_page_says_that_what_staff_granted_since_stays_open(
    payment: Payment, buyer: User, staff: Client
) -> None:
    request = ask_back(payment, buyer)
    for url, action, row in (
        (PAYMENTS, "refund_whole", payment),
        (PAYMENTS, "refund_lines", payment),
        (REQUESTS, "approve", request),
    ):
        page = look(staff, url, action, row)
        assert "are closed, unless staff have granted them since." in page, action


@pytest.mark.parametrize("action", ["approve", "refuse"])
def test_a_request_is_decided_with_its_amount_in_sight(
    payment: Payment, buyer: User, staff: Client, action: str
) -> None:
    first, second = payment.order.items.order_by("created_at", "id")
    request = ask_back(payment, buyer, first)
    page = look(staff, REQUESTS, action, request)
    assert f"{payment.order} of {buyer}: {first}. 10.00 USD would go back. Not for me" in page
    assert str(second) not in page
    assert not Refund.objects.exists()
    services.sync_dispute(facts=dispute_facts(payment, "needs_response"))
    page = look(staff, REQUESTS, action, request)
    assert "It can&#x27;t be granted now: The buyer&#x27;s bank has taken this money back." in page


def test_what_changed_since_the_page_was_opened_is_shown_before_it_is_done(
    payment: Payment, buyer: User, staff: Client
) -> None:
    """Another amount goes back by now than the page said."""
    request = ask_back(payment, buyer)
    for url, action, row in ((PAYMENTS, "refund_whole", payment), (REQUESTS, "approve", request)):
        older = read_form(look(staff, url, action, row)) | {"_selected_action": [str(row.pk)]}
        hear(payment, "succeeded", amount="3.00", number=1 if url == PAYMENTS else 2)
        page = staff.post(url, older).content.decode()
        assert "This changed since the page was opened" in page
        assert not Refund.objects.exclude(reason="at_stripe").exists()
    again = read_form(look(staff, REQUESTS, "approve", request))
    staff.post(REQUESTS, again | {"_selected_action": [str(request.pk)]})
    assert str(Refund.objects.get(reason="requested").amount) == "24.00"


def test_another_line_for_the_same_amount_is_shown_before_it_is_refunded(
    buyer: User, staff: Client
) -> None:
    payment = make_paid("10.00", "10.00", user=buyer)
    first, second = payment.order.items.order_by("created_at", "id")
    undone = refund_line(payment, first, buyer)
    page = look(staff, PAYMENTS, "refund_whole", payment)
    assert f"10.00 of 20.00 USD left (2. {second.title_at_purchase}: 10.00)" in page
    older = read_form(page) | {"_selected_action": [str(payment.pk)]}
    hear(payment, "failed", amount="10.00", refund_id=undone.id)
    refund_line(payment, second, buyer)
    page = staff.post(PAYMENTS, older).content.decode()
    assert "This changed since the page was opened" in page
    assert f"10.00 of 20.00 USD left (1. {first.title_at_purchase}: 10.00)" in page
    assert Refund.objects.count() == 2


def test_what_is_left_of_a_request_is_shown_line_by_line(buyer: User, staff: Client) -> None:
    payment = make_paid("10.00", "10.00", user=buyer)
    first, second = payment.order.items.order_by("created_at", "id")
    request = ask_back(payment, buyer)
    undone = refund_line(payment, first, buyer)
    page = look(staff, REQUESTS, "approve", request)
    assert f"{first}, {second}. 10.00 USD would go back (2. {second});" in page
    older = read_form(page) | {"_selected_action": [str(request.pk)]}
    hear(payment, "failed", amount="10.00", refund_id=undone.id)
    refund_line(payment, second, buyer)
    page = staff.post(REQUESTS, older).content.decode()
    assert "This changed since the page was opened" in page
    assert f"10.00 USD would go back (1. {first});" in page
    staff.post(REQUESTS, read_form(page) | {"_selected_action": [str(request.pk)]})
    request.refresh_from_db()
    assert request.refund is not None
    assert [line.order_item for line in request.refund.lines.all()] == [first]
    assert "It can&#x27;t be granted now" in look(staff, REQUESTS, "approve", request)


def test_a_request_of_which_all_is_back_says_so(
    payment: Payment, buyer: User, staff: Client
) -> None:
    request = ask_back(payment, buyer)
    hear(payment, "succeeded", amount="30.00")
    RefundRequest.objects.update(status="open", decided_at=None, decided_by=None, refund=None)
    page = look(staff, REQUESTS, "approve", request)
    assert "All of it is back already, so nothing more would go back." in page
    staff.post(REQUESTS, read_form(page) | {"_selected_action": [str(request.pk)]})
    request.refresh_from_db()
    assert request.status == "granted"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("url", "action", "looks"),
    [
        (PAYMENTS, "refund_whole", "payments.admin.payments.describe_money"),
        (PAYMENTS, "refund_lines", "payments.admin.payments.describe_money"),
        (REQUESTS, "approve", "payments.admin.refunds.describe_request"),
    ],
)
def test_nobody_refunds_between_the_look_and_the_refund(
    *, payment: Payment, buyer: User, staff: Client, monkeypatch: pytest.MonkeyPatch,
    url: str, action: str, looks: str,
) -> None:  # fmt: skip
    """Without the payment's lock less would go back than was shown."""
    first, second = payment.order.items.order_by("created_at", "id")
    row = payment if url == PAYMENTS else ask_back(payment, buyer)
    seen = read_form(look(staff, url, action, row)) | {
        "_selected_action": [str(row.pk)],
        "items": [str(first.id), str(second.id)],
    }
    describe, begun = import_string(looks), []

    def refund_one() -> Refund:
        return services.refund_payment(
            payment_id=payment.id, item_ids=[first.id], note="", actor_id=buyer.id
        )

    def describe_while_another_refunds(given: Any) -> str:
        text: str = describe(given)
        begun.append(Beside(refund_one))
        return text

    monkeypatch.setattr(looks, describe_while_another_refunds)
    assert staff.post(url, seen).status_code == 302
    (refunding,) = begun
    assert refunding.had_to_wait
    with pytest.raises(RefundNotPossible):
        refunding.result()
    assert str(Refund.objects.get().amount) == "30.00"


def test_the_amount_is_what_granting_gives_back(
    payment: Payment, buyer: User, staff: Client
) -> None:
    """Something went back before, for no certain line."""
    request = ask_back(payment, buyer)
    hear(payment, "succeeded", amount="12.00")
    assert "18.00 USD would go back" in look(staff, REQUESTS, "approve", request)
    services.approve_request(request_id=request.id, actor_id=buyer.id)
    request.refresh_from_db()
    assert request.refund is not None
    assert str(request.refund.amount) == "18.00"
    page = look(staff, REQUESTS, "approve", request)
    assert "It can&#x27;t be granted now" in page


def test_more_than_is_left_is_not_promised(payment: Payment, buyer: User, staff: Client) -> None:
    second = payment.order.items.order_by("created_at", "id")[1]
    request = ask_back(payment, buyer, second)
    hear(payment, "succeeded", amount="12.00")
    page = look(staff, REQUESTS, "approve", request)
    assert "It can&#x27;t be granted now: More would go back than was paid." in page


def test_a_request_shows_all_refunds_that_settled_it(
    payment: Payment, buyer: User, staff: Client
) -> None:
    """Those of other courses, and of money that stood for nothing, are others'."""
    first, second = payment.order.items.order_by("created_at", "id")
    request = ask_back(payment, buyer, second)
    page = staff.get(f"{REQUESTS}{request.id}/change/").content.decode()
    assert f"<div>{second}: 20.00 USD</div>" in page
    assert not REFUND.search(page)
    settle(payment.order, number="second")
    other = services.refund_payment(
        payment_id=payment.id, item_ids=[first.id], note="", actor_id=buyer.id
    )
    hear(payment, "succeeded", amount="10.00", number=3, refund_id=other.id)
    hear(payment, "succeeded", amount="12.00", number=1)
    hear(payment, "succeeded", amount="8.00", number=2)
    request.refresh_from_db()
    assert request.status == "granted"
    page = staff.get(f"{REQUESTS}{request.id}/change/").content.decode()
    ours = Refund.objects.filter(stripe_refund_id__in=["re_1", "re_2"])
    for refund in ours:
        assert f'/refund/{refund.id}/change/">{refund.amount} USD</a> (succeeded, ' in page
    assert str(other.id) not in page
    assert len(REFUND.findall(page)) == len(ours) == 2


def test_the_pages_take_a_fixed_number_of_queries(
    payment: Payment, buyer: User, staff: Client
) -> None:
    request = ask_back(payment, buyer)
    pages = (f"{REQUESTS}{request.id}/change/", f"{PAYMENTS}{payment.id}/change/")

    def count_queries() -> list[int]:
        counts = []
        for page in pages:
            with CaptureQueriesContext(connection) as queries:
                assert staff.get(page).status_code == 200
            counts.append(len(queries))
        return counts

    hear(payment, "succeeded", amount="1.00", number=1)
    count_queries()
    of_one = count_queries()
    for number in range(2, 8):
        hear(payment, "succeeded", amount="1.00", number=number)
    assert count_queries() == of_one
