"""Reads of receipts and credit notes: what is on them, and the files."""

import datetime as dt
import uuid
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import TypedDict

from core.money import ZERO, quantize
from orders.documents import (
    DocumentFacts,
    DocumentLine,
    Kind,
    Sum,
    find_unprintable,
    render_document,
)
from orders.documents.facts import name_tax, read_buyer, read_seller
from orders.errors import (
    CreditNoteNotFound,
    DocumentHeldBack,
    OrderNotFound,
    ReceiptNotFound,
)
from orders.models import CreditNote, Invoice, Order


@dataclass(frozen=True, kw_only=True)
class HeldDocument:
    """A receipt that can't be printed, and the letters that are why."""

    id: uuid.UUID
    number: str
    order_number: str
    issued_at: dt.datetime
    characters: tuple[str, ...]


class CreditNoteRow(TypedDict):
    """A credit note in a list. `voided_at` is set when its refund failed at the bank after all, or
    its dispute was won on appeal."""

    number: str
    issued_at: dt.datetime
    voided_at: dt.datetime | None
    total_amount: Decimal
    tax_amount: Decimal
    currency: str


def get_receipt(*, order_id: uuid.UUID, user_id: uuid.UUID | None) -> tuple[str, bytes]:
    """Return a file name and the receipt of a paid order as a PDF, drawn from its invoice.

    `user_id` None reads anybody's: for staff. Raises OrderNotFound, also for somebody else's,
    ReceiptNotFound while nothing is settled, and DocumentHeldBack while it can't be printed.
    """
    order = _get_order(order_id=order_id, user_id=user_id)
    invoice = Invoice.objects.filter(order_id=order.id).first()
    if invoice is None:
        raise ReceiptNotFound
    return f"{invoice.number}.pdf", _draw(_receipt_facts(order, invoice))


def find_held_receipts(*, order_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, HeldDocument]:
    """Return, by order, the receipts of money that can't be printed and why. One query."""
    invoices = Invoice.objects.select_related("order").filter(
        order_id__in=order_ids, total_amount__gt=0
    )
    return {
        invoice.order_id: HeldDocument(
            id=invoice.id,
            number=invoice.number,
            order_number=invoice.order.order_number,
            issued_at=invoice.issued_at,
            characters=characters,
        )
        for invoice in invoices
        if (characters := explain_held(document=invoice))
    }


def explain_held(*, document: Invoice | CreditNote) -> tuple[str, ...]:
    """Return the letters for which the document is held back; none when it can be printed."""
    if isinstance(document, Invoice):
        return find_unprintable(_receipt_facts(document.order, document))
    order = document.invoice.order
    return find_unprintable(_credit_note_facts(order, document, [document]))


def list_credit_notes(*, order_id: uuid.UUID, user_id: uuid.UUID | None) -> list[CreditNoteRow]:
    """Return the credit notes of an order, oldest first. Raises
    OrderNotFound; `user_id` as in `get_receipt`."""
    order = _get_order(order_id=order_id, user_id=user_id)
    notes = CreditNote.objects.filter(invoice__order_id=order.id).order_by("number")
    return [
        {
            "number": note.number,
            "issued_at": note.issued_at,
            "voided_at": note.voided_at,
            "total_amount": note.total_amount,
            "tax_amount": note.tax_amount,
            "currency": note.currency,
        }
        for note in notes
    ]


def list_credited_disputes(*, dispute_ids: Collection[uuid.UUID]) -> set[uuid.UUID]:
    """Return which of these disputes have a credit note that isn't void."""
    notes = CreditNote.objects.filter(dispute_id__in=dispute_ids, voided_at=None)
    return {found for found in notes.values_list("dispute_id", flat=True) if found is not None}


def get_credit_note(
    *, order_id: uuid.UUID, number: str, user_id: uuid.UUID | None
) -> tuple[str, bytes]:
    """Return a file name and a credit note as a PDF. Raises OrderNotFound, CreditNoteNotFound or
    DocumentHeldBack; `user_id` as in `get_receipt`."""
    order = _get_order(order_id=order_id, user_id=user_id)
    notes = CreditNote.objects.select_related("invoice").filter(invoice__order_id=order.id)
    # Compared here: the database takes no text with a NUL, which an address may have.
    note = next((note for note in notes if note.number == number), None)
    if note is None:
        raise CreditNoteNotFound
    return f"{note.number}.pdf", _draw(_credit_note_facts(order, note, notes))


def _draw(facts: DocumentFacts) -> bytes:
    if characters := find_unprintable(facts):
        raise DocumentHeldBack(characters=list(characters))
    return render_document(facts)


def _get_order(*, order_id: uuid.UUID, user_id: uuid.UUID | None) -> Order:
    orders = Order.objects.filter(id=order_id)
    if user_id is not None:
        orders = orders.filter(user_id=user_id)
    order = orders.first()
    if order is None:
        raise OrderNotFound
    return order


def _receipt_facts(order: Order, invoice: Invoice) -> DocumentFacts:
    discount = sum((Decimal(line.get("discount", "0")) for line in invoice.lines), start=ZERO)
    net = invoice.total_amount - invoice.tax_amount
    sums = [Sum(label="Subtotal", amount=net + discount)]
    if discount:
        sums.append(Sum(label="Discount", amount=-discount))
    sums += [Sum(label=name_tax(tax), amount=Decimal(tax["amount"])) for tax in invoice.tax_lines]
    return DocumentFacts(
        kind=Kind.RECEIPT,
        number=invoice.number,
        issued_on=invoice.issued_at.astimezone(dt.UTC).date(),
        seller=read_seller(invoice.seller),
        buyer=read_buyer(invoice.billing_address),
        references=(("Order", order.order_number),),
        lines=tuple(
            DocumentLine(
                title=line["title"],
                price=Decimal(line["price"]),
                discount=Decimal(line["discount"]),
                amount=Decimal(line["amount"]),
            )
            for line in invoice.lines
        ),
        sums=tuple(sums),
        total=Sum(label="Total paid", amount=invoice.total_amount),
        currency=invoice.currency,
        notes=(_how_paid(order),),
    )


def _credit_note_facts(
    order: Order, note: CreditNote, notes: Iterable[CreditNote]
) -> DocumentFacts:
    is_lost = note.dispute_id is not None
    void = _why_void(note, notes)
    return DocumentFacts(
        kind=Kind.CREDIT_NOTE,
        number=note.number,
        issued_on=note.issued_at.astimezone(dt.UTC).date(),
        seller=read_seller(note.invoice.seller),
        buyer=read_buyer(note.invoice.billing_address),
        references=(("Invoice", note.invoice.number), ("Order", order.order_number)),
        lines=tuple(
            DocumentLine(title=line["title"], amount=Decimal(line["amount"]) - Decimal(line["tax"]))
            for line in note.lines
        ),
        sums=_credited_sums(note),
        total=Sum(
            label="Total credited" if is_lost else "Total refunded", amount=note.total_amount
        ),
        currency=note.currency,
        notes=() if void else (_where_it_went(is_lost),),
        void=void,
    )


def _where_it_went(is_lost: bool) -> str:
    if is_lost:
        return "The bank gave the money back, as the payment was disputed."
    return "The money goes back the way it was paid."


def _why_void(note: CreditNote, notes: Iterable[CreditNote]) -> str:
    """Return why the note is void, "" if it isn't; `notes` are all of its order."""
    if note.voided_at is None:
        return ""
    if note.dispute_id is None:
        return "the refund it is for failed at the bank"
    if any(one.dispute_id == note.dispute_id and one.number > note.number for one in notes):
        return "another credit note takes its place"
    return "the bank decided the dispute for us after all"


def _credited_sums(note: CreditNote) -> tuple[Sum, ...]:
    """Return what is credited by the taxes that the invoice names, each in its proportion; the last
    has the cents of rounding."""
    if not note.tax_amount:
        return ()
    sums = [Sum(label="Net", amount=note.total_amount - note.tax_amount)]
    taxes, left = note.invoice.tax_lines, note.tax_amount
    for place, tax in enumerate(taxes, start=1):
        share = quantize(note.tax_amount * Decimal(tax["amount"]) / note.invoice.tax_amount)
        amount = left if place == len(taxes) else min(share, left)
        sums.append(Sum(label=name_tax(tax), amount=amount))
        left -= amount
    return tuple(sums) if taxes else (*sums, Sum(label="Tax", amount=note.tax_amount))


def _how_paid(order: Order) -> str:
    if not order.payment_method:
        return "Nothing had to be paid."
    return f"Paid by card or bank through Stripe, reference {order.transaction_id}."
