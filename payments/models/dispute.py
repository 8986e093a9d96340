"""Disputes, as banks call buyers' complaints."""

from django.db import models
from django.db.models import Q

from core.models import BaseModel
from payments.models.payment import Payment


class Dispute(BaseModel):
    """A chargeback as Stripe reports it. While it is open, the enrolments are suspended."""

    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="disputes")
    stripe_dispute_id = models.CharField(max_length=255, unique=True)
    amount = models.DecimalField(max_digits=10, decimal_places=2)
    # What Stripe charges for it, once it says so. Major units.
    fee_amount = models.DecimalField(max_digits=10, decimal_places=2, null=True, blank=True)
    currency = models.CharField(max_length=3)
    reason = models.CharField(max_length=100, blank=True)
    # Stripe's word: needs_response, under_review, won, lost, warning_…, appeal_…
    status = models.CharField(max_length=50)
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)
    evidence_due_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-opened_at"]
        indexes = [
            models.Index(fields=["-opened_at"], name="dispute_newest"),
            models.Index(fields=["status", "-opened_at"], name="dispute_by_status"),
            models.Index(fields=["reason", "-opened_at"], name="dispute_by_reason"),
            models.Index(fields=["-opened_at"], name="dispute_open", condition=Q(closed_at=None)),
        ]

    def __str__(self) -> str:
        return self.stripe_dispute_id
