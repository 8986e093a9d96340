"""What moves on the platform's balance at Stripe by itself: payouts to its bank, top-ups, fees of
no payment, adjustments, reserves."""

from django.db import models
from django.db.models import F, Q

from core.models import BaseModel


class BalanceMovement(BaseModel):
    """A balance transaction of Stripe's that is of no payment, refund, dispute or transfer, once by
    Stripe's id and never changed. Major units; what leaves is below zero."""

    class BookedAs(models.TextChoices):
        """The kind of the ledger's movement."""

        BANK_PAYOUT = "bank_payout"
        BANK_PAYOUT_FAILED = "bank_payout_failed"
        TOP_UP = "top_up"
        TOP_UP_REVERSED = "top_up_reversed"
        STRIPE_CHARGE = "stripe_charge"
        RESERVE = "reserve"
        ADJUSTMENT = "adjustment"

    stripe_id = models.CharField(max_length=255, unique=True)
    # Stripe's words for what it is, and for how its reports name it.
    type = models.CharField(max_length=50)
    reporting_category = models.CharField(max_length=60, blank=True)
    amount = models.DecimalField(max_digits=12, decimal_places=2)
    fee = models.DecimalField(max_digits=12, decimal_places=2)
    net = models.DecimalField(max_digits=12, decimal_places=2)
    currency = models.CharField(max_length=3)
    happened_at = models.DateTimeField()
    available_on = models.DateTimeField()
    description = models.CharField(max_length=500, blank=True)
    # Stripe's id of what it is about, such as a payout.
    source = models.CharField(max_length=255, blank=True)
    # Empty for what is only shown: money in another currency than ours, a type that is new to us,
    # and what moved nothing.
    booked_as = models.CharField(max_length=20, choices=BookedAs, blank=True)

    class Meta:
        ordering = ["-happened_at", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(net=F("amount") - F("fee")), name="balance_movement_adds_up"
            ),
            models.CheckConstraint(
                condition=Q(
                    booked_as__in=[
                        "", "bank_payout", "bank_payout_failed", "top_up", "top_up_reversed",
                        "stripe_charge", "reserve", "adjustment",
                    ]
                ),
                name="balance_movement_booked_as_closed",
            ),
        ]  # fmt: skip
        indexes = [
            models.Index(fields=["-happened_at", "-id"], name="balance_movement_newest"),
            models.Index(
                fields=["happened_at"],
                name="balance_movement_unbooked",
                condition=Q(booked_as="") & ~Q(net=0),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.stripe_id} ({self.type})"
