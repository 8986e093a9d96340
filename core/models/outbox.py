"""The outbox: events recorded in the transaction that caused them, and one delivery per handler."""

from django.db import models
from django.db.models import Q

from core.ids import new_id


class OutboxEvent(models.Model):
    """Something that happened, as it was at that moment."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    name = models.CharField(max_length=100, db_index=True)
    payload = models.JSONField()
    # Of the request that caused it; empty where none did.
    request_id = models.CharField(max_length=64, blank=True, default="", db_default="")
    recorded_at = models.DateTimeField(auto_now_add=True, db_index=True)

    def __str__(self) -> str:
        return f"{self.name} {self.id}"


class OutboxDelivery(models.Model):
    """One event on its way to one handler. `dead` means it gave up and waits for staff."""

    class Status(models.TextChoices):
        PENDING = "pending"
        DELIVERED = "delivered"
        DEAD = "dead"

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    event = models.ForeignKey(OutboxEvent, on_delete=models.CASCADE, related_name="deliveries")
    handler = models.CharField(max_length=200)
    # Whose workers deliver it. The default is for the version that runs beside the newest schema.
    queue = models.CharField(max_length=20, default="learning", db_default="learning")
    status = models.CharField(max_length=10, choices=Status, default=Status.PENDING)
    attempts = models.PositiveIntegerField(default=0)
    next_attempt_at = models.DateTimeField()
    delivered_at = models.DateTimeField(null=True, blank=True)
    last_error = models.TextField(blank=True)

    class Meta:
        verbose_name_plural = "outbox deliveries"
        constraints = [
            models.UniqueConstraint(fields=["event", "handler"], name="outbox_once_per_handler"),
            models.CheckConstraint(
                condition=Q(status__in=["pending", "delivered", "dead"]),
                name="outbox_delivery_status_closed",
            ),
        ]
        indexes = [
            models.Index(
                fields=["next_attempt_at"], name="outbox_due", condition=Q(status="pending")
            ),
            models.Index(
                fields=["queue", "next_attempt_at"],
                name="outbox_due_in_queue",
                condition=Q(status="pending"),
            ),
            models.Index(fields=["status"], name="outbox_dead", condition=Q(status="dead")),
        ]

    def __str__(self) -> str:
        return f"{self.handler} ({self.status})"
