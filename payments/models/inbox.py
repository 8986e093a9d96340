"""The inbox of Stripe's events."""

from django.db import models
from django.db.models import Q


class StripeEvent(models.Model):
    """The inbox: each event once, by Stripe's own id, stored before anything is done about it."""

    class Status(models.TextChoices):
        RECEIVED = "received"
        HANDLED = "handled"
        IGNORED = "ignored"
        DEAD = "dead"

    id = models.CharField(max_length=255, primary_key=True)
    type = models.CharField(max_length=100)
    object_id = models.CharField(max_length=255, blank=True)
    payload = models.JSONField()
    status = models.CharField(max_length=10, choices=Status, default=Status.RECEIVED)
    created_at_stripe = models.DateTimeField()
    received_at = models.DateTimeField(auto_now_add=True)
    handled_at = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveIntegerField(default=0)
    next_attempt_at = models.DateTimeField()
    last_error = models.TextField(blank=True)
    # Of the webhook that brought it, for the log; empty when the poll did.
    request_id = models.CharField(max_length=64, blank=True, default="", db_default="")

    class Meta:
        ordering = ["-received_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=["received", "handled", "ignored", "dead"]),
                name="stripe_event_status_closed",
            ),
            models.CheckConstraint(
                condition=~Q(status="handled") | Q(handled_at__isnull=False),
                name="stripe_event_handled_has_date",
            ),
        ]
        indexes = [
            models.Index(fields=["next_attempt_at"], name="stripe_event_due",
                         condition=Q(status="received")),
            models.Index(fields=["received_at"], name="stripe_event_dead",
                         condition=Q(status="dead")),
            models.Index(fields=["object_id"], name="stripe_event_object"),
            models.Index(fields=["-received_at"], name="stripe_event_newest"),
            models.Index(fields=["status", "-received_at"], name="stripe_event_unusual",
                         condition=~Q(status="handled")),
            models.Index(fields=["type", "-received_at"], name="stripe_event_by_type"),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.type} {self.id}"


class StripeCursor(models.Model):
    """How far something has been gone through, such as Stripe's list of events."""

    name = models.CharField(max_length=50, primary_key=True)
    read_until = models.DateTimeField()
    # What is being read, newest first: its end, and the last object that was stored of it. Nothing
    # once the cursor has passed it.
    reading_until = models.DateTimeField(null=True, blank=True)
    reading_after = models.CharField(max_length=255, blank=True, default="", db_default="")

    def __str__(self) -> str:
        return f"{self.name} until {self.read_until:%Y-%m-%d %H:%M:%S}"
