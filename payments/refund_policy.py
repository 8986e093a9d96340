"""Until when, and after how much learning, a buyer may ask for money back. Staff decide freely."""

import datetime as dt
import uuid
from collections.abc import Sequence

from django.conf import settings
from django.utils import timezone

from enrollments import selectors as enrollment_selectors
from payments.errors import RefundProgressTooFar, RefundWindowClosed
from payments.selectors import RefundableLine


def check_window(*, completed_at: dt.datetime) -> None:
    """Raise RefundWindowClosed when the purchase is longer ago than the window allows."""
    closed_at = completed_at + settings.REFUND_WINDOW
    if timezone.now() > closed_at:
        raise RefundWindowClosed(closed_at=closed_at, window_days=settings.REFUND_WINDOW.days)


def check_progress(*, user_id: uuid.UUID, lines: Sequence[RefundableLine]) -> None:
    """Raise RefundProgressTooFar, naming each course of which more was learned than the setting
    allows: the most that ever was, whatever was taken back or added to the course since."""
    progress = enrollment_selectors.get_highest_progress(
        user_id=user_id, course_ids=[line.course_id for line in lines]
    )
    too_far = [
        {
            "id": str(line.course_id),
            "title": line.title,
            "progress_percent": progress[line.course_id],
        }
        for line in lines
        if progress.get(line.course_id, 0) > settings.REFUND_MAX_PROGRESS_PERCENT
    ]
    if too_far:
        raise RefundProgressTooFar(
            courses=too_far, most_percent=settings.REFUND_MAX_PROGRESS_PERCENT
        )
