"""A lost dispute's credit note: what the ledger took of the lines, once, until it is won."""

import io
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

import pytest
from django.db.models import Sum
from django.test import Client
from pypdf import PdfReader

from core.money import ZERO
from orders import selectors as order_selectors
from orders.models import CreditNote, NumberSeries
from payments import services
from payments.models import Dispute, LedgerEntry, Payment, Refund
from payments.services import dispute_notes
from payments.tests.money import (
    assert_books_hold,
    buy_taxed,
    dispute_facts,
    hear,
    make_order,
    make_paid,
    settle,
)
from tests.emptying import unguarded
from tests.factories import StaffFactory, sign_in
from tests.parallel import run_in_parallel

pytestmark = pytest.mark.django_db


@pytest.fixture
def taxed() -> Payment:
    """An order of 40.00 and 60.00 with 19 % tax, paid."""
    return buy_taxed((("40.00", "7.60"), ("60.00", "11.40")))


def say(payment: Payment, *statuses: str, number: int = 1) -> None:
    for status in statuses:
        services.sync_dispute(facts=dispute_facts(payment, status, number=number))


def live() -> list[tuple[Decimal, Decimal]]:
    notes = CreditNote.objects.filter(voided_at=None).order_by("number")
    return list(notes.values_list("total_amount", "tax_amount"))


def numbers() -> list[int]:
    found = CreditNote.objects.order_by("number").values_list("number", flat=True)
    return [int(number[-5:]) for number in found]


def taken_as_tax(payment: Payment) -> Decimal:
    entries = LedgerEntry.objects.filter(account="tax", transaction__dispute__payment=payment)
    total: Decimal | None = entries.aggregate(sum=Sum("amount"))["sum"]
    return total or ZERO


def test_a_lost_dispute_is_credited_with_the_tax_that_the_ledger_took(taxed: Payment) -> None:
    say(taxed, "needs_response")
    assert live() == [], "nothing is decided"
    say(taxed, "lost")
    assert live() == [(Decimal("119.00"), Decimal("19.00"))]
    assert taken_as_tax(taxed) == Decimal("19.00")
    note = CreditNote.objects.get()
    assert (note.dispute_id, note.refund_id) == (Dispute.objects.get().id, None)
    lines = [(line["amount"], line["tax"]) for line in note.lines]
    assert lines == [("47.60", "7.60"), ("71.40", "11.40")]
    assert_books_hold()


def test_a_part_that_is_lost_is_credited_with_its_tax(taxed: Payment) -> None:
    services.sync_dispute(facts=replace(dispute_facts(taxed, "lost"), amount=2975))
    ((total, tax),) = live()
    assert (total, tax) == (Decimal("29.75"), taken_as_tax(taxed))
    assert tax == Decimal("4.75")
    assert_books_hold()


def test_again_and_out_of_order_it_is_one(taxed: Payment) -> None:
    say(taxed, "lost", "lost", "needs_response", "under_review", "lost")
    assert numbers() == [1]
    assert NumberSeries.objects.get(name__startswith="CN").last == 1


@pytest.mark.django_db(transaction=True)
def test_at_once_it_is_one(taxed: Payment) -> None:
    facts = dispute_facts(taxed, "lost")
    results = run_in_parallel(
        8,
        lambda number: (
            services.book_missing() if number % 2 else services.sync_dispute(facts=facts)
        ),
    )
    assert not [result for result in results if isinstance(result, Exception)]
    assert numbers() == [1]
    assert_books_hold()


def test_an_appeal_changes_nothing_until_it_is_won(taxed: Payment) -> None:
    say(taxed, "lost", "appeal_needs_response", "appeal_under_review")
    assert live() == [(Decimal("119.00"), Decimal("19.00"))]
    assert_books_hold()
    say(taxed, "lost")
    assert numbers() == [1], "lost again, it is credited already"
    say(taxed, "won")
    assert live() == []
    assert CreditNote.objects.get().voided_at is not None
    assert_books_hold()


@pytest.mark.parametrize(
    "story", [["warning_needs_response", "warning_closed"], ["needs_response", "won"]]
)
def test_what_took_nothing_for_good_is_not_credited(taxed: Payment, story: list[str]) -> None:
    say(taxed, *story)
    assert not CreditNote.objects.exists()
    assert_books_hold()


def test_money_that_stands_for_no_order_is_not_credited() -> None:
    order = make_order("50.00")
    settle(order)
    second = settle(order, number="second")
    say(second, "lost")
    assert not CreditNote.objects.exists()
    assert_books_hold()


def test_what_was_refunded_before_is_not_credited_twice(taxed: Payment) -> None:
    hear(taxed, "succeeded", amount="47.60")
    say(taxed, "lost")
    refunded, lost = live()
    assert (refunded[0], lost[0]) == (Decimal("47.60"), Decimal("71.40"))
    assert refunded[1] + lost[1] == Decimal("19.00"), "all of the invoice's tax, and no more"
    assert_books_hold()


def test_what_a_failed_refund_gives_back_is_credited_as_lost(taxed: Payment) -> None:
    hear(taxed, "succeeded", amount="47.60")
    say(taxed, "lost")
    hear(taxed, "failed", amount="47.60")
    assert live() == [(Decimal("119.00"), Decimal("19.00"))]
    assert numbers() == [1, 2, 3], "the two before it are void and keep their numbers"
    refunded, replaced, _ = CreditNote.objects.order_by("number")
    assert "Void: the refund it is for failed at the bank" in text_of(refunded)
    assert "Void: another credit note takes its place" in text_of(replaced)
    assert_books_hold()


def test_all_of_it_refunded_before_leaves_nothing_to_credit(taxed: Payment) -> None:
    hear(taxed, "succeeded", amount="119.00")
    say(taxed, "lost")
    assert [total for total, _ in live()] == [Decimal("119.00")]
    assert CreditNote.objects.get().refund_id == Refund.objects.get().id
    assert_books_hold()


def test_two_disputes_never_credit_more_than_was_invoiced(taxed: Payment) -> None:
    say(taxed, "lost", number=1)
    say(taxed, "lost", number=2)
    assert live() == [(Decimal("119.00"), Decimal("19.00"))]
    say(taxed, "won", number=1)
    assert_books_hold()


def text_of(note: CreditNote) -> str:
    """What the note says as a PDF."""
    _, content = order_selectors.get_credit_note(
        order_id=note.invoice.order_id, number=note.number, user_id=None
    )
    pages = PdfReader(io.BytesIO(content)).pages
    return " ".join(" ".join(page.extract_text().split()) for page in pages)


def test_a_note_says_what_became_of_its_dispute(taxed: Payment) -> None:
    say(taxed, "lost")
    note = CreditNote.objects.get()
    assert "VAT (19 %)" in text_of(note)
    assert "The bank gave the money back" in text_of(note)
    say(taxed, "won")
    assert "Void: the bank decided the dispute for us after all" in text_of(note)
    for wrong in ("failed at the bank", "gave the money back"):
        assert wrong not in text_of(note)


def forget_notes() -> None:
    """As if there never was a note, against the database's will."""
    with unguarded():
        CreditNote.objects.all().delete()
    NumberSeries.objects.filter(name__startswith="CN").delete()


def test_what_was_lost_under_the_version_before_is_credited(taxed: Payment) -> None:
    say(taxed, "lost")
    forget_notes()
    assert services.book_missing(everything=True) == 1
    assert live() == [(Decimal("119.00"), Decimal("19.00"))]
    Dispute.objects.update(status="won")
    assert services.book_missing(everything=True) >= 1
    assert live() == []


def test_one_that_cannot_be_credited_keeps_no_other_from_it(
    taxed: Payment, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = make_paid("10.00")
    say(taxed, "lost", number=1)
    say(other, "lost", number=2)
    forget_notes()
    list_lost: Callable[[Dispute], object] = dispute_notes._list_lost

    def fail_for_the_first(dispute: Dispute) -> object:
        if dispute.payment_id == taxed.id:
            raise RuntimeError("no")
        return list_lost(dispute)

    monkeypatch.setattr(dispute_notes, "_list_lost", fail_for_the_first)
    assert dispute_notes.settle_missing_notes(everything=True) == 1
    assert live() == [(Decimal("10.00"), ZERO)]


def test_the_buyer_and_staff_see_it(taxed: Payment) -> None:
    say(taxed, "lost")
    note, buyer = CreditNote.objects.get(), taxed.order.user
    assert buyer is not None
    listed = sign_in(buyer).get(f"/api/v1/orders/{taxed.order_id}/credit-notes/").json()["results"]
    assert [(one["number"], one["total_amount"], one["tax_amount"]) for one in listed] == [
        (note.number, 119.0, 19.0)
    ]
    name, content = order_selectors.get_credit_note(
        order_id=taxed.order_id, number=note.number, user_id=buyer.id
    )
    assert (name, content[:5]) == (f"{note.number}.pdf", b"%PDF-")
    staff = Client()
    staff.force_login(StaffFactory.create())
    page = staff.get(f"/admin/orders/creditnote/{note.id}/change/").content.decode()
    assert f"/admin/payments/dispute/{note.dispute_id}/change/" in page
    assert ">Refund</a>" not in page
