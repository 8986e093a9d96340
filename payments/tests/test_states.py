"""The state machines: what is legal, and that docs/payments.md tells the same."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from enrollments.models import Enrollment
from enrollments.state import ACCESS_MOVES, move_access
from orders.state import LINE_MOVES, ORDER_MOVES
from payments import services
from payments.models import Payment, Refund
from payments.state import (
    DISPUTE_MOVES,
    PAYMENT_MOVES,
    REFUND_MOVES,
    DisputeStatus,
    may_move,
    move_payment,
    move_refund,
)
from payments.stripe_gateway import IntentFacts
from payments.tests.money import make_order

MACHINES: dict[str, Any] = {
    "Order": ORDER_MOVES,
    "Order line": LINE_MOVES,
    "Payment attempt": PAYMENT_MOVES,
    "Refund": REFUND_MOVES,
    "Dispute": DISPUTE_MOVES,
    "Access": ACCESS_MOVES,
}


def section(title: str) -> str:
    text = (Path(settings.BASE_DIR) / "docs" / "payments.md").read_text()
    return text.split(f"\n### {title}\n")[1].split("\n### ")[0]


@pytest.mark.parametrize("title", MACHINES)
def test_the_documents_tables_are_the_codes(title: str) -> None:
    told = [
        (cells[1].strip(), to.strip())
        for line in section(title).splitlines()
        if line.startswith("| ") and not line.startswith("| From")
        for cells in [line.split("|")]
        for to in cells[2].split(",")
    ]
    legal = {(str(now), str(to)) for now, targets in MACHINES[title].items() for to in targets}
    assert len(told) == len(set(told))
    assert set(told) == legal


@pytest.mark.parametrize("title", MACHINES)
def test_the_documents_diagrams_are_the_codes(title: str) -> None:
    drawn = re.findall(r"^    (\w+) --> (\w+)$", section(title), re.MULTILINE)
    legal = {(str(now), str(to)) for now, targets in MACHINES[title].items() for to in targets}
    assert set(drawn) == legal


def test_only_legal_moves_are_made() -> None:
    for now in Payment.Status:
        for to in Payment.Status:
            payment = Payment(status=now)
            assert move_payment(payment, to) == (to in PAYMENT_MOVES[now])
            assert payment.status == (to if to in PAYMENT_MOVES[now] else now)
    for before in Refund.Status:
        for after in Refund.Status:
            refund = Refund(status=before)
            assert move_refund(refund, after) == (after in REFUND_MOVES[before])
            assert refund.status == (after if after in REFUND_MOVES[before] else before)
    for word in DisputeStatus:
        assert not may_move(word, word, DISPUTE_MOVES)
    with pytest.raises(ValueError, match="can't become"):
        move_access(Enrollment(status="revoked"), Enrollment.Status.REVOKED)


@pytest.mark.django_db
def test_a_canceled_intent_is_never_open_again() -> None:
    order = make_order("10.00")
    intent = IntentFacts(
        id="pi_1", status="canceled", amount=1000, amount_received=0, currency="usd",
        client_secret="", charge_id="", order_id=str(order.id), error_code="", error_message="",
    )  # fmt: skip
    assert services.settle(intent=intent).state == "canceled"
    late = replace(intent, status="requires_payment_method")
    assert services.settle(intent=late).state == "canceled"
    payment = Payment.objects.get()
    assert (payment.status, payment.stripe_status) == ("failed", "canceled")
