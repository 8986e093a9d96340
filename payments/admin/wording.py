"""What staff read before they give money back."""

from core.money import money_text
from payments import selectors, services
from payments.models import Payment, RefundRequest


def describe_money(payment: Payment) -> str:
    """What is left of a payment, or why none of it can go back now."""
    left = payment.amount - payment.refunding_amount
    paid = money_text(payment.amount, payment.currency)
    text = f"{payment.order}: {left:,.2f} of {paid} left"
    obstacle = services.find_obstacle(payment=payment)
    return text if obstacle is None else f"{text}. Nothing can be refunded now: {obstacle}."


def describe_request(request: RefundRequest) -> str:
    """Who asks for what, the amounts it comes to now, and why not, where it can't be granted."""
    who = request.user or "an erased account"
    payment = Payment.objects.filter(stripe_payment_id=request.order.payment_id).first()
    if payment is None:
        return f"{request.order} of {who}. {request.reason}"
    wanted = set(request.order_items.values_list("id", flat=True))
    lines = ", ".join(
        f"{line.title} ({money_text(line.left_amount, payment.currency)})"
        for line in selectors.list_refundable_lines(payment=payment)
        if line.id in wanted
    )
    return f"{describe_money(payment)}. {who} asks for {lines}. {request.reason}"
