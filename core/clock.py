"""When work that is done once a day, or once an hour, is due: by the clock."""

import datetime as dt
from dataclasses import dataclass

_MIDNIGHT = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)
DAY = dt.timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class Job:
    """A task that is run once in each period, at its time of the clock (UTC), or later when nobody
    was there to do so."""

    task: str
    every: dt.timedelta
    # After the beginning of the hour, or of the day.
    at: dt.timedelta = dt.timedelta(0)

    def due_at(self, now: dt.datetime) -> dt.datetime:
        """Return the time at which it was last due."""
        first = _MIDNIGHT + self.at
        return first + (now - first) // self.every * self.every


def hourly(task: str, *, minute: int) -> Job:
    """A task for each hour, at that minute."""
    return Job(task=task, every=HOUR, at=dt.timedelta(minutes=minute))


def daily(task: str, *, hour: int, minute: int) -> Job:
    """A task for each day, at that time (UTC)."""
    return Job(task=task, every=DAY, at=dt.timedelta(hours=hour, minutes=minute))
