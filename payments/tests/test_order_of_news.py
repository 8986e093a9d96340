"""Refunds and disputes of one payment: in whatever order we hear of them, the ledger and the
documents end the same, and no more is credited than was invoiced."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction
from django.db.models import Sum

from core.constraints import check_constraints_now
from core.money import ZERO
from orders.models import CreditNote, Invoice, Order, OrderItem
from payments import books, services
from payments.models import LedgerEntry, Payment, Refund
from payments.tests.money import (
    buy_taxed,
    dispute_facts,
    hear,
    plan_decided,
)

pytestmark = pytest.mark.django_db

# 11.90, 17.85 and 5.95: 35.70 with 5.70 of tax.
LINES = (("10.00", "1.90"), ("15.00", "2.85"), ("5.00", "0.95"))


@pytest.fixture
def paid() -> Payment:
    """A paid order of three lines, each of an instructor of its own, with 19 % tax."""
    return buy_taxed(LINES)


# What is heard of one refund or dispute: whose (a refund's number, "d1" for a dispute), how much,
# of which line (None for none), and its states, in their order.
Life = tuple[str, str, int | None, tuple[str, ...]]
PART: Life = ("1", "10.00", None, ("succeeded",))
LOST: Life = ("d1", "35.70", None, ("needs_response", "lost"))

STORIES: dict[str, tuple[Life, ...]] = {
    "a part and all of it": (PART, LOST),
    "a line and a part of all": (
        ("1", "11.90", 0, ("succeeded",)),
        ("d1", "20.00", None, ("needs_response", "lost")),
    ),
    "a line that is left and a part of all": (
        ("1", "5.00", 1, ("succeeded",)),
        ("d1", "20.00", None, ("needs_response", "lost")),
    ),
    "all of it twice": (("1", "35.70", None, ("succeeded",)), LOST),
    "a part, a line and all of it": (
        PART,
        ("2", "17.85", 1, ("succeeded",)),
        ("d1", "35.70", None, ("lost",)),
    ),
    "a part that fails": (("1", "10.00", None, ("succeeded", "failed")), LOST),
    "a line that fails": (
        ("1", "11.90", 0, ("succeeded", "failed")),
        ("d1", "20.00", None, ("needs_response", "lost")),
    ),
    "won after all": (PART, ("d1", "35.70", None, ("needs_response", "lost", "won"))),
    "a part of it won after all": (
        ("1", "11.90", 0, ("succeeded",)),
        ("d1", "20.00", None, ("lost", "appeal_needs_response", "won")),
    ),
    "an appeal that goes on": (PART, ("d1", "35.70", None, ("lost", "appeal_under_review"))),
    "two disputes": (
        ("1", "11.90", 0, ("succeeded",)),
        ("d1", "20.00", None, ("lost",)),
        ("d2", "15.00", None, ("lost",)),
    ),
}  # fmt: skip


@pytest.mark.parametrize("story", STORIES.values(), ids=STORIES)
def test_the_order_of_the_news_changes_nothing(paid: Payment, story: Sequence[Life]) -> None:
    ends = {}
    planned = plan(paid, story)
    for told in interleave([[(life, state) for state in life[3]] for life in story]):
        with transaction.atomic():
            for life, state in told:
                tell(paid, planned, life, state)
                assert_nothing_is_credited_twice(paid)
            check_constraints_now()
            assert books.verify() == [], told
            ends[tuple((life[0], state) for life, state in told)] = end_of(paid)
            transaction.set_rollback(True)
    ((usual, expected), *others) = ends.items()
    for unusual, end in others:
        assert end == expected, f"{unusual} ends otherwise than {usual}"


def test_a_refund_that_is_heard_of_late_is_credited_before_the_dispute(paid: Payment) -> None:
    for state in ("needs_response", "lost"):
        services.sync_dispute(facts=dispute_facts(paid, state))
    hear(paid, "succeeded", amount="10.00")
    notes = CreditNote.objects.order_by("number").values_list("total_amount", "tax_amount")
    live = notes.filter(voided_at=None)
    assert list(live.filter(dispute_id=None)) == [(Decimal("10.00"), Decimal("1.60"))]
    assert list(live.filter(refund_id=None)) == [(Decimal("25.70"), Decimal("4.10"))]
    assert list(notes.exclude(voided_at=None)) == [(Decimal("35.70"), Decimal("5.70"))]
    assert loss_of(paid) == Decimal("10.00")
    assert books.verify() == []


def interleave(lives: Sequence[Sequence[Any]]) -> Iterator[list[Any]]:
    """Yield every order in which what is told of several may come, each in its own."""
    if not any(lives):
        yield []
    for place, life in enumerate(lives):
        if life:
            rest = [*lives[:place], life[1:], *lives[place + 1 :]]
            yield from ([life[0], *others] for others in interleave(rest))


def plan(paid: Payment, story: Sequence[Life]) -> dict[str, Refund]:
    """Decide the refunds that name a line; the others were made at Stripe."""
    items = list(paid.order.items.order_by("created_at", "id"))
    return {
        who: plan_decided(paid, amount, item=items[line])
        for who, amount, line, _ in story
        if line is not None
    }


def tell(paid: Payment, planned: dict[str, Refund], life: Life, state: str) -> None:
    who, amount, _, _ = life
    if who.startswith("d"):
        facts = dispute_facts(paid, state, number=int(who[1:]))
        services.sync_dispute(facts=replace(facts, amount=int(Decimal(amount) * 100)))
        return
    refund_id = planned[who].id if who in planned else ""
    hear(paid, state, amount=amount, number=int(who), refund_id=refund_id)


def assert_nothing_is_credited_twice(paid: Payment) -> None:
    """Neither of the invoice, nor of a line of it, nor of its tax."""
    invoice = Invoice.objects.get(order_id=paid.order_id)
    credited: dict[str | None, Decimal] = defaultdict(lambda: ZERO)
    tax = ZERO
    for note in CreditNote.objects.filter(voided_at=None):
        tax += note.tax_amount
        for line in note.lines:
            credited[line.get("course_id")] += Decimal(line["amount"])
    assert sum(credited.values(), ZERO) <= invoice.total_amount
    assert tax <= invoice.tax_amount
    for item in OrderItem.objects.filter(order_id=paid.order_id):
        assert credited[str(item.course_id)] <= item.paid_amount


def end_of(paid: Payment) -> dict[Any, Any]:
    """What is left: on each account of the books, on the documents, and of the order."""
    order = Order.objects.get(id=paid.order_id)
    accounts = LedgerEntry.objects.values_list("account", "instructor", "order_item")
    notes = CreditNote.objects.filter(voided_at=None)
    return {
        **{tuple(row[:3]): row[3] for row in accounts.annotate(sum=Sum("amount")) if row[3]},
        "credited": notes.aggregate(amount=Sum("total_amount"), tax=Sum("tax_amount")),
        "order": (order.status, order.refunded_amount),
        "lines": list(order.items.order_by("id").values_list("state", "refunded_amount")),
    }


def loss_of(paid: Payment) -> Decimal:
    entries = LedgerEntry.objects.filter(
        transaction__payment=paid, account="platform", order_item=None
    )
    total: Decimal | None = entries.aggregate(sum=Sum("amount"))["sum"]
    return total or ZERO
