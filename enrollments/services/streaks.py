"""Days of learning, in the person's own calendar (contract "Learning")."""

import datetime as dt
from uuid import UUID

from django.db import connection

from enrollments.models import LearningDay
from users import selectors as user_selectors
from users import services as user_services

# Counted backwards, the days of the streak are those as far from the latest as there are days
# between: 3rd, 2nd, 1st of March are 0, 1, 2 days away.
_STREAK = """
SELECT latest, count(*)
FROM (
    SELECT day, max(day) OVER () AS latest, row_number() OVER (ORDER BY day DESC) AS nth
    FROM enrollments_learningday WHERE user_id = %(user)s
) AS days
WHERE day = latest - (nth - 1)::int
GROUP BY latest
"""


def record_learning_day(*, user_id: UUID, at: dt.datetime) -> None:
    """Note that the person learned at this moment, in the caller's transaction.

    The streak counts the days up to the latest one on which they learned. That may be after today's
    date for somebody who travelled west over the date line: the day they had already stays theirs.
    """
    today = user_selectors.local_day(user_id=user_id, at=at)
    LearningDay.objects.bulk_create(
        [LearningDay(user_id=user_id, day=today)], ignore_conflicts=True
    )
    latest, streak = _count_streak(user_id)
    user_services.record_streak(user_id=user_id, streak_days=streak, day=latest, at=at)


def _count_streak(user_id: UUID) -> tuple[dt.date, int]:
    """Return the latest day of learning and how many days in a row end with it."""
    with connection.cursor() as cursor:
        cursor.execute(_STREAK, {"user": user_id})
        latest, streak = cursor.fetchone()
    return latest, streak
