"""What a refund means for an order. The money itself is Stripe's and `payments`' business."""

import uuid
from collections.abc import Mapping
from decimal import Decimal

from core.money import ZERO
from core.outbox import record
from enrollments import services as enrollment_services
from orders.errors import RefundNotPossible
from orders.events import OrderRefunded
from orders.models import Order, OrderItem
from orders.services.locking import lock_order
from orders.state import move_line, move_order


def apply_refund(*, order_id: uuid.UUID, lines: Mapping[uuid.UUID, Decimal], rest: Decimal) -> None:
    """Take money that went back into the order: `lines` per order line, `rest` of no certain line.

    A line whose whole amount is back becomes refunded and its enrolment is revoked. When all of the
    order's money is back, so do all its lines, and the order itself. Records OrderRefunded. Runs in
    the caller's transaction, under the order's lock, and is not idempotent: call it once a refund.

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
    _settle_lines(items=list(items.values()), named=set(lines), whole=whole)
    if whole and order.status == Order.Status.COMPLETED:
        move_order(order, Order.Status.REFUNDED)
    order.save(update_fields=["refunded_amount", "status", "updated_at"])
    record(OrderRefunded(order_id=order.id, user_id=order.user_id, amount=amount, whole=whole))


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
        raise RefundNotPossible("More would go back than was paid", left=str(left))


def _settle_lines(*, items: list[OrderItem], named: set[uuid.UUID], whole: bool) -> None:
    """Move the lines that are wholly back to refunded and revoke what they had opened."""
    revoked: list[uuid.UUID] = []
    for item in items:
        if whole:
            # Money that came back without a line's name is theirs, too, now that all of it is.
            item.refunded_amount += _left_of(item)
        back = whole or (item.id in named and _left_of(item) == ZERO)
        if back and item.state != OrderItem.State.REFUNDED:
            move_line(item, OrderItem.State.REFUNDED)
            if item.enrollment_id is not None:
                revoked.append(item.enrollment_id)
    OrderItem.objects.bulk_update(items, ["state", "refunded_amount"])
    # A course taken away by staff and bought again stands on the other order's money.
    kept = OrderItem.objects.filter(enrollment_id__in=revoked, state=OrderItem.State.FULFILLED)
    revoked = sorted(set(revoked) - set(kept.values_list("enrollment_id", flat=True)))
    if revoked:
        enrollment_services.revoke_enrollments(enrollment_ids=revoked, reason="refund")


def _left_of(item: OrderItem) -> Decimal:
    return item.price_at_purchase - item.discount_amount - item.refunded_amount
