"""What happens to reviews."""

import uuid
from dataclasses import dataclass

from core.events import Event


@dataclass(frozen=True, kw_only=True)
class ReviewPosted(Event):
    """Somebody reviewed a course for the first time; later edits record nothing."""

    name = "reviews.posted"

    review_id: uuid.UUID
    course_id: uuid.UUID
    user_id: uuid.UUID
