"""Becoming an instructor."""

import uuid

from django.db import transaction
from django.utils.timezone import now

from core.audit import record_audit
from users.models import User


def become_instructor(*, user_id: uuid.UUID) -> None:
    """Open authoring to the person (contract "Accounts"); again changes nothing."""
    with transaction.atomic():
        people = User.objects.filter(id=user_id, is_instructor=False)
        if people.update(is_instructor=True, updated_at=now()):
            record_audit(
                actor_id=user_id,
                action="user.became_instructor",
                target_type="user",
                target_id=user_id,
            )
