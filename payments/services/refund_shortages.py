"""Refunds for which too little of our money is available at Stripe: who hears of it, and how what
Stripe has failed for it is tried again. The callers hold the payment's lock."""

import datetime as dt

from django.db.models import Q
from django.utils import timezone

from core import audit, outbox
from core.models import AuditEntry
from orders.errors import RefundNotPossible
from payments.events import RefundDelayed, RefundSucceeded
from payments.models import Payment, Refund, RefundRequest
from payments.services.refund_requests import hand_over, is_promised
from payments.services.refunds import check_undisputed, plan_refund

# Stripe's words for a refund that it would make if more of our money were available there, when it
# refuses one and when one fails that it had made (https://docs.stripe.com/refunds,
# https://docs.stripe.com/error-codes, https://docs.stripe.com/api/refunds/object).
LACKS_BALANCE = frozenset({"balance_insufficient", "insufficient_funds"})
# Sales come, or staff top the balance up.
TRY_SHORT_AGAIN = dt.timedelta(days=1)


def tell_shortage(
    *, payment: Payment, refund: Refund, words: str, was_told: bool | None = None
) -> None:
    """Count, unsaved, that too little was available at Stripe for the refund, and tell of the first
    time. `was_told`: whether its buyer believes it on its way, where the row can't say it."""
    if refund.shortages == 0:
        outbox.record(
            RefundDelayed(
                refund_id=refund.id,
                order_id=payment.order_id,
                user_id=payment.order.user_id,
                was_told=is_promised(refund=refund) if was_told is None else was_told,
                # One that Stripe has made isn't ours to try again.
                goes_on=refund.stripe_refund_id is not None,
            )
        )
    refund.shortages += 1
    refund.last_error = words[:2000]


def tell_end_of_shortage(*, payment: Payment, refund: Refund) -> None:
    """Tell the buyer that the refund, which counts, goes after all, if they were told of a shortage
    since it does; and forget, unsaved, that there was one."""
    if refund.shortages == 0:
        return
    refund.shortages = 0
    outbox.record(
        RefundSucceeded(
            refund_id=refund.id, order_id=payment.order_id, user_id=payment.order.user_id
        )
    )


def may_go_again(*, payment: Payment, refund: Refund) -> bool:
    """Return whether a refund that Stripe made and failed for lack of balance is ours to try again:
    one made in the dashboard is its maker's, and of disputed money Stripe gives nothing back."""
    try:
        check_undisputed(payment=payment)
    except RefundNotPossible:
        return False
    if refund.reason == "requested":
        return _find_decision(payment, refund) is not None
    return refund.reason != "at_stripe"


def plan_again(*, payment: Payment, refund: Refund) -> Refund:
    """Plan in a day what Stripe failed for lack of balance, for the same lines, by the same
    decision and for the same request. It is another row: by the first one's name Stripe would find
    the refund that failed. Its money is free again, and it `may_go_again`."""
    was_told = is_promised(refund=refund)
    again = plan_refund(
        payment=payment,
        reason=refund.reason,
        amount=refund.amount,
        lines=dict(refund.lines.values_list("order_item_id", "amount")),
        note=refund.note,
        requested_by_id=refund.requested_by_id,
    )
    hand_over(refund=refund, to=again)
    if decision := _find_decision(payment, refund):
        audit.record_audit(
            actor_id=decision.actor_id,
            action="order.refund_planned",
            target_type="order",
            target_id=payment.order_id,
            details={
                "refund": str(again.id),
                "amount": str(again.amount),
                "instead_of": str(refund.id),
            },
        )
    again.next_attempt_at = timezone.now() + TRY_SHORT_AGAIN
    # What had counted is news to all; else who heard of the shortage needn't again.
    again.shortages = 0 if refund.applied_at else refund.shortages
    words = f"{refund.failure_reason}: Stripe made {refund.stripe_refund_id} and failed it"
    tell_shortage(payment=payment, refund=again, words=words, was_told=was_told)
    again.save(update_fields=["next_attempt_at", "shortages", "last_error", "updated_at"])
    return again


def _find_decision(payment: Payment, refund: Refund) -> AuditEntry | None:
    """Return staff's deed that the refund is by. The person may be gone, the trail isn't."""
    requests = RefundRequest.objects.filter(order_id=payment.order_id).values_list("id", flat=True)
    of_order = Q(target_type="order", target_id=str(payment.order_id))
    of_request = Q(target_type="refund_request", target_id__in=list(map(str, requests)))
    deeds = AuditEntry.objects.filter(
        of_order | of_request,
        action__in=["order.refund_planned", "refund_request.approved"],
        details__refund=str(refund.id),
    )
    return deeds.first()
