"""What orders refuse."""

from core.errors import Conflict, Invalid, NotFound


class OrderNotFound(NotFound):
    """There is no such order, or it is somebody else's."""

    code = "ORDER_NOT_FOUND"
    message = "The requested order does not exist"


class CartEmpty(Invalid):
    """There is nothing to order."""

    code = "CART_EMPTY"
    message = "The cart is empty"


class LinesUnavailable(Conflict):
    """Lines of the cart can't be bought (any more). `details["lines"]` names each with its
    `reason`: NOT_FOR_SALE, ALREADY_ENROLLED, OWN_COURSE or ACCESS_WITHDRAWN."""

    code = "CART_LINES_UNAVAILABLE"
    message = "Some courses in the cart can no longer be bought"


class CouponInvalid(Invalid):
    """No such coupon, or it doesn't apply: not now, not any more, or not to this cart.
    `details["reason"]` is a word of `orders.coupon_rules.Refusal`."""

    code = "COUPON_INVALID"
    message = "This coupon code is not valid for this order"


class CouponNotFound(NotFound):
    """There is no such coupon, or it is somebody else's."""

    code = "COUPON_NOT_FOUND"
    message = "The requested coupon does not exist"


class CodeTaken(Conflict):
    """Another coupon, perhaps another instructor's, has this code."""

    code = "CODE_TAKEN"
    message = "Another coupon has this code"


class OrderTooSmall(Invalid):
    """The order costs something, and less than can be charged; `details` has the least amount."""

    code = "ORDER_TOO_SMALL"
    message = "The order's total is less than can be charged"


class OrderTooLarge(Invalid):
    """The order costs more than can be charged at once; `details` has the largest amount."""

    code = "AMOUNT_TOO_LARGE"
    message = "The order's total is more than can be charged at once"


class BillingCountryRequired(Invalid):
    """Tax depends on the buyer's country, and the billing address doesn't say it in two letters.
    `details` names the field, as for any other value that isn't acceptable."""

    code = "BILLING_COUNTRY_REQUIRED"
    message = "The billing address needs a country, as a two-letter code (ISO 3166-1)"

    def __init__(self) -> None:
        super().__init__(billing_address={"country": [self.message]})


class IllegalTransition(Conflict):
    """An order or a line can't go from its status to that one."""

    code = "ORDER_ILLEGAL_TRANSITION"
    message = "The order's status does not allow this"


class RefundNotPossible(Conflict):
    """More would go back than was paid, or a line isn't of this order."""

    code = "REFUND_NOT_POSSIBLE"
    message = "This refund does not fit the order"


class DocumentHeldBack(Conflict):
    """The document has letters that can't be printed. `details["characters"]` names them."""

    code = "DOCUMENT_HELD_BACK"
    message = "This document has letters that we can't print yet. Our staff know of it"


class ReceiptNotFound(NotFound):
    """The order isn't paid (yet), so it has no receipt."""

    code = "RECEIPT_NOT_FOUND"
    message = "There is no receipt for this order"


class CreditNoteNotFound(NotFound):
    """The order has no credit note of this number."""

    code = "CREDIT_NOTE_NOT_FOUND"
    message = "The requested credit note does not exist"
