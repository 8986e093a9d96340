"""Who may see and decide about whose money."""

import uuid

from orders import selectors as order_selectors
from payments.errors import StaffOnly
from users.models import User


def check_may_see_order(*, order_id: uuid.UUID, viewer: User) -> None:
    """Raise OrderNotFound unless the order is there and is the viewer's, or the viewer is staff."""
    owner_id = None if viewer.is_staff else viewer.id
    order_selectors.get_order_for_payment(order_id=order_id, user_id=owner_id)


def check_may_refund_order(*, order_id: uuid.UUID, viewer: User) -> None:
    """Raise OrderNotFound for what the viewer may not see, StaffOnly for the viewer's own order."""
    check_may_see_order(order_id=order_id, viewer=viewer)
    check_is_staff(viewer=viewer)


def check_is_staff(*, viewer: User) -> None:
    """Raise StaffOnly unless the viewer is staff."""
    if not viewer.is_staff:
        raise StaffOnly
