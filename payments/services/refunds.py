"""Deciding that money goes back: a row that says so, reserved on its payment, in one transaction.

A worker sends it afterwards (`refund_sending`), and what Stripe says of it is taken into the order
(`refund_sync`). The payment's row lock serialises all refunds of its money, whoever begins them.
"""

import uuid
from collections.abc import Collection, Mapping
from decimal import Decimal

from django.db import transaction
from django.utils import timezone

from core import audit
from core.errors import Invalid
from core.money import ZERO
from core.nudge import nudge
from orders import selectors as order_selectors
from orders.errors import RefundNotPossible
from payments.models import Dispute, Payment, Refund, RefundLine
from payments.selectors import RefundableLine, list_refundable_lines, pays_its_order
from payments.services.locking import lock_succeeded_payment
from payments.state import INQUIRIES, DisputeStatus

# Why no lines of a payment can be refunded that didn't pay its order.
NO_LINE = "This money stands for no line; refund the whole payment"


def refund_order(
    *,
    order_id: uuid.UUID,
    item_ids: Collection[uuid.UUID] | None,
    note: str,
    actor_id: uuid.UUID,
) -> Refund:
    """Have these lines of the order refunded, or (None) all that is left of it, by decision of
    staff; audited. `note` is staff's own.

    Raises OrderNotFound, Invalid for a line of another order, and RefundNotPossible when nothing
    was paid, the lines or all of the money are back or on their way, or the payment is disputed.
    """
    with transaction.atomic():
        payment = lock_paying_payment(order_id=order_id)
        refund = plan_lines(
            payment=payment, item_ids=item_ids, reason="requested", note=note, actor_id=actor_id
        )
        _audit(refund)
    return refund


def refund_payment(
    *,
    payment_id: uuid.UUID,
    item_ids: Collection[uuid.UUID] | None,
    note: str,
    actor_id: uuid.UUID,
) -> Refund:
    """Have this payment refunded, wherever it stands: as `refund_order` when it paid its order; all
    that is left of it when it stands for none (too late, twice, the wrong amount) and its automatic
    refund came to nothing. Raises as `refund_order`, and RefundNotPossible for lines, even none,
    of money that stands for none."""
    with transaction.atomic():
        known = Payment.objects.select_for_update().filter(id=payment_id).first()
        payment = _require_paid(known)
        if pays_its_order(payment=payment):
            refund = plan_lines(
                payment=payment, item_ids=item_ids, reason="requested", note=note, actor_id=actor_id
            )
        else:
            check_undisputed(payment=payment)
            # Whoever names lines means their amounts, and all of it would go back.
            if item_ids is not None:
                raise RefundNotPossible(NO_LINE)
            refund = plan_refund(
                payment=payment,
                reason="requested",
                amount=payment.amount - payment.refunding_amount,
                note=note,
                requested_by_id=actor_id,
            )
        _audit(refund)
    return refund


def lock_paying_payment(*, order_id: uuid.UUID) -> Payment:
    """Return the payment whose money stands for the order, locked until the caller's transaction
    ends. Raises OrderNotFound, or RefundNotPossible when nothing was paid."""
    order = order_selectors.get_order_for_payment(order_id=order_id, user_id=None)
    payment = lock_succeeded_payment(intent_id=order.payment_id)
    if payment is None:
        raise RefundNotPossible("Nothing was paid for this order", status=order.status)
    return payment


def plan_lines(
    *,
    payment: Payment,
    item_ids: Collection[uuid.UUID] | None,
    reason: str,
    note: str,
    actor_id: uuid.UUID,
) -> Refund:
    """Plan the refund of what is left of these lines, or (None) of the whole payment. The caller
    holds the payment's lock. Raises as `refund_order`."""
    check_undisputed(payment=payment)
    total, amounts = weigh_lines(payment=payment, item_ids=item_ids)
    return plan_refund(
        payment=payment,
        reason=reason,
        amount=total,
        lines=amounts,
        note=note,
        requested_by_id=actor_id,
    )


def weigh_lines(
    *, payment: Payment, item_ids: Collection[uuid.UUID] | None
) -> tuple[Decimal, dict[uuid.UUID, Decimal]]:
    """Return what a refund of these lines, or (None) of the whole payment, comes to, and what of it
    is for which line. Raises as `choose_lines`."""
    room = payment.amount - payment.refunding_amount
    lines = choose_lines(payment=payment, item_ids=item_ids)
    amounts = {line.id: line.left_amount for line in lines}
    total = sum(amounts.values(), ZERO)
    if item_ids is None and total != room:
        # Something went back without a line's name: what is left has none either.
        return room, {}
    return total, amounts


def choose_lines(
    *, payment: Payment, item_ids: Collection[uuid.UUID] | None
) -> list[RefundableLine]:
    """Return these lines (None: all) of the payment's order with what is left of each. Raises
    Invalid for one that isn't the order's, RefundNotPossible for one with nothing left."""
    lines = list_refundable_lines(payment=payment)
    if item_ids is None:
        return [line for line in lines if line.is_refundable]
    chosen = [line for line in lines if line.id in item_ids]
    unknown = sorted({*item_ids} - {line.id for line in chosen})
    if unknown:
        raise Invalid(
            "Some items are not of this order",
            items=[f"{item_id} is not an item of this order." for item_id in unknown],
        )
    spent = [line for line in chosen if not line.is_refundable]
    if spent:
        raise RefundNotPossible(
            "Some items are refunded already, or about to be",
            items=[{"id": str(line.id), "title": line.title} for line in spent],
        )
    return chosen


def check_undisputed(*, payment: Payment) -> None:
    """Raise RefundNotPossible while the bank has the money, or has kept it: Stripe refunds no
    charge that is charged back."""
    harmless = [*INQUIRIES, DisputeStatus.WON]
    if Dispute.objects.filter(payment=payment).exclude(status__in=harmless).exists():
        raise RefundNotPossible("The buyer's bank has taken this money back")


def check_room(*, payment: Payment, amount: Decimal) -> None:
    """Raise RefundNotPossible for an amount that is nothing, or more than is left."""
    left = payment.amount - payment.refunding_amount
    if amount <= 0:
        raise RefundNotPossible("There is nothing to refund", left=left)
    if amount > left:
        raise RefundNotPossible("More would go back than was paid", left=left)


def find_obstacle(*, payment: Payment) -> str | None:
    """Return why nothing of the payment can be refunded now, in words; None when something can. A
    look ahead: the refund itself asks again, under the payment's lock."""
    try:
        _require_paid(payment)
        check_undisputed(payment=payment)
        check_room(payment=payment, amount=payment.amount - payment.refunding_amount)
    except RefundNotPossible as exc:
        return exc.message
    return None


def plan_refund(
    *,
    payment: Payment,
    reason: str,
    amount: Decimal | None = None,
    lines: Mapping[uuid.UUID, Decimal] | None = None,
    note: str = "",
    requested_by_id: uuid.UUID | None = None,
) -> Refund:
    """Write down that money is to go back, and reserve it; a worker sends it.

    With `lines` (order item → amount) it is for those lines and their sum, else for `amount`. The
    caller's transaction holds the payment's lock. Raises RefundNotPossible when that is nothing, or
    more than is left of the payment.
    """
    lines = lines or {}
    total = sum(lines.values(), ZERO) if amount is None else amount
    reserve(payment=payment, amount=total)
    refund = Refund.objects.create(
        payment=payment,
        amount=total,
        reason=reason,
        note=note,
        requested_by_id=requested_by_id,
        next_attempt_at=timezone.now(),
    )
    RefundLine.objects.bulk_create(
        RefundLine(refund=refund, order_item_id=item, amount=part) for item, part in lines.items()
    )
    transaction.on_commit(lambda: nudge("payments.tasks.send_due_refunds"))
    return refund


def reserve(*, payment: Payment, amount: Decimal) -> None:
    """Set money of the payment aside for a refund, under its lock: two refunds together never give
    back more than was paid. Raises RefundNotPossible."""
    check_room(payment=payment, amount=amount)
    payment.refunding_amount += amount
    payment.save(update_fields=["refunding_amount", "updated_at"])


def release(*, payment: Payment, amount: Decimal) -> None:
    """Give back what was reserved for a refund that came to nothing, under the payment's lock."""
    payment.refunding_amount -= amount
    payment.save(update_fields=["refunding_amount", "updated_at"])


def _require_paid(payment: Payment | None) -> Payment:
    if payment is None or payment.status != Payment.Status.SUCCEEDED:
        raise RefundNotPossible("Nothing was paid")
    return payment


def _audit(refund: Refund) -> None:
    refunding = refund.payment.refunding_amount
    audit.record_audit(
        actor_id=refund.requested_by_id,
        action="order.refund_planned",
        target_type="order",
        target_id=refund.payment.order_id,
        details={
            "refund": str(refund.id),
            "amount": str(refund.amount),
            "note": refund.note,
            "before": {"refunding_amount": str(refunding - refund.amount)},
            "after": {"refunding_amount": str(refunding)},
        },
    )
