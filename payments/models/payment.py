"""Payments: what Stripe calls payment intents, one order's each."""

import datetime as dt

from django.db import models
from django.db.models import F, Q

from core.models import BaseModel
from orders.models import Order

# Stripe's words for an intent that takes no money any more; "" is one that Stripe doesn't know.
_DEAD = ("", "canceled")
# Intents that may take money: an order's open one, and any other of it that isn't known to be dead.
# A copy of us that was restored may have made one, or a key that Stripe forgot. Only these words of
# the condition let PostgreSQL use its index.
MAY_BE_PAID = Q(status="pending") | (Q(status="failed") & ~Q(stripe_status__in=_DEAD))


def first_check() -> dt.timedelta:
    """Return how long after its creation an open payment is first looked up at Stripe."""
    return dt.timedelta(seconds=20)


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
    # What of it went back, is on its way back, or is to go back. Reserved under this row's lock
    # before Stripe is asked, so that no two refunds together give back more than was paid.
    refunding_amount = models.DecimalField(max_digits=10, decimal_places=2, default=0, db_default=0)
    # What Stripe kept of it, once it says so. Major units.
    fee_amount = models.DecimalField(max_digits=10, decimal_places=2, null=True, blank=True)
    currency = models.CharField(max_length=3)
    status = models.CharField(max_length=20, choices=Status, default=Status.PENDING)
    # Stripe's own word for the intent's state, e.g. requires_action.
    stripe_status = models.CharField(max_length=50, blank=True)
    # The last bank debit that came to nothing after it was under way: its buyer was told.
    failed_charge_id = models.CharField(max_length=255, blank=True, default="", db_default="")
    last_error_code = models.CharField(max_length=100, blank=True)
    last_error_message = models.CharField(max_length=500, blank=True)
    # Set when the money can't stand for the order (wrong amount, order closed, …): shown to staff.
    needs_attention = models.CharField(max_length=200, blank=True)
    # {"at_stripe": False}: never made at this Stripe account. It counts only where invented data
    # may be (`payments.services.exempt`).
    metadata = models.JSONField(default=dict, blank=True)
    succeeded_at = models.DateTimeField(null=True, blank=True)
    # When reconciliation asks Stripe about one that may be paid next.
    next_check_at = models.DateTimeField()

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=["pending", "succeeded", "failed"]),
                name="payment_status_closed",
            ),
            models.CheckConstraint(condition=Q(amount__gte=0), name="payment_amount_not_negative"),
            models.CheckConstraint(
                condition=Q(refunding_amount__gte=0, refunding_amount__lte=F("amount")),
                name="payment_refunds_bounded",
            ),
            models.UniqueConstraint(
                fields=["order"], condition=Q(status="pending"), name="payment_one_open_per_order"
            ),
        ]
        indexes = [
            models.Index(fields=["order", "-created_at"], name="payment_of_order"),
            models.Index(fields=["next_check_at"], name="payment_may_be_paid",
                         condition=MAY_BE_PAID),
            models.Index(fields=["succeeded_at"], name="payment_without_fee",
                         condition=Q(status="succeeded", fee_amount=None)),
            models.Index(fields=["-created_at"], name="payment_newest"),
            models.Index(fields=["status", "-created_at"], name="payment_unusual",
                         condition=~Q(status="succeeded")),
            models.Index(fields=["created_at"], name="payment_elsewhere",
                         condition=Q(metadata__contains={"at_stripe": False})),
            models.Index(fields=["-created_at"], name="payment_attention",
                         condition=~Q(needs_attention="")),
        ]  # fmt: skip

    def __str__(self) -> str:
        return self.stripe_payment_id

    @property
    def may_be_paid(self) -> bool:
        """Whether this is one of MAY_BE_PAID."""
        is_failed = self.status == self.Status.FAILED and self.stripe_status not in _DEAD
        return is_failed or self.status == self.Status.PENDING
