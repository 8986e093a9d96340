"""What can go wrong with money."""

from core.errors import Conflict, Invalid, Malformed, NotFound, Unavailable


class PaymentsUnavailable(Unavailable):
    """Stripe isn't configured here, or doesn't answer right now. Trying later may help."""

    code = "PAYMENTS_UNAVAILABLE"
    message = "Payments are not available right now"


class InvalidPayment(Malformed):
    """Intent, order, amount and currency don't belong together."""

    code = "INVALID_PAYMENT"
    message = "This payment does not belong to this order"


class InvalidSignature(Malformed):
    """A webhook that Stripe didn't sign, or signed too long ago."""

    code = "INVALID_SIGNATURE"
    message = "The webhook's signature is not valid"


class OrderNotPayable(Conflict):
    """The order isn't pending any more."""

    code = "ORDER_NOT_PAYABLE"
    message = "This order can no longer be paid"


class PaymentRefused(Invalid):
    """Stripe will not take this request, e.g. an amount below its minimum."""

    code = "PAYMENT_REFUSED"
    message = "The payment provider refused the request"


class NotOursYet(NotFound):
    """Stripe tells of money whose payment or order isn't here, or isn't here yet: its own event may
    be late, or our commit. Trying later may help; nothing was changed."""

    code = "PAYMENT_UNKNOWN"
    message = "This payment is not known here"
