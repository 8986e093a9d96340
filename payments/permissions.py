"""Who may see and decide about whose money."""

import uuid

from core.errors import Forbidden
from orders import selectors as order_selectors
from payments.errors import StaffOnly
from users.models import User
from users.rights import Right, has_right, is_staff


def check_may_see(*, order_id: uuid.UUID, viewer: User, right: Right) -> None:
    """Raise OrderNotFound unless the order is there and is the viewer's, or they are staff with the
    right."""
    owner_id = None if has_right(viewer, right) else viewer.id
    order_selectors.get_order_for_payment(order_id=order_id, user_id=owner_id)


def check_may_refund_order(*, order_id: uuid.UUID, viewer: User) -> None:
    """Raise as `check_right`, after OrderNotFound for what neither is the viewer's nor theirs to
    refund. Staff without the right aren't told whether there is such an order."""
    if is_staff(viewer):
        check_right(viewer=viewer, right=Right.REFUND)
    check_may_see(order_id=order_id, viewer=viewer, right=Right.REFUND)
    check_right(viewer=viewer, right=Right.REFUND)


def check_right(*, viewer: User, right: Right) -> None:
    """Raise StaffOnly unless the viewer is staff, Forbidden unless they have the right."""
    if not is_staff(viewer):
        raise StaffOnly
    if not has_right(viewer, right):
        raise Forbidden("Your account lacks the right to do this")
