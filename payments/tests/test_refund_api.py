"""Refunds over HTTP: who may, and in which shape."""

import datetime as dt
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from pytest_django.fixtures import DjangoAssertNumQueries

from core.ids import new_id
from core.models import AuditEntry
from payments import services
from payments.models import Payment, Refund, RefundRequest
from payments.serializers.refunds import RefundRequestSerializer, RefundSerializer
from payments.tests.money import hear, make_paid
from tests.factories import StaffFactory, UserFactory, sign_in
from users.models import User

pytestmark = pytest.mark.django_db

API = "/api/v1"


@pytest.fixture
def buyer() -> User:
    return UserFactory.create()


@pytest.fixture
def payment(buyer: User) -> Payment:
    """The payment of an order of 10.00 and 20.00."""
    return make_paid("10.00", "20.00", user=buyer)


@pytest.fixture
def staff() -> Any:
    return sign_in(StaffFactory.create())


def refunds_of(payment: Payment) -> str:
    return f"{API}/orders/{payment.order_id}/refunds/"


def request_of(payment: Payment) -> str:
    return f"{API}/orders/{payment.order_id}/refund-request/"


def code_of(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


def first_item(payment: Payment) -> Any:
    return payment.order.items.order_by("created_at", "id")[0]


def test_staff_refund_a_line(payment: Payment, staff: Any) -> None:
    item = first_item(payment)
    answer = staff.post(refunds_of(payment), {"items": [str(item.id)], "reason": "kind"})
    assert answer.status_code == 201
    body = answer.json()
    assert body == {
        "id": str(Refund.objects.get().id),
        "order_id": str(payment.order_id),
        "amount": 10.0,
        "currency": "usd",
        "status": "due",
        "reason": "requested",
        "note": "kind",
        "items": [
            {
                "id": str(item.id),
                "course": {"id": str(item.course_id), "title": item.title_at_purchase},
                "amount": 10.0,
            }
        ],
        "created_at": body["created_at"],
    }
    assert body["created_at"].endswith("Z")
    assert set(body) == set(RefundSerializer().fields)


@pytest.mark.parametrize("body", [{}, {"items": None}, {"reason": "kind"}])
def test_without_items_it_is_all(payment: Payment, staff: Any, body: dict[str, Any]) -> None:
    assert staff.post(refunds_of(payment), body).json()["amount"] == 30.0


def test_who_may_refund(payment: Payment, buyer: User, staff: Any, api: Any) -> None:
    assert code_of(sign_in(buyer).post(refunds_of(payment), {})) == (403, "STAFF_REQUIRED")
    stranger = sign_in(UserFactory.create())
    assert code_of(stranger.post(refunds_of(payment), {})) == (404, "ORDER_NOT_FOUND")
    assert api.post(refunds_of(payment), {}).status_code == 401
    assert code_of(staff.post(f"{API}/orders/{new_id()}/refunds/", {})) == (404, "ORDER_NOT_FOUND")
    assert staff.post(f"{API}/orders/nonsense/refunds/", {}).status_code == 404
    assert not Refund.objects.exists()


def test_staff_need_the_right_that_the_admin_asks_for(payment: Payment, buyer: User) -> None:
    member = UserFactory.create(is_staff=True)
    member.user_permissions.add(Permission.objects.get(codename="view_refund"))
    asked = sign_in(buyer).post(request_of(payment), {}).json()["id"]
    decide = f"{API}/refund-requests/{asked}"
    asks = [
        (refunds_of(payment), {}),
        (f"{decide}/approve/", {}),
        (f"{decide}/refuse/", {"reason": "Used up"}),
    ]
    for path, body in asks:
        assert code_of(sign_in(member).post(path, body)) == (403, "PERMISSION_DENIED")
    assert not Refund.objects.exists()
    member.user_permissions.add(Permission.objects.get(codename="add_refund"))
    answers = [sign_in(member).post(path, body).status_code for path, body in asks[:2]]
    assert answers == [201, 409], "the request was answered by the refund"


def test_a_stored_answer_is_not_given_to_whose_right_was_taken_away(payment: Payment) -> None:
    member = UserFactory.create(is_staff=True)
    right = Permission.objects.get(codename="add_refund")
    member.user_permissions.add(right)
    key: Any = {"HTTP_IDEMPOTENCY_KEY": "again"}
    assert sign_in(member).post(refunds_of(payment), {}, **key).status_code == 201
    member.user_permissions.remove(right)
    answer = sign_in(member).post(refunds_of(payment), {}, **key)
    assert code_of(answer) == (403, "PERMISSION_DENIED")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"amount": 1}, 400),
        ({"item": ["0198c5f0-7c1a-7bd2-9a51-4d8f0b6a2c11"], "reason": "All of it?"}, 400),
        ({"items": []}, 422),
        ({"items": ["nonsense"]}, 422),
        ({"items": ["0198c5f0-7c1a-7bd2-9a51-4d8f0b6a2c11"]}, 422),
        ({"items": [5]}, 400),
        ({"items": "all"}, 400),
        ({"reason": 5}, 400),
        ({"reason": "x" * 1001}, 422),
    ],
)
def test_bodies_that_are_refused(
    payment: Payment, staff: Any, body: dict[str, Any], expected: int
) -> None:
    assert staff.post(refunds_of(payment), body).status_code == expected
    assert not Refund.objects.exists()


def test_what_does_not_fit_is_409(payment: Payment, staff: Any) -> None:
    staff.post(refunds_of(payment), {})
    assert code_of(staff.post(refunds_of(payment), {})) == (409, "REFUND_NOT_POSSIBLE")


def test_the_same_key_refunds_once(payment: Payment, staff: Any) -> None:
    body = {"items": [str(first_item(payment).id)]}
    answers = [
        staff.post(refunds_of(payment), body, headers={"Idempotency-Key": "k1"}) for _ in range(2)
    ]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()
    other = staff.post(refunds_of(payment), {}, headers={"Idempotency-Key": "k1"})
    assert code_of(other) == (409, "IDEMPOTENCY_KEY_REUSED")
    assert Refund.objects.count() == 1


def test_the_list_is_the_buyers_and_staffs(payment: Payment, buyer: User, staff: Any) -> None:
    staff.post(refunds_of(payment), {"items": [str(first_item(payment).id)], "reason": "kind"})
    hear(payment, "succeeded", amount="5.00")
    rows = staff.get(refunds_of(payment)).json()["results"]
    assert [(row["amount"], row["reason"], row["note"]) for row in rows] == [
        (5.0, "at_stripe", ""), (10.0, "requested", "kind"),
    ]  # fmt: skip
    mine = sign_in(buyer).get(refunds_of(payment)).json()["results"]
    assert [row["note"] for row in mine] == [None, None], "staff's words are staff's"
    stranger = sign_in(UserFactory.create())
    assert code_of(stranger.get(refunds_of(payment))) == (404, "ORDER_NOT_FOUND")


def test_the_list_costs_the_same_however_long(
    payment: Payment, staff: Any, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(2):
        hear(payment, "succeeded", amount="1.00", number=number)
        with django_assert_num_queries(4):  # session, order, refunds, lines
            assert len(staff.get(refunds_of(payment)).json()["results"]) == number + 1


def test_a_buyer_asks_and_staff_grant(payment: Payment, buyer: User, staff: Any) -> None:
    mine = sign_in(buyer)
    assert code_of(mine.get(request_of(payment))) == (404, "REFUND_REQUEST_NOT_FOUND")
    item = first_item(payment)
    answer = mine.post(request_of(payment), {"items": [str(item.id)], "reason": "Not for me"})
    assert answer.status_code == 201
    body = answer.json()
    assert set(body) == set(RefundRequestSerializer().fields)
    assert (body["status"], body["reason"], body["order_number"]) == (
        "open", "Not for me", payment.order.order_number,
    )  # fmt: skip
    assert body["user"]["email"] == buyer.email
    assert [one["id"] for one in body["items"]] == [str(item.id)]
    assert mine.get(request_of(payment)).json() == body
    approved = staff.post(f"{API}/refund-requests/{body['id']}/approve/").json()
    assert (approved["status"], approved["refund_id"]) == ("open", str(Refund.objects.get().id))
    again = staff.post(f"{API}/refund-requests/{body['id']}/refuse/", {"reason": "No"})
    assert code_of(again) == (409, "REFUND_REQUEST_DECIDED")
    assert again.json()["error"]["details"]["status"] == "approved"


def test_staff_decline_with_a_reason(payment: Payment, buyer: User, staff: Any) -> None:
    made = sign_in(buyer).post(request_of(payment), {}).json()
    url = f"{API}/refund-requests/{made['id']}/refuse/"
    assert staff.post(url, {}).status_code == 400
    assert staff.post(url, {"reason": " "}).status_code == 422
    assert staff.post(url, {"reason": "Too late"}).json()["status"] == "declined"
    shown = sign_in(buyer).get(request_of(payment)).json()
    assert (shown["status"], shown["decision_reason"]) == ("declined", "Too late")


def test_refusals_have_their_codes(payment: Payment, buyer: User, settings: Any) -> None:
    mine = sign_in(buyer)
    settings.REFUND_MAX_PROGRESS_PERCENT = -1
    answer = mine.post(request_of(payment), {})
    assert code_of(answer) == (409, "REFUND_PROGRESS_TOO_FAR")
    assert len(answer.json()["error"]["details"]["courses"]) == 2
    settings.REFUND_MAX_PROGRESS_PERCENT = 30
    settings.REFUND_WINDOW = dt.timedelta(0)
    assert code_of(mine.post(request_of(payment), {})) == (409, "REFUND_WINDOW_CLOSED")
    settings.REFUND_WINDOW = dt.timedelta(days=30)
    assert mine.post(request_of(payment), {}).status_code == 201
    assert code_of(mine.post(request_of(payment), {})) == (409, "REFUND_ALREADY_REQUESTED")


def test_only_staff_see_and_decide_requests(payment: Payment, buyer: User, api: Any) -> None:
    mine = sign_in(buyer)
    made = mine.post(request_of(payment), {}).json()
    for method, path in (
        ("get", "refund-requests/"),
        ("post", f"refund-requests/{made['id']}/approve/"),
        ("post", f"refund-requests/{made['id']}/refuse/"),
    ):
        answer = getattr(mine, method)(f"{API}/{path}", {} if method == "post" else None)
        assert code_of(answer) == (403, "STAFF_REQUIRED")
        assert getattr(api, method)(f"{API}/{path}").status_code == 401
    stranger = sign_in(UserFactory.create())
    assert code_of(stranger.get(request_of(payment))) == (404, "ORDER_NOT_FOUND")
    assert code_of(stranger.post(request_of(payment), {})) == (404, "ORDER_NOT_FOUND")
    assert RefundRequest.objects.get().status == "open"


def test_unknown_requests_are_404(staff: Any) -> None:
    for path, body in ((f"{new_id()}/approve/", {}), (f"{new_id()}/refuse/", {"reason": "No"})):
        answer = staff.post(f"{API}/refund-requests/{path}", body)
        assert code_of(answer) == (404, "REFUND_REQUEST_NOT_FOUND")


def test_the_list_of_requests(
    staff: Any, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    def ask() -> None:
        buyer = UserFactory.create()
        payment = make_paid("10.00", "20.00", user=buyer)
        services.request_refund(
            order_id=payment.order_id, user_id=buyer.id, item_ids=None, reason=""
        )

    ask()
    with django_assert_num_queries(4):  # session, count, page, lines
        body = staff.get(f"{API}/refund-requests/").json()
    assert (body["count"], body["total_pages"]) == (1, 1)
    for _ in range(19):
        ask()
    with django_assert_num_queries(4):
        rows = staff.get(f"{API}/refund-requests/").json()["results"]
    assert len(rows) == 20
    assert rows == sorted(rows, key=lambda row: row["created_at"])
    RefundRequest.objects.filter(id=rows[0]["id"]).update(status="declined")
    for status, count in (("open", 19), ("declined", 1), ("granted", 0)):
        answer = staff.get(f"{API}/refund-requests/", {"status": status}).json()
        assert answer["count"] == count
    assert staff.get(f"{API}/refund-requests/", {"status": "maybe"}).status_code == 422


def test_what_staff_decide_is_in_the_trail(payment: Payment, buyer: User) -> None:
    member = UserFactory.create(is_staff=True)
    member.user_permissions.add(Permission.objects.get(codename="add_refund"))
    asked = sign_in(buyer).post(request_of(payment), {}).json()["id"]
    sign_in(member).post(f"{API}/refund-requests/{asked}/refuse/", {"reason": "Used up"})
    sign_in(member).post(refunds_of(payment), {})
    declined, planned = AuditEntry.objects.order_by("id")
    assert {declined.actor_id, planned.actor_id} == {member.id}
    assert (declined.address, planned.address) == ("127.0.0.1", "127.0.0.1")
    assert (declined.details["before"], declined.details["after"]) == (
        {"status": "open"}, {"status": "declined"},
    )  # fmt: skip
    amount = planned.details["amount"]
    assert planned.details["before"] == {"refunding_amount": "0.00"}
    assert planned.details["after"] == {"refunding_amount": amount}
