"""Invoices and credit notes: numbered without gaps, and frozen as they were."""

import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db.models import Sum
from django.utils import timezone

from core.money import ZERO, quantize
from orders.models import CreditNote, Invoice, Order, OrderItem
from orders.numbers import next_credit_note_number, next_invoice_number

# What a credit note calls money that went back for no certain course.
_REST = "Partial refund"


def issue_invoice(*, order: Order, items: Sequence[OrderItem], at: dt.datetime) -> Invoice:
    """Give a settled order its invoice, in the transaction that settles it. The last lock to be
    taken: everybody's settlements share the series."""
    return Invoice.objects.create(
        order=order,
        issued_at=at,
        total_amount=order.total_amount,
        tax_amount=order.tax_amount,
        tax_lines=order.tax_lines,
        currency=order.currency,
        billing_address=order.billing_address or _name_buyer(order),
        seller=name_seller(),
        lines=[_line_of(item) for item in items],
        number=next_invoice_number(at=at),
    )


def issue_credit_note(
    *,
    order: Order,
    refund_id: uuid.UUID,
    shares: Sequence[tuple[OrderItem, Decimal]],
    rest: Decimal,
) -> CreditNote | None:
    """Credit a refund against the order's invoice, in the transaction that applies it; None for
    an order without one, and where nothing goes back.

    `shares` are what goes back of each line, whose `refunded_amount` has it already; `rest` is of
    no certain line. The tax in it is each line's own, so that after a whole refund the notes' tax
    is the invoice's to the cent. Takes the series' lock, so it comes late.
    """
    invoice = Invoice.objects.filter(order_id=order.id).first()
    if invoice is None:
        return None
    lines = [_credit(item, amount) for item, amount in shares if amount > 0]
    if rest > 0:
        lines.append(_credit_rest(order, invoice, rest, lines))
    if not lines:
        return None
    now = timezone.now()
    return CreditNote.objects.create(
        invoice=invoice,
        refund_id=refund_id,
        issued_at=now,
        total_amount=sum((Decimal(line["amount"]) for line in lines), start=ZERO),
        tax_amount=sum((Decimal(line["tax"]) for line in lines), start=ZERO),
        currency=order.currency,
        lines=lines,
        number=next_credit_note_number(at=now),
    )


def void_credit_note(*, refund_id: uuid.UUID) -> None:
    """Mark the note of a refund that failed at the bank as void; it keeps its number."""
    CreditNote.objects.filter(refund_id=refund_id, voided_at=None).update(
        voided_at=timezone.now(), updated_at=timezone.now()
    )


def name_seller() -> dict[str, str]:
    """Return who sells, by the settings."""
    return {
        "name": settings.SELLER_NAME,
        "address": settings.SELLER_ADDRESS,
        "tax_id": settings.SELLER_TAX_ID,
    }


def _line_of(item: OrderItem) -> dict[str, str]:
    return {
        "course_id": str(item.course_id),
        "title": item.title_at_purchase,
        "price": str(item.price_at_purchase),
        "discount": str(item.discount_amount),
        "amount": str(item.price_at_purchase - item.discount_amount),
        "tax": str(item.tax_amount),
    }


def _credit(item: OrderItem, amount: Decimal) -> dict[str, str]:
    before = item.refunded_amount - amount
    tax = _tax_within(item, item.refunded_amount) - _tax_within(item, before)
    return {
        "course_id": str(item.course_id),
        "title": item.title_at_purchase,
        "amount": str(amount),
        "tax": str(tax),
    }


def _tax_within(item: OrderItem, refunded: Decimal) -> Decimal:
    """Return how much of what was refunded of a line is tax."""
    return quantize(item.tax_amount * refunded / item.paid_amount) if refunded > 0 else ZERO


def _credit_rest(
    order: Order, invoice: Invoice, rest: Decimal, lines: Sequence[Mapping[str, Any]]
) -> dict[str, str]:
    """Return the line for money of no certain course: its tax is in the proportion of what is
    left, so that the last of the money takes the last of the tax."""
    credited = invoice.credit_notes.filter(voided_at=None).aggregate(sum=Sum("tax_amount"))["sum"]
    named = sum((Decimal(line["tax"]) for line in lines), start=ZERO)
    tax_left = max(invoice.tax_amount - (credited or ZERO) - named, ZERO)
    # The order's refunded amount has this refund already.
    money_left = order.total_amount - order.refunded_amount + rest
    tax = min(quantize(tax_left * rest / money_left), rest) if money_left > 0 else ZERO
    return {"title": _REST, "amount": str(rest), "tax": str(tax)}


def _name_buyer(order: Order) -> dict[str, str]:
    user = order.user
    if user is None:
        return {}
    return {"first_name": user.first_name, "last_name": user.last_name, "email": user.email}
