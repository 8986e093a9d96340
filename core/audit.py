"""Writing the audit trail."""

import uuid

from core.models import AuditEntry


def record_audit(
    *,
    actor_id: uuid.UUID | None,
    action: str,
    target_type: str,
    target_id: object,
    details: dict[str, object] | None = None,
) -> None:
    """Add an entry in the caller's transaction. `actor_id` None means the system itself."""
    AuditEntry.objects.create(
        actor_id=actor_id,
        action=action,
        target_type=target_type,
        target_id=str(target_id),
        details=details or {},
    )
