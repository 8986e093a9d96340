"""Who may see and decide about whose money."""

import uuid

from core.errors import Forbidden
from orders import selectors as order_selectors
from payments.errors import StaffOnly
from users.models import User


def check_may_see_order(*, order_id: uuid.UUID, viewer: User) -> None:
    """Raise OrderNotFound unless the order is there and is the viewer's, or the viewer is staff."""
    owner_id = None if viewer.is_staff else viewer.id
    order_selectors.get_order_for_payment(order_id=order_id, user_id=owner_id)


def check_may_refund_order(*, order_id: uuid.UUID, viewer: User) -> None:
    """Raise OrderNotFound for what the viewer may not see, else as `check_may_refund`."""
    check_may_see_order(order_id=order_id, viewer=viewer)
    check_may_refund(viewer=viewer)


def check_may_refund(*, viewer: User) -> None:
    """Raise StaffOnly unless the viewer is staff, Forbidden unless they have the right to add
    refunds, the one that the admin's actions ask for."""
    check_is_staff(viewer=viewer)
    if not viewer.has_perm("payments.add_refund"):
        raise Forbidden("Your account lacks the right to give money back")


def check_is_staff(*, viewer: User) -> None:
    """Raise StaffOnly unless the viewer is staff."""
    if not viewer.is_staff:
        raise StaffOnly
