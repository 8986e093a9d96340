"""One purchase, where a test is of no more."""

import uuid
from collections.abc import Collection

from enrollments import services
from enrollments.services import BoughtEnrollment, Purchase


def enroll_buyer(
    *, user_id: uuid.UUID, course_ids: Collection[uuid.UUID]
) -> list[BoughtEnrollment]:
    """Enrol somebody in what they bought, as the only one."""
    [bought] = services.enroll_bought(purchases=[Purchase(user_id=user_id, course_ids=course_ids)])
    return bought
