"""What staff read before they give money back."""

from core.errors import DomainError
from core.money import money_text
from payments import selectors, services
from payments.models import Payment, RefundRequest


def describe_money(payment: Payment) -> str:
    """What is left of a payment and of each line it paid, or why none of it can go back now. Lines
    are numbered, as two may have one title: it is another text when another line is left."""
    left = payment.amount - payment.refunding_amount
    paid = money_text(payment.amount, payment.currency)
    text = f"{payment.order}: {left:,.2f} of {paid} left"
    obstacle = services.find_obstacle(payment=payment)
    if obstacle is not None:
        return f"{text}. Nothing can be refunded now: {obstacle}."
    if not selectors.pays_its_order(payment=payment):
        return f"{text}, of no line"
    lines = enumerate(selectors.list_refundable_lines(payment=payment), start=1)
    parts = [f"{n}. {one.title}: {one.left_amount:,.2f}" for n, one in lines if one.is_refundable]
    return f"{text} ({'; '.join(parts)})"


def describe_request(request: RefundRequest) -> str:
    """Who asks for what, and what granting it gives back now, or why it can't be granted. Where
    some of it is back already, what is left is named line by line, as of a payment."""
    lines = request.order_items.order_by("created_at", "id")
    titles = dict(lines.values_list("id", "title_at_purchase"))
    who = request.user or "an erased account"
    try:
        left = services.estimate_request(request_id=request.id)
    except DomainError as exc:
        money = f"It can't be granted now: {exc.message}."
    else:
        amount = money_text(left.amount, request.order.currency)
        named = [f"{n}. {titles[key]}" for n, key in enumerate(titles, 1) if key in left.item_ids]
        if not named:
            money = "All of it is back already, so nothing more would go back."
        elif len(named) < len(titles):
            money = f"{amount} would go back ({'; '.join(named)}); the rest did, or is about to."
        else:
            money = f"{amount} would go back."
    return f"{request.order} of {who}: {', '.join(titles.values())}. {money} {request.reason}"
