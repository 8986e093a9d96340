"""What a refund means for an order. The money itself is Stripe's and `payments`' business."""

import uuid
from collections.abc import Collection, Mapping
from decimal import Decimal

from core.money import ZERO
from core.outbox import record
from enrollments import services as enrollment_services
from enrollments.services import Reason
from orders.errors import RefundNotPossible
from orders.events import OrderRefunded, OrderRefundUndone
from orders.models import Order, OrderItem
from orders.services.invoicing import void_credit_note
from orders.services.locking import lock_order
from orders.services.standing import find_bought_again, find_standing_elsewhere
from orders.state import move_line, move_order


def apply_refund(
    *,
    order_id: uuid.UUID,
    refund_id: uuid.UUID,
    lines: Mapping[uuid.UUID, Decimal],
    rest: Decimal,
) -> None:
    """Take money that went back into the order: `lines` per order line, `rest` of no certain line.

    A line whose whole amount is back becomes refunded and its enrolment is revoked, unless that
    stands on something else by now. When all of the order's money is back, so do all its lines,
    and the order itself. Records OrderRefunded. Runs in the caller's transaction, under the order's
    lock, and is not idempotent: call it once a refund. The caller gives it its credit note
    (`issue_credit_note`) as the last act of the transaction.

    Raises OrderNotFound, and RefundNotPossible, with nothing changed, when the order was never
    completed, a line isn't its own, an amount is negative, or more would go back than was paid.
    """
    order = lock_order(order_id=order_id)
    items = {item.id: item for item in OrderItem.objects.filter(order_id=order_id)}
    _check(order=order, items=items, lines=lines, rest=rest)
    amount = sum(lines.values(), start=rest)
    order.refunded_amount += amount
    for item_id, share in lines.items():
        items[item_id].refunded_amount += share
    whole = order.refunded_amount == order.total_amount and order.total_amount > 0
    opened = _settle_lines(items=list(items.values()), named=set(lines), whole=whole)
    # A course taken away since and bought again, or granted, stands on that.
    opened -= find_standing_elsewhere(order=order, enrollment_ids=opened)
    if opened:
        enrollment_services.revoke_enrollments(
            enrollment_ids=opened, reason=Reason.of_refund(refund_id)
        )
    if whole and order.status == Order.Status.COMPLETED:
        move_order(order, Order.Status.REFUNDED)
    order.save(update_fields=["refunded_amount", "status", "updated_at"])
    record(
        OrderRefunded(
            order_id=order.id,
            user_id=order.user_id,
            amount=amount,
            whole=whole,
            refund_id=refund_id,
        )
    )


def undo_refund(
    *,
    order_id: uuid.UUID,
    refund_id: uuid.UUID,
    amount: Decimal,
    still_back: Mapping[uuid.UUID, Decimal],
) -> list[uuid.UUID]:
    """Take a refund out of the order again, because it failed at the bank after all.

    `amount` is what it had given back, `still_back` what the order's other refunds give back by
    line. Lines that aren't wholly back any more are fulfilled again and their enrolments opened.
    Returns the lines for which nothing could be opened, as the buyer bought the course again or is
    gone: they become canceled, and staff should look. Records OrderRefundUndone. Runs in the
    caller's transaction, under the order's lock, and is not idempotent: call it once a refund.

    Raises OrderNotFound, and RefundNotPossible when the order never gave that much back.
    """
    order = lock_order(order_id=order_id)
    if not 0 < amount <= order.refunded_amount:
        raise RefundNotPossible("This refund isn't in the order", status=order.status)
    order.refunded_amount -= amount
    if order.status == Order.Status.REFUNDED:
        move_order(order, Order.Status.COMPLETED)
    order.save(update_fields=["refunded_amount", "status", "updated_at"])
    items = list(OrderItem.objects.filter(order_id=order_id))
    again = [item for item in items if _stands_again(item, still_back)]
    for item in items:
        item.refunded_amount = still_back.get(item.id, ZERO)
    canceled = _reopen(order=order, items=again)
    OrderItem.objects.bulk_update(items, ["state", "refunded_amount"])
    void_credit_note(refund_id=refund_id)
    record(
        OrderRefundUndone(
            order_id=order.id, user_id=order.user_id, amount=amount, refund_id=refund_id
        )
    )
    return canceled


def _check(
    *,
    order: Order,
    items: Mapping[uuid.UUID, OrderItem],
    lines: Mapping[uuid.UUID, Decimal],
    rest: Decimal,
) -> None:
    if order.status not in (Order.Status.COMPLETED, Order.Status.REFUNDED):
        raise RefundNotPossible("Only a paid order can be refunded", status=order.status)
    if rest < 0 or any(share < 0 for share in lines.values()):
        raise RefundNotPossible("A refund can't be negative")
    if not set(lines) <= set(items):
        raise RefundNotPossible("A line is not of this order")
    too_much = [i for i, share in lines.items() if share > _left_of(items[i])]
    left = order.total_amount - order.refunded_amount
    if too_much or sum(lines.values(), start=rest) > left:
        raise RefundNotPossible("More would go back than was paid", left=left)


def _settle_lines(
    *, items: list[OrderItem], named: Collection[uuid.UUID], whole: bool
) -> set[uuid.UUID]:
    """Move the lines that are wholly back to refunded; returns the enrolments they had opened."""
    opened: set[uuid.UUID] = set()
    for item in items:
        if whole:
            # Money that came back without a line's name is theirs, too, now that all of it is.
            item.refunded_amount += _left_of(item)
        back = whole or (item.id in named and _left_of(item) == ZERO)
        if back and item.state != OrderItem.State.REFUNDED:
            move_line(item, OrderItem.State.REFUNDED)
            if item.enrollment_id is not None:
                opened.add(item.enrollment_id)
    OrderItem.objects.bulk_update(items, ["state", "refunded_amount"])
    return opened


def _stands_again(item: OrderItem, still_back: Mapping[uuid.UUID, Decimal]) -> bool:
    if item.state != OrderItem.State.REFUNDED:
        return False
    return item.id not in still_back or still_back[item.id] < item.paid_amount


def _reopen(*, order: Order, items: list[OrderItem]) -> list[uuid.UUID]:
    """End the reason that money back was against what these refunded lines had opened, unless
    another order pays for it by now. What staff decided stays."""
    had = {item.enrollment_id for item in items if item.enrollment_id is not None}
    # All in key order first: only some of them will be reopened.
    enrollment_services.lock_enrollments(enrollment_ids=had)
    reopened = enrollment_services.reopen_enrollments(enrollment_ids=sorted(had))
    taken = find_bought_again(order=order, enrollment_ids=had - reopened)
    canceled = []
    for item in items:
        if item.enrollment_id is None or item.enrollment_id in taken:
            move_line(item, OrderItem.State.CANCELED)
            canceled.append(item.id)
        else:
            move_line(item, OrderItem.State.FULFILLED)
    return canceled


def _left_of(item: OrderItem) -> Decimal:
    return item.paid_amount - item.refunded_amount
