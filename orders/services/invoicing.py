"""Invoices and credit notes: numbered without gaps, and frozen as they were."""

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.conf import settings
from django.db.models import Sum
from django.utils import timezone

from core.bulk import insert_all
from core.constraints import check_constraints_now
from core.money import ZERO, quantize
from enrollments import services as enrollment_services
from orders.models import CreditNote, Invoice, Order, OrderItem
from orders.numbers import next_credit_note_number, next_invoice_numbers

# What a credit note calls money that went back for no certain course.
_REST = "Partial refund"


def finish_orders(*, order_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, str]:
    """Do for completed orders what others wait for, in the transaction that completed them and as
    its last act: count the students of what they opened, and give them their invoices, dated as
    they were completed; returns the invoices' numbers by order. Everybody's settlements wait for
    the counters and the numbers that this one takes, so what the database checks at the commit is
    checked before that. Raises ValueError for an order that isn't completed. None takes no number,
    and many take theirs together."""
    orders = list(
        Order.objects.filter(id__in=order_ids).select_related("user").order_by("completed_at", "id")
    )
    if not orders:
        return {}
    lines: dict[uuid.UUID, list[dict[str, str]]] = {order.id: [] for order in orders}
    opened: list[uuid.UUID] = []
    for item in OrderItem.objects.filter(order_id__in=lines).order_by("created_at", "id"):
        lines[item.order_id].append(describe_line(item))
        if item.state == OrderItem.State.FULFILLED:
            opened.append(item.course_id)
    invoices = [_draft_invoice(order, lines[order.id]) for order in orders]
    check_constraints_now()
    enrollment_services.count_bought(course_ids=opened)
    numbers = next_invoice_numbers(times=[invoice.issued_at for invoice in invoices])
    for invoice, number in zip(invoices, numbers, strict=True):
        invoice.number = number
    insert_all(invoices)
    return {invoice.order_id: invoice.number for invoice in invoices}


def _draft_invoice(order: Order, lines: list[dict[str, str]]) -> Invoice:
    if order.completed_at is None:
        raise ValueError("Only a completed order has an invoice")
    return Invoice(
        order=order,
        issued_at=order.completed_at,
        total_amount=order.total_amount,
        tax_amount=order.tax_amount,
        tax_lines=order.tax_lines,
        currency=order.currency,
        billing_address=order.billing_address or _name_buyer(order),
        seller=name_seller(),
        lines=lines,
    )


@dataclass(frozen=True, kw_only=True)
class BookedTax:
    """The tax in what goes back, as the ledger took it: in all, and of the money that lines are
    named for; major units."""

    total: Decimal
    by_line: Mapping[uuid.UUID, Decimal]


def issue_credit_note(
    *,
    order_id: uuid.UUID,
    refund_id: uuid.UUID,
    lines: Mapping[uuid.UUID, Decimal],
    rest: Decimal,
    booked: BookedTax | None = None,
) -> CreditNote | None:
    """Credit a refund against the order's invoice, once a refund, in the transaction that took it
    into the order and as its last act, as `finish_orders` is: everybody's refunds wait for the
    number. None for an order without an invoice, and where nothing goes back.

    `lines` are what goes back by line, `rest` is of no certain one. The tax in it is what is
    `booked` of it, else each line's own. It is never more than the invoice's, and the note that
    makes the refund whole takes what is left of it, so that all of the notes together have the
    invoice's tax to the cent.
    """
    invoice = Invoice.objects.select_related("order").filter(order_id=order_id).first()
    if invoice is None:
        return None
    items = OrderItem.objects.filter(id__in=lines.keys()).order_by("id")
    told = _credit_lines(invoice, [(item, lines[item.id]) for item in items], rest, booked)
    if not told:
        return None
    return _issue(CreditNote(invoice=invoice, refund_id=refund_id, lines=told))


def void_credit_note(*, refund_id: uuid.UUID) -> None:
    """Mark the note of a refund that failed at the bank as void; it keeps its number."""
    CreditNote.objects.filter(refund_id=refund_id, voided_at=None).update(
        voided_at=timezone.now(), updated_at=timezone.now()
    )


@dataclass(frozen=True, kw_only=True)
class LostMoney:
    """What a dispute took of a line, and what of it was tax; major units."""

    amount: Decimal
    tax: Decimal


def credit_lost_money(
    *, order_id: uuid.UUID, dispute_id: uuid.UUID, lines: Mapping[uuid.UUID, LostMoney]
) -> None:
    """See to it that what a lost dispute took of these lines is credited against the order's
    invoice: a note that is there over something else is void, and one over this takes its place,
    if it took anything.

    The tax is as given, but never more than is left of the invoice's, and all that is left of it
    once everything is credited. Again it changes nothing: the caller holds the payment's lock,
    under which all notes of an order are issued, and calls this as its last act, as the number is
    taken from everybody's series.
    """
    invoice = Invoice.objects.filter(order_id=order_id).first()
    if invoice is None:
        return
    if void_outdated_credit(dispute_id=dispute_id, lines=lines):
        return
    total = sum((line.amount for line in lines.values()), start=ZERO)
    if told := _tell_lost(invoice, lines, total):
        _issue(CreditNote(invoice=invoice, dispute_id=dispute_id, lines=told))


def void_outdated_credit(*, dispute_id: uuid.UUID, lines: Mapping[uuid.UUID, LostMoney]) -> bool:
    """Return whether the dispute's note is over what it took of these lines; one over anything else
    is void then."""
    live = CreditNote.objects.filter(dispute_id=dispute_id, voided_at=None).first()
    if live is None:
        return False
    courses = OrderItem.objects.filter(id__in=lines.keys()).values_list("id", "course_id")
    due = {str(course): lines[item].amount for item, course in courses if lines[item].amount > 0}
    if due == {line["course_id"]: Decimal(line["amount"]) for line in live.lines}:
        return True
    void_lost_credit(dispute_id=dispute_id)
    return False


def void_lost_credit(*, dispute_id: uuid.UUID) -> None:
    """Mark the note of a dispute, such as one that was won on appeal, as void; it keeps its
    number."""
    now = timezone.now()
    CreditNote.objects.filter(dispute_id=dispute_id, voided_at=None).update(
        voided_at=now, updated_at=now
    )


def name_seller() -> dict[str, str]:
    """Return who sells, by the settings."""
    return {
        "name": settings.SELLER_NAME,
        "address": settings.SELLER_ADDRESS,
        "tax_id": settings.SELLER_TAX_ID,
    }


def describe_line(item: OrderItem) -> dict[str, str]:
    """Return an order's line as its invoice keeps it, amounts as texts in major units; `amount` is
    after discount, before tax."""
    return {
        "course_id": str(item.course_id),
        "title": item.title_at_purchase,
        "price": str(item.price_at_purchase),
        "discount": str(item.discount_amount),
        "amount": str(item.price_at_purchase - item.discount_amount),
        "tax": str(item.tax_amount),
    }


def _issue(note: CreditNote) -> CreditNote:
    """Number and save a note that says all else. What the database checks at the commit is checked
    before the number is taken."""
    note.issued_at = timezone.now()
    note.currency = note.invoice.currency
    note.total_amount = sum((Decimal(line["amount"]) for line in note.lines), start=ZERO)
    note.tax_amount = _tax_of(note.lines)
    check_constraints_now()
    note.number = next_credit_note_number(at=note.issued_at)
    note.save(force_insert=True)
    return note


def _credit_lines(
    invoice: Invoice,
    shares: Sequence[tuple[OrderItem, Decimal]],
    rest: Decimal,
    booked: BookedTax | None,
) -> list[dict[str, str]]:
    order = invoice.order
    credited = invoice.credit_notes.filter(voided_at=None).aggregate(sum=Sum("tax_amount"))["sum"]
    tax_left = invoice.tax_amount - (credited or ZERO)
    lines = [_credit(item, amount, booked) for item, amount in shares if amount > 0]
    if rest > 0:
        lines.append(_credit_rest(order, rest, tax_left=max(tax_left - _tax_of(lines), ZERO)))
    if booked is not None:
        # What is of no line has what the named ones leave of it.
        _even_out(lines, tax=booked.total)
    if order.refunded_amount == order.total_amount or _tax_of(lines) > tax_left:
        # Lines and money of no line are rounded apart, which makes a cent.
        _even_out(lines, tax=tax_left)
    return lines


def _tell_lost(
    invoice: Invoice, lines: Mapping[uuid.UUID, LostMoney], total: Decimal
) -> list[dict[str, str]]:
    sums = invoice.credit_notes.filter(voided_at=None).aggregate(
        credited=Sum("total_amount"), tax=Sum("tax_amount")
    )
    tax_left = invoice.tax_amount - (sums["tax"] or ZERO)
    items = OrderItem.objects.filter(id__in=lines.keys()).order_by("created_at", "id")
    told = [
        {
            "course_id": str(item.course_id),
            "title": item.title_at_purchase,
            "amount": str(lines[item.id].amount),
            "tax": str(lines[item.id].tax),
        }
        for item in items
        if lines[item.id].amount > 0
    ]
    is_whole = (sums["credited"] or ZERO) + total == invoice.total_amount
    if is_whole or _tax_of(told) > tax_left:
        _even_out(told, tax=tax_left)
    return told


def _credit(item: OrderItem, amount: Decimal, booked: BookedTax | None) -> dict[str, str]:
    if booked is None:
        before = item.refunded_amount - amount
        tax = _tax_within(item, item.refunded_amount) - _tax_within(item, before)
    else:
        tax = booked.by_line.get(item.id, ZERO)
    return {
        "course_id": str(item.course_id),
        "title": item.title_at_purchase,
        "amount": str(amount),
        "tax": str(tax),
    }


def _tax_within(item: OrderItem, refunded: Decimal) -> Decimal:
    """Return how much of what was refunded of a line is tax."""
    return quantize(item.tax_amount * refunded / item.paid_amount) if refunded > 0 else ZERO


def _credit_rest(order: Order, rest: Decimal, *, tax_left: Decimal) -> dict[str, str]:
    """Return the line for money of no certain course: its tax is in the proportion of what is
    left."""
    # The order's refunded amount has this refund already.
    money_left = order.total_amount - order.refunded_amount + rest
    tax = min(quantize(tax_left * rest / money_left), rest) if money_left > 0 else ZERO
    return {"title": _REST, "amount": str(rest), "tax": str(tax)}


def _even_out(lines: Sequence[dict[str, str]], *, tax: Decimal) -> None:
    """Change the lines' tax so that it adds up to this, the last line's first, and none to less
    than nothing or more than its amount."""
    missing = tax - _tax_of(lines)
    for line in reversed(lines):
        before = Decimal(line["tax"])
        after = min(max(before + missing, ZERO), Decimal(line["amount"]))
        line["tax"] = str(after)
        missing -= after - before


def _tax_of(lines: Sequence[Mapping[str, str]]) -> Decimal:
    return sum((Decimal(line["tax"]) for line in lines), start=ZERO)


def _name_buyer(order: Order) -> dict[str, str]:
    user = order.user
    if user is None:
        return {}
    return {"first_name": user.first_name, "last_name": user.last_name, "email": user.email}
