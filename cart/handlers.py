"""What follows in carts when something happened below."""

from cart import services
from core.outbox import subscribe
from enrollments.events import Enrolled


@subscribe(Enrolled, name="cart.drop_enrolled")
def drop_enrolled(event: Enrolled) -> None:
    """Take a course out of cart and wishlist of whoever got it, e.g. enrolled for free."""
    services.remove_bought(user_id=event.user_id, course_ids=[event.course_id])
