"""What staff read before they give money back."""

from core.errors import DomainError
from core.money import money_text
from payments import services
from payments.models import Payment, RefundRequest


def describe_money(payment: Payment) -> str:
    """What is left of a payment, or why none of it can go back now."""
    left = payment.amount - payment.refunding_amount
    paid = money_text(payment.amount, payment.currency)
    text = f"{payment.order}: {left:,.2f} of {paid} left"
    obstacle = services.find_obstacle(payment=payment)
    return text if obstacle is None else f"{text}. Nothing can be refunded now: {obstacle}."


def describe_request(request: RefundRequest) -> str:
    """Who asks for what, and what granting it gives back now, or why it can't be granted."""
    titles = ", ".join(request.order_items.values_list("title_at_purchase", flat=True))
    who = request.user or "an erased account"
    try:
        amount = services.estimate_request(request_id=request.id)
    except DomainError as exc:
        money = f"It can't be granted now: {exc.message}."
    else:
        money = f"{money_text(amount, request.order.currency)} would go back."
    return f"{request.order} of {who}: {titles}. {money} {request.reason}"
