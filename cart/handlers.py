"""What follows in carts when something happened below."""

from collections.abc import Sequence

from cart import services
from core.outbox import subscribe_many
from enrollments.events import Enrolled


@subscribe_many(Enrolled, name="cart.drop_enrolled")
def drop_enrolled(happened: Sequence[Enrolled]) -> None:
    """Take courses out of cart and wishlist of whoever got them, e.g. enrolled for free."""
    services.remove_bought(bought=[(event.user_id, event.course_id) for event in happened])
