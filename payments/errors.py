"""What can go wrong with money."""

from core.errors import Conflict, Forbidden, Invalid, Malformed, NotFound, Unavailable


class PaymentsUnavailable(Unavailable):
    """Stripe isn't configured here, or doesn't answer right now. Trying later may help."""

    code = "PAYMENTS_UNAVAILABLE"
    message = "Payments are not available right now"


class PayoutsUnavailable(Unavailable):
    """This installation doesn't pay instructors by Stripe Connect."""

    code = "PAYOUTS_UNAVAILABLE"
    message = "Payouts are not available here"


class PayoutCountryUnsupported(Invalid):
    """Stripe doesn't pay to this country, from where this platform is. `details["country"]`."""

    code = "PAYOUT_COUNTRY_UNSUPPORTED"
    message = "Instructors in this country can't be paid"


class PayoutCountryFixed(Conflict):
    """The instructor's account at Stripe is of another country, which can't be changed."""

    code = "PAYOUT_COUNTRY_FIXED"
    message = "Your account was opened for another country, which can't be changed"


class InvalidPayment(Malformed):
    """Intent, order, amount and currency don't belong together."""

    code = "INVALID_PAYMENT"
    message = "This payment does not belong to this order"


class InvalidSignature(Malformed):
    """A webhook that Stripe didn't sign, or signed too long ago."""

    code = "INVALID_SIGNATURE"
    message = "The webhook's signature is not valid"


class OrderNotPayable(Conflict):
    """The order isn't pending any more (`details["order_status"]`), or paying it would open
    nothing: then `details["lines"]` names each course with its `reason`, as CART_LINES_UNAVAILABLE
    does."""

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


class RefundOutOfTurn(NotOursYet):
    """Stripe tells of a refund for which our books have no room: another one must have failed at
    the bank, and that news is still to come. Nothing was changed."""

    code = "REFUND_OUT_OF_TURN"
    message = "Another refund of this payment must have failed"


class RefundWindowClosed(Conflict):
    """The purchase is too long ago. `details`: `closed_at`, `window_days`."""

    code = "REFUND_WINDOW_CLOSED"
    message = "The time in which this order can be refunded is over"


class RefundProgressTooFar(Conflict):
    """Too much was learned of some courses. `details["courses"]` names each with its progress."""

    code = "REFUND_PROGRESS_TOO_FAR"
    message = "Too much of the course has been completed for a refund"


class RefundAlreadyRequested(Conflict):
    """A request for this order waits for an answer."""

    code = "REFUND_ALREADY_REQUESTED"
    message = "A refund of this order has been requested already"


class RefundRequestNotFound(NotFound):
    """There is no such request, or none that this person may see."""

    code = "REFUND_REQUEST_NOT_FOUND"
    message = "There is no such refund request"


class RefundRequestDecided(Conflict):
    """Somebody was faster. `details["status"]` says what they decided."""

    code = "REFUND_REQUEST_DECIDED"
    message = "This refund request has been decided already"


class StaffOnly(Forbidden):
    """Only staff decide about money."""

    code = "STAFF_REQUIRED"
    message = "Only staff may do this"
