"""The audit trail: who did what to what, for staff and for accounting."""

from django.db import models

from core.ids import new_id


class AuditEntry(models.Model):
    """One deed. Rows are only ever added."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    # The person's id, or null for the system. No foreign key: the trail outlives the person.
    actor_id = models.UUIDField(null=True)
    action = models.CharField(max_length=100)
    target_type = models.CharField(max_length=100)
    target_id = models.CharField(max_length=64)
    details = models.JSONField(default=dict)
    # Where the request came from and its id, as in the log; nothing for what no request asked for.
    address = models.GenericIPAddressField(null=True, blank=True)
    request_id = models.CharField(max_length=64, blank=True, default="", db_default="")
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        verbose_name_plural = "audit entries"
        indexes = [
            models.Index(fields=["target_type", "target_id"], name="audit_target"),
            models.Index(fields=["target_id"], name="audit_target_id"),
            models.Index(fields=["actor_id", "-id"], name="audit_actor"),
            models.Index(fields=["action", "-id"], name="audit_action"),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.target_type} {self.target_id}"
