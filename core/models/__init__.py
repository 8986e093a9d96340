"""Tables that know no domain: the base of all others, outbox, idempotency keys, audit trail."""

from core.models.audit import AuditEntry
from core.models.base import BaseModel
from core.models.idempotency import IdempotencyRecord
from core.models.job import JobRun
from core.models.outbox import OutboxDelivery, OutboxEvent

__all__ = [
    "AuditEntry",
    "BaseModel",
    "IdempotencyRecord",
    "JobRun",
    "OutboxDelivery",
    "OutboxEvent",
]
