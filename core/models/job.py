"""What is done once a day or an hour: one row for each time it was due."""

import datetime as dt

from django.db import models

from core.ids import new_id


class JobRun(models.Model):
    """A job in one of its periods. Whoever inserts the row, or finds it due again, does the work:
    one, however many would."""

    class Status(models.TextChoices):
        RUNNING = "running"
        SUCCEEDED = "succeeded"
        FAILED = "failed"

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    job = models.CharField(max_length=100)
    due_at = models.DateTimeField()
    status = models.CharField(max_length=10, choices=Status, default=Status.RUNNING)
    attempts = models.PositiveIntegerField(default=0)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)
    # While it runs, this is when it is given up for dead; after a failure, when it is tried again.
    next_attempt_at = models.DateTimeField()
    result = models.CharField(max_length=200, blank=True)
    last_error = models.TextField(blank=True)

    class Meta:
        ordering = ["-due_at"]
        constraints = [
            models.UniqueConstraint(fields=["job", "due_at"], name="job_once_in_a_period"),
            models.CheckConstraint(
                condition=models.Q(status__in=["running", "succeeded", "failed"]),
                name="job_status_closed",
            ),
        ]
        indexes = [
            models.Index(fields=["-due_at"], name="job_newest"),
            models.Index(
                fields=["job", "-finished_at"],
                name="job_last_success",
                condition=models.Q(status="succeeded"),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.job} of {self.due_at:%Y-%m-%d %H:%M}"

    @property
    def duration(self) -> dt.timedelta | None:
        """How long the last attempt took; None while it runs."""
        return self.finished_at - self.started_at if self.finished_at else None
