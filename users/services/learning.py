"""Counters of what a person learned. The owner of the fact calls these in its own transaction."""

import datetime as dt
import uuid

from django.db.models import F, Value
from django.db.models.functions import Greatest

from users.models import UserProfile


def adjust_learning(
    *, user_id: uuid.UUID, seconds: int = 0, courses_completed: int = 0, certificates: int = 0
) -> None:
    """Add to (or with negative numbers, take from) a person's totals; none falls below zero."""
    UserProfile.objects.filter(user_id=user_id).update(
        total_seconds_learned=Greatest(F("total_seconds_learned") + seconds, Value(0)),
        courses_completed=Greatest(F("courses_completed") + courses_completed, Value(0)),
        certificates_earned=Greatest(F("certificates_earned") + certificates, Value(0)),
    )


def record_streak(*, user_id: uuid.UUID, streak_days: int, day: dt.date, at: dt.datetime) -> None:
    """Note the streak as of `day` (the person's own calendar, `users.selectors.local_day`) and the
    moment of the activity."""
    UserProfile.objects.filter(user_id=user_id).update(
        current_streak_days=streak_days, streak_day=day, last_activity=at
    )
