"""What the cart and the wishlist refuse."""

from core.errors import Conflict, NotFound


class CartItemNotFound(NotFound):
    """There is no such line in this person's cart."""

    code = "CART_ITEM_NOT_FOUND"
    message = "The requested cart item does not exist"


class WishlistItemNotFound(NotFound):
    """There is no such line in this person's wishlist."""

    code = "WISHLIST_ITEM_NOT_FOUND"
    message = "The requested wishlist item does not exist"


class PaymentInProgress(Conflict):
    """Money for an order is on its way, as with a bank debit, or its buyer is just paying it:
    neither can be undone. `details["courses"]`, if given, names the courses it pays for, each with
    its `order_id`."""

    code = "PAYMENT_IN_PROGRESS"
    message = "A payment for these courses is being processed"


class CartFull(Conflict):
    """A cart holds a bounded number of courses."""

    code = "CART_FULL"
    message = "The cart is full"
