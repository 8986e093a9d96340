"""The base of every domain table."""

from django.db import models

from core.ids import new_id


class BaseModel(models.Model):
    """A row with a UUIDv7 key and the times of its creation and last change (UTC)."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        abstract = True
