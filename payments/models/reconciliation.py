"""What comparing our books with Stripe's found."""

from django.db import models
from django.db.models import Q

from core.models import BaseModel


class ReconciliationRun(BaseModel):
    """One comparison of our payments, refunds, disputes and transfers with Stripe's. It goes on
    page by page, from `position`, by whoever holds its lease: a killed worker costs no more than
    that."""

    since = models.DateTimeField()
    position = models.JSONField(default=dict, db_default={}, blank=True)
    # Until when somebody works on it.
    leased_until = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    payments_compared = models.PositiveIntegerField(default=0)
    refunds_compared = models.PositiveIntegerField(default=0)
    disputes_compared = models.PositiveIntegerField(default=0)
    transfers_compared = models.PositiveIntegerField(default=0, db_default=0)
    # By currency, what was captured and refunded of the payments compared: ours and Stripe's.
    totals = models.JSONField(default=dict, db_default={}, blank=True)
    # By currency, what lies at Stripe: by the ledger, and by Stripe.
    balances = models.JSONField(default=dict, db_default={}, blank=True)
    differences_healed = models.PositiveIntegerField(default=0, db_default=0)
    error = models.TextField(blank=True)

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            # One at a time: a second one would only ask Stripe the same.
            models.UniqueConstraint(
                fields=["finished_at"],
                condition=Q(finished_at=None),
                nulls_distinct=False,
                name="reconciliation_run_one_open",
            ),
        ]
        indexes = [
            models.Index(
                fields=["-finished_at"],
                name="reconciliation_run_done",
                condition=Q(error="", finished_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.created_at:%Y-%m-%d %H:%M}"


class ReconciliationDifference(BaseModel):
    """Something that we have otherwise than Stripe, or books that contradict each other. It stays
    open until a later run finds it gone; the same one found again is the same row."""

    class Kind(models.TextChoices):
        MISSING_HERE = "missing_here"
        MISSING_AT_STRIPE = "missing_at_stripe"
        AMOUNT = "amount"
        CURRENCY = "currency"
        STATUS = "status"
        # How much of a payment was refunded, or of a transfer taken back.
        REFUNDED = "refunded"
        # Whose account money went to, or is to go to.
        DESTINATION = "destination"
        # Whose order a payment is of, and by which charge it was paid.
        ORDER = "order"
        CHARGE = "charge"
        # An invariant that rows of ours break; `ours` is the first of them.
        BOOKS = "books"

    kind = models.CharField(max_length=20, choices=Kind)
    # Stripe's name of the object, such as payment_intent, and its id; or "books" and the invariant.
    object_type = models.CharField(max_length=30)
    object_id = models.CharField(max_length=255)
    ours = models.CharField(max_length=200, blank=True)
    theirs = models.CharField(max_length=200, blank=True)
    # Ids of the instructors whom it is about: they are paid once it is resolved.
    earners = models.JSONField(default=list, db_default=[], blank=True)
    found_by = models.ForeignKey(
        ReconciliationRun, on_delete=models.CASCADE, related_name="differences"
    )
    last_seen_at = models.DateTimeField()
    # When a run found both equal again; `healed` when it was that run's own doing.
    resolved_at = models.DateTimeField(null=True, blank=True)
    healed = models.BooleanField(default=False)

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "object_type", "object_id"],
                condition=Q(resolved_at=None),
                name="difference_open_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.object_type} {self.object_id}: {self.kind}"
