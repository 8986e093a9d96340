"""Days of learning, in the person's own calendar (contract "Learning")."""

import datetime as dt
from uuid import UUID

from enrollments.models import LearningDay
from users import selectors as user_selectors
from users import services as user_services


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
    days = LearningDay.objects.filter(user_id=user_id).order_by("-day")
    latest = days.values_list("day", flat=True)[:1].get()
    streak = 0
    for day in days.values_list("day", flat=True).iterator(chunk_size=100):
        if day != latest - dt.timedelta(days=streak):
            break
        streak += 1
    return latest, streak
