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


class CartFull(Conflict):
    """A cart holds a bounded number of courses."""

    code = "CART_FULL"
    message = "The cart is full"
