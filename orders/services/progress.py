"""Money on its way: an order that a bank debit is paying is left alone until it came or didn't."""

import uuid

from django.conf import settings
from django.utils import timezone

from orders import paying
from orders.models import Order
from orders.services.closing import close_locked
from orders.services.locking import lock_cart_and_order


def note_progress(*, order_id: uuid.UUID) -> None:
    """Note that money for the order is on its way: nothing closes it, none of its courses is
    ordered again, and its buyer may have another open order. Nothing changes for one that isn't
    pending.

    Runs in the caller's transaction and takes the locks of the buyer's cart and of the order.
    Raises OrderNotFound.
    """
    order = lock_cart_and_order(order_id=order_id)
    if order.status == Order.Status.PENDING and order.payment_in_progress_since is None:
        order.payment_in_progress_since = timezone.now()
        order.save(update_fields=["payment_in_progress_since", "updated_at"])


def end_progress(*, order_id: uuid.UUID) -> bool:
    """Note that the money that was on its way didn't come. The order is open again, for as long as
    a new one, so that its buyer can pay in another way.

    Not if they have another open order by then, and one a person is enough: it ends as "replaced",
    or, while somebody may be paying it, is left alone, and False is returned: to be called again
    when nobody may. Returns True where there is nothing left to do. Runs and locks as
    `note_progress`.
    """
    order = lock_cart_and_order(order_id=order_id)
    if order.status != Order.Status.PENDING or order.payment_in_progress_since is None:
        return True
    if not _has_another_open(order):
        order.payment_in_progress_since = None
        order.expires_at = max(order.expires_at, timezone.now() + settings.ORDER_EXPIRY)
        order.save(update_fields=["payment_in_progress_since", "expires_at", "updated_at"])
        return True
    if paying.has_open_payment(order_id=order_id):
        return False
    close_locked(order=order, reason="replaced")
    return True


def _has_another_open(order: Order) -> bool:
    if order.user_id is None:
        return False
    pending = Order.objects.filter(user_id=order.user_id, status=Order.Status.PENDING)
    return pending.filter(payment_in_progress_since=None).exclude(id=order.id).exists()
