"""Answers kept under the client's `Idempotency-Key`."""

from django.db import models

from core.ids import new_id


class IdempotencyRecord(models.Model):
    """One request of one person under one key: its fingerprint and, once done, its answer."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    # No foreign key: this floor knows no people.
    user_id = models.UUIDField()
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64)
    status_code = models.PositiveSmallIntegerField(null=True)
    body = models.JSONField(null=True)
    locked_until = models.DateTimeField()
    # Who is at it: a request that lost its claim by taking too long writes nothing here any more.
    claim = models.UUIDField(null=True)
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user_id", "key"], name="idempotency_one_per_key")
        ]

    def __str__(self) -> str:
        return f"{self.key} of {self.user_id}"
