"""What a transaction left undone."""

from django.db import models
from django.db.models.functions import Now


class LooseEnd(models.Model):
    """Something that its transaction should have seen to and didn't: a fact that isn't booked, a
    dispute whose credit note isn't as it stands, an enrolment whose status isn't what its reasons
    say. The database notes it when that transaction commits (migration 0023), whoever wrote it. A
    note may be one too many: it says where to look."""

    class Kind(models.TextChoices):
        PAYMENT = "payment"
        FEE = "fee"
        REFUND = "refund"
        DISPUTE = "dispute"
        NOTE = "note", "credit note of a dispute"
        ACCESS = "access", "reasons of an enrolment"

    id = models.BigAutoField(primary_key=True)
    kind = models.CharField(max_length=10, choices=Kind)
    # The payment, refund, dispute or enrolment.
    object_id = models.UUIDField()
    noted_at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [models.Index(fields=["kind", "id"], name="loose_end_of_kind")]

    def __str__(self) -> str:
        return f"{self.kind} {self.object_id}"
