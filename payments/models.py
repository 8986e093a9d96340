"""Money at Stripe: payments, refunds, disputes, and the inbox of Stripe's events."""

import datetime as dt

from django.conf import settings
from django.db import models
from django.db.models import Q

from core.models import BaseModel
from orders.models import Order, OrderItem


def first_check() -> dt.timedelta:
    """Return how long after its creation an open payment is first looked up at Stripe."""
    return dt.timedelta(seconds=60)


class Payment(BaseModel):
    """One payment intent of one order. A failure never overwrites a success."""

    class Status(models.TextChoices):
        PENDING = "pending"
        SUCCEEDED = "succeeded"
        FAILED = "failed"

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="payments")
    stripe_payment_id = models.CharField(max_length=255, unique=True)
    stripe_charge_id = models.CharField(max_length=255, blank=True, db_index=True)
    amount = models.DecimalField(max_digits=10, decimal_places=2)
    currency = models.CharField(max_length=3)
    status = models.CharField(max_length=20, choices=Status, default=Status.PENDING)
    # Stripe's own word for the intent's state, e.g. requires_action.
    stripe_status = models.CharField(max_length=50, blank=True)
    last_error_code = models.CharField(max_length=100, blank=True)
    last_error_message = models.CharField(max_length=500, blank=True)
    # Set when the money can't stand for the order (wrong amount, order closed, …): shown to staff.
    needs_attention = models.CharField(max_length=200, blank=True)
    metadata = models.JSONField(default=dict, blank=True)
    succeeded_at = models.DateTimeField(null=True, blank=True)
    # When reconciliation asks Stripe about an open payment next.
    next_check_at = models.DateTimeField()

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=["pending", "succeeded", "failed"]),
                name="payment_status_closed",
            ),
            models.CheckConstraint(condition=Q(amount__gte=0), name="payment_amount_not_negative"),
            models.UniqueConstraint(
                fields=["order"], condition=Q(status="pending"), name="payment_one_open_per_order"
            ),
        ]
        indexes = [
            models.Index(fields=["order", "-created_at"], name="payment_of_order"),
            models.Index(fields=["next_check_at"], name="payment_open",
                         condition=Q(status="pending")),
            models.Index(fields=["-created_at"], name="payment_attention",
                         condition=~Q(needs_attention="")),
        ]  # fmt: skip

    def __str__(self) -> str:
        return self.stripe_payment_id


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
    # requested (by staff), late_payment, already_owned, amount_mismatch, at_stripe (made there).
    reason = models.CharField(max_length=50)
    note = models.TextField(blank=True)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    # Whether it was taken into the order's refunded amount and the lines' states.
    applied_at = models.DateTimeField(null=True, blank=True)
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
        ]
        indexes = [
            models.Index(fields=["next_attempt_at"], name="refund_due", condition=Q(status="due")),
        ]

    def __str__(self) -> str:
        return f"{self.amount} of {self.payment_id} ({self.status})"


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
        return f"{self.amount} of {self.order_item_id}"


class RefundRequest(BaseModel):
    """A buyer's wish for a refund, waiting for staff."""

    class Status(models.TextChoices):
        OPEN = "open"
        GRANTED = "granted"
        DECLINED = "declined"

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="refund_requests")
    reason = models.TextField(blank=True)
    status = models.CharField(max_length=10, choices=Status, default=Status.OPEN)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    decided_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=["open", "granted", "declined"]),
                name="refund_request_status_closed",
            ),
            models.UniqueConstraint(
                fields=["order"], condition=Q(status="open"), name="refund_request_one_open"
            ),
        ]

    def __str__(self) -> str:
        return f"refund request for {self.order_id}"


class Dispute(BaseModel):
    """A chargeback as Stripe reports it. While it is open, the enrolments are suspended."""

    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="disputes")
    stripe_dispute_id = models.CharField(max_length=255, unique=True)
    amount = models.DecimalField(max_digits=10, decimal_places=2)
    currency = models.CharField(max_length=3)
    reason = models.CharField(max_length=100, blank=True)
    # Stripe's word: needs_response, under_review, won, lost, warning_…
    status = models.CharField(max_length=50)
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-opened_at"]

    def __str__(self) -> str:
        return self.stripe_dispute_id


class StripeEvent(models.Model):
    """The inbox: each event once, by Stripe's own id, stored before anything is done about it."""

    class Status(models.TextChoices):
        RECEIVED = "received"
        HANDLED = "handled"
        IGNORED = "ignored"
        DEAD = "dead"

    id = models.CharField(max_length=255, primary_key=True)
    type = models.CharField(max_length=100)
    object_id = models.CharField(max_length=255, blank=True)
    payload = models.JSONField()
    status = models.CharField(max_length=10, choices=Status, default=Status.RECEIVED)
    created_at_stripe = models.DateTimeField()
    received_at = models.DateTimeField(auto_now_add=True)
    handled_at = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveIntegerField(default=0)
    next_attempt_at = models.DateTimeField()
    last_error = models.TextField(blank=True)

    class Meta:
        ordering = ["-received_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=["received", "handled", "ignored", "dead"]),
                name="stripe_event_status_closed",
            ),
            models.CheckConstraint(
                condition=~Q(status="handled") | Q(handled_at__isnull=False),
                name="stripe_event_handled_has_date",
            ),
        ]
        indexes = [
            models.Index(fields=["next_attempt_at"], name="stripe_event_due",
                         condition=Q(status="received")),
            models.Index(fields=["object_id"], name="stripe_event_object"),
            models.Index(fields=["-received_at"], name="stripe_event_newest"),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.type} {self.id}"
