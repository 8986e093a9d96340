"""One purchase, where a test is of no more."""

import uuid
from collections.abc import Collection

from django.db import transaction

from enrollments import services
from enrollments.services import BoughtEnrollment, Purchase


def enroll_buyer(
    *, user_id: uuid.UUID, course_ids: Collection[uuid.UUID]
) -> list[BoughtEnrollment]:
    """Enrol somebody in what they bought, as the only one, in one transaction."""
    purchase = Purchase(user_id=user_id, course_ids=course_ids)
    with transaction.atomic():
        [bought] = services.enroll_bought(purchases=[purchase])
        services.count_bought(course_ids=[row.course_id for row in bought if row.opened])
    return bought
