"""Money going back, and buyers who ask for it."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from core.models import BaseModel
from orders.models import Order, OrderItem
from payments.models.payment import Payment


class Refund(BaseModel):
    """Money going back. The row comes first (an intention), the call to Stripe after it commits."""

    class Status(models.TextChoices):
        DUE = "due"
        PENDING = "pending"
        SUCCEEDED = "succeeded"
        FAILED = "failed"
        CANCELED = "canceled"

    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="refunds")
    stripe_refund_id = models.CharField(max_length=255, unique=True, null=True, blank=True)
    amount = models.DecimalField(max_digits=10, decimal_places=2)
    status = models.CharField(max_length=10, choices=Status, default=Status.DUE)
    # requested (by staff), late_payment, duplicate_payment, already_owned, amount_mismatch,
    # at_stripe (made there).
    reason = models.CharField(max_length=50)
    note = models.TextField(blank=True)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    # Whether it was taken into the order's refunded amount and the lines' states.
    applied_at = models.DateTimeField(null=True, blank=True)
    # When it was taken out again, because it failed at the bank after all.
    undone_at = models.DateTimeField(null=True, blank=True)
    # Stripe's word for why it failed, e.g. lost_or_stolen_card.
    failure_reason = models.CharField(max_length=100, blank=True, default="", db_default="")
    # How often Stripe refused it, or put it off, as too little was available there; anew since it
    # was applied.
    shortages = models.PositiveIntegerField(default=0, db_default=0)
    attempts = models.PositiveIntegerField(default=0)
    next_attempt_at = models.DateTimeField()
    last_error = models.TextField(blank=True)

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=["due", "pending", "succeeded", "failed", "canceled"]),
                name="refund_status_closed",
            ),
            models.CheckConstraint(condition=Q(amount__gt=0), name="refund_amount_positive"),
            models.CheckConstraint(
                condition=Q(undone_at=None) | Q(applied_at__isnull=False),
                name="refund_undone_was_applied",
            ),
            models.CheckConstraint(
                condition=~Q(status__in=["pending", "succeeded"])
                | Q(stripe_refund_id__isnull=False),
                name="refund_made_has_its_id",
            ),
        ]
        indexes = [
            models.Index(fields=["-created_at"], name="refund_newest"),
            models.Index(fields=["status", "-created_at"], name="refund_by_status"),
            models.Index(fields=["reason", "-created_at"], name="refund_by_reason"),
            models.Index(fields=["next_attempt_at"], name="refund_due", condition=Q(status="due")),
            models.Index(fields=["next_attempt_at"], name="refund_pending",
                         condition=Q(status="pending")),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.amount} ({self.status})"


class RefundLine(BaseModel):
    """Which order line a refund gives back, and how much of it."""

    refund = models.ForeignKey(Refund, on_delete=models.PROTECT, related_name="lines")
    order_item = models.ForeignKey(OrderItem, on_delete=models.PROTECT, related_name="refund_lines")
    amount = models.DecimalField(max_digits=10, decimal_places=2)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["refund", "order_item"], name="refund_line_once"),
            models.CheckConstraint(condition=Q(amount__gte=0), name="refund_line_not_negative"),
        ]

    def __str__(self) -> str:
        return str(self.amount)


class RefundRequest(BaseModel):
    """A buyer's wish for a refund. It is open until staff decline it or the money has gone; an open
    one with a live `refund` was approved."""

    class Status(models.TextChoices):
        OPEN = "open"
        GRANTED = "granted"
        DECLINED = "declined"

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="refund_requests")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    # The lines it is for.
    order_items = models.ManyToManyField(OrderItem, related_name="+")
    reason = models.TextField(blank=True)
    status = models.CharField(max_length=10, choices=Status, default=Status.OPEN)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    decided_at = models.DateTimeField(null=True, blank=True)
    # What the buyer is told about a refusal.
    decision_reason = models.TextField(blank=True, default="", db_default="")
    refund = models.OneToOneField(
        Refund, on_delete=models.PROTECT, null=True, blank=True, related_name="request"
    )

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=["open", "granted", "declined"]),
                name="refund_request_status_closed",
            ),
            models.UniqueConstraint(
                fields=["order"], condition=Q(status="open"), name="refund_request_one_open"
            ),
        ]
        indexes = [
            models.Index(fields=["-created_at"], name="refund_request_newest"),
            models.Index(fields=["status", "-created_at"], name="refund_request_by_status"),
        ]

    def __str__(self) -> str:
        return f"{self.status} request of {self.created_at:%Y-%m-%d}"
