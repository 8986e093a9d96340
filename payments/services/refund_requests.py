"""Buyers ask for money back, staff decide.

Locks: the payment's, then the request's. A decision is made under both, so that two members of
staff at once decide once, and no decision crosses a refund that is under way.
"""

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal

from django.db import transaction
from django.utils import timezone

from core import audit, outbox
from core.errors import Invalid
from core.money import ZERO
from orders import selectors as order_selectors
from orders.errors import RefundNotPossible
from orders.models import OrderItem
from payments.errors import (
    RefundAlreadyRequested,
    RefundRequestDecided,
    RefundRequestNotFound,
)
from payments.events import RefundRequestDecided as Decided
from payments.events import RefundRequested
from payments.models import Payment, Refund, RefundLine, RefundRequest
from payments.refund_policy import check_progress, check_window
from payments.services.refunds import (
    check_room,
    check_undisputed,
    choose_lines,
    lock_paying_payment,
    plan_lines,
    weigh_lines,
)
from payments.state import LIVE_REFUNDS, UNDUE_REASONS

Status = RefundRequest.Status


def request_refund(
    *,
    order_id: uuid.UUID,
    user_id: uuid.UUID,
    item_ids: Collection[uuid.UUID] | None,
    reason: str,
) -> RefundRequest:
    """Ask for the money of these lines of one's own order back, or (None) of all that can be.

    Raises OrderNotFound (also for somebody else's), RefundAlreadyRequested, RefundNotPossible,
    Invalid for a line of another order, RefundWindowClosed or RefundProgressTooFar.
    """
    order = order_selectors.get_order_for_payment(order_id=order_id, user_id=user_id)
    with transaction.atomic():
        payment = lock_paying_payment(order_id=order_id)
        if RefundRequest.objects.filter(order_id=order_id, status=Status.OPEN).exists():
            raise RefundAlreadyRequested
        check_undisputed(payment=payment)
        lines = choose_lines(payment=payment, item_ids=item_ids)
        if not any(line.left_amount for line in lines):
            raise RefundNotPossible("There is nothing left to refund")
        check_window(completed_at=order.completed_at or order.created_at)
        check_progress(user_id=user_id, lines=lines)
        request = RefundRequest.objects.create(order_id=order_id, user_id=user_id, reason=reason)
        request.order_items.set(OrderItem.objects.filter(id__in=[line.id for line in lines]))
        outbox.record(RefundRequested(request_id=request.id, order_id=order_id))
    return request


@dataclass(frozen=True, kw_only=True)
class RequestEstimate:
    """What granting a request gives back: an amount in major units, for these lines of the order.
    The others that it asks for are back already, or about to be; nothing is left where all is."""

    amount: Decimal
    item_ids: Collection[uuid.UUID]


def approve_request(*, request_id: uuid.UUID, actor_id: uuid.UUID) -> RefundRequest:
    """Have what is left of the request's lines refunded; audited. The buyer's policy binds no
    staff. It is granted, and the buyer hears of it, when Stripe has taken the refund, and what else
    it asks for: should it come to nothing, the request is open as before. Where all of it is back
    already it is granted at once.

    Raises RefundRequestNotFound, RefundRequestDecided (also when it is approved already), or
    RefundNotPossible when by now all that isn't back is on its way, or the payment is disputed.
    """
    order_id = _order_of(request_id)
    with transaction.atomic():
        payment = lock_paying_payment(order_id=order_id)
        request = _lock_open(request_id)
        left, named = _find_left(request, payment)
        if not left:
            _decide(request, Status.GRANTED, actor_id=actor_id)
            return request
        refund = plan_lines(
            payment=payment,
            item_ids=named,
            reason="requested",
            note=f"asked for by the buyer: {request.reason}",
            actor_id=actor_id,
        )
        request.refund = refund
        request.save(update_fields=["refund", "updated_at"])
        _audit(request, "approved", actor_id=actor_id, after=request.status, refund=refund)
    return request


def estimate_request(*, request_id: uuid.UUID) -> RequestEstimate:
    """Return what granting the request would give back as things stand; nothing is decided. Raises
    as `approve_request`."""
    order_id = _order_of(request_id)
    with transaction.atomic():
        payment = lock_paying_payment(order_id=order_id)
        left, named = _find_left(_lock_open(request_id), payment)
        if not left:
            return RequestEstimate(amount=ZERO, item_ids=left)
        check_undisputed(payment=payment)
        total, _ = weigh_lines(payment=payment, item_ids=named)
        check_room(payment=payment, amount=total)
    return RequestEstimate(amount=total, item_ids=left)


def refuse_request(*, request_id: uuid.UUID, actor_id: uuid.UUID, reason: str) -> RefundRequest:
    """Decline the request; the buyer is told the reason. Audited. Raises RefundRequestNotFound,
    RefundRequestDecided, or Invalid without a reason."""
    if not reason.strip():
        raise Invalid("The buyer is owed a reason", reason=["This field may not be blank."])
    _order_of(request_id)
    with transaction.atomic():
        request = _lock_open(request_id)
        _decide(request, Status.DECLINED, actor_id=actor_id, reason=reason.strip())
    return request


def answer_by_refund(*, refund: Refund, order_id: uuid.UUID) -> None:
    """Grant the order's open request by the refund that was approved for it, unless others are on
    their way with the rest, or once all it asks for is back, whoever began the refunds. The caller
    holds the payment's lock and has taken the refund into the order."""
    request = (
        RefundRequest.objects.select_for_update()
        .filter(order_id=order_id, status=Status.OPEN)
        .first()
    )
    if request is None:
        return
    is_its = request.refund_id == refund.id
    if is_its and _is_on_its_way(request, but=refund):
        # Nothing is promised of a refund that Stripe hasn't taken: that one is to answer it.
        request.refund = None
        request.save(update_fields=["refund", "updated_at"])
    elif is_its or _is_all_back(request):
        others = RefundRequest.objects.filter(refund=refund).exclude(id=request.id)
        _decide(
            request,
            Status.GRANTED,
            actor_id=refund.requested_by_id,
            refund=None if others.exists() else refund,
        )


def is_promised(*, refund: Refund) -> bool:
    """Return whether the buyer was told that this money goes back: by a mail, as their request is
    granted by it or it counted, or, of money that can't stay, by the answer to their payment."""
    return (
        refund.applied_at is not None
        or refund.reason in UNDUE_REASONS
        or RefundRequest.objects.filter(refund=refund, status=Status.GRANTED).exists()
    )


def hand_over(*, refund: Refund, to: Refund) -> None:
    """Let the request that a refund was approved for, or that it has granted, be another refund's,
    which is planned in its place. The caller holds the payment's lock."""
    RefundRequest.objects.filter(refund=refund).exclude(status=Status.DECLINED).update(
        refund=to, updated_at=timezone.now()
    )


def _is_all_back(request: RefundRequest) -> bool:
    lines = order_selectors.list_order_lines(order_id=request.order_id)
    # Of what cost nothing there is nothing to give back.
    back = {
        line.id for line in lines if line.state == OrderItem.State.REFUNDED or not line.paid_amount
    }
    return back.issuperset(request.order_items.values_list("id", flat=True))


def _is_on_its_way(request: RefundRequest, *, but: Refund | None = None) -> bool:
    """Whether money for a line that is asked for is set aside for a refund that didn't go yet."""
    under_way = RefundLine.objects.filter(
        order_item__in=request.order_items.all(),
        refund__status__in=LIVE_REFUNDS,
        refund__applied_at=None,
    )
    return under_way.exclude(refund=but).exists()


def _find_left(
    request: RefundRequest, payment: Payment
) -> tuple[set[uuid.UUID], set[uuid.UUID] | None]:
    """Return the lines asked for of which there is money to give back, none when all of it is back;
    and how a refund names them: None when they are all that is left of the payment. Raises
    RefundNotPossible when none is left as the rest is on its way."""
    wanted = set(request.order_items.values_list("id", flat=True))
    all_left = choose_lines(payment=payment, item_ids=None)
    lines = [line for line in all_left if line.id in wanted]
    if any(line.left_amount for line in lines):
        left = {line.id for line in lines}
        return left, None if len(lines) == len(all_left) else left
    if _is_on_its_way(request):
        raise RefundNotPossible("All that is asked for is about to be refunded")
    return set(), None


def _order_of(request_id: uuid.UUID) -> uuid.UUID:
    order_id = (
        RefundRequest.objects.filter(id=request_id).values_list("order_id", flat=True).first()
    )
    if order_id is None:
        raise RefundRequestNotFound
    return order_id


def _lock_open(request_id: uuid.UUID) -> RefundRequest:
    request = RefundRequest.objects.select_for_update().get(id=request_id)
    if request.status != Status.OPEN:
        raise RefundRequestDecided(status=request.status)
    # Only who holds the request's lock approves: a refund that is read here stays its refund.
    if request.refund is not None and request.refund.status in LIVE_REFUNDS:
        raise RefundRequestDecided(status="approved")
    return request


def _decide(
    request: RefundRequest,
    status: RefundRequest.Status,
    *,
    actor_id: uuid.UUID | None,
    refund: Refund | None = None,
    reason: str = "",
) -> None:
    request.status = status
    request.decided_by_id = actor_id
    request.decided_at = timezone.now()
    request.decision_reason = reason
    request.refund = refund
    request.save()
    _audit(request, status, actor_id=actor_id, after=status)
    outbox.record(
        Decided(
            request_id=request.id,
            order_id=request.order_id,
            user_id=request.user_id,
            granted=status == Status.GRANTED,
        )
    )


def _audit(
    request: RefundRequest,
    action: str,
    *,
    actor_id: uuid.UUID | None,
    after: str,
    refund: Refund | None = None,
) -> None:
    """Write down what was decided about a request that was open; `refund` is what that made."""
    audit.record_audit(
        actor_id=actor_id,
        action=f"refund_request.{action}",
        target_type="refund_request",
        target_id=request.id,
        details={
            "order": str(request.order_id),
            "reason": request.decision_reason,
            "before": {"status": Status.OPEN},
            "after": {"status": after},
            **({"refund": str(refund.id)} if refund else {}),
        },
    )
