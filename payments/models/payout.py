"""Paying instructors what they earned, by Stripe Connect."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone

from core.models import BaseModel


class PayoutAccount(BaseModel):
    """Where an instructor's earnings go: the account they have at Stripe now. Its row lock
    serialises an instructor's payouts. One that can't be used any more is replaced here by another;
    payouts keep the one they went to."""

    class Trouble(models.TextChoices):
        """Why an account isn't paid that was, or could have been."""

        # Stripe stopped transfers to it until its owner has done something.
        RESTRICTED = "restricted"
        # Stripe, or we at Stripe, rejected it for good.
        REJECTED = "rejected"
        # Stripe doesn't know it any more: closed, or its owner took our access away.
        GONE = "gone"

    instructor = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="payout_account"
    )
    # None until Stripe has answered.
    stripe_account_id = models.CharField(max_length=255, unique=True, null=True, blank=True)
    # Whether Stripe lets us transfer to it, as it said last.
    is_ready = models.BooleanField(default=False)
    details_submitted = models.BooleanField(default=False)
    trouble = models.CharField(
        max_length=20, choices=Trouble, blank=True, default="", db_default=""
    )
    # Stripe says that it was opened for somebody else, or not by us: it isn't paid.
    is_foreign = models.BooleanField(default=False, db_default=False)
    synced_at = models.DateTimeField(null=True, blank=True)
    # When Stripe is next asked of it, whether it told of anything or not.
    next_look_at = models.DateTimeField(default=timezone.now, db_default=Now())

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(trouble__in=["", "restricted", "rejected", "gone"]),
                name="payout_account_trouble_closed",
            ),
        ]
        indexes = [
            models.Index(
                fields=["next_look_at"],
                name="payout_account_looked_at",
                condition=Q(stripe_account_id__isnull=False),
            ),
            models.Index(
                fields=["id"], name="payout_account_foreign", condition=Q(is_foreign=True)
            ),
        ]

    def __str__(self) -> str:
        return self.stripe_account_id or f"account of {self.instructor_id}"

    @property
    def is_over(self) -> bool:
        """Whether the account at Stripe can't be used any more: another one has to be opened."""
        return self.trouble in {self.Trouble.REJECTED, self.Trouble.GONE}


class Payout(BaseModel):
    """A transfer to an instructor. The row comes first, the call to Stripe after it commits."""

    class Status(models.TextChoices):
        DUE = "due"
        PAID = "paid"
        FAILED = "failed"

    account = models.ForeignKey(PayoutAccount, on_delete=models.PROTECT, related_name="payouts")
    amount = models.DecimalField(max_digits=10, decimal_places=2)
    currency = models.CharField(max_length=3)
    # The account at Stripe that it goes to, or went. Empty: the one that `account` has now.
    destination = models.CharField(max_length=255, blank=True, default="", db_default="")
    status = models.CharField(max_length=10, choices=Status, default=Status.DUE)
    stripe_transfer_id = models.CharField(max_length=255, unique=True, null=True, blank=True)
    paid_at = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveIntegerField(default=0)
    next_attempt_at = models.DateTimeField()
    last_error = models.TextField(blank=True)

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=["due", "paid", "failed"]), name="payout_status_closed"
            ),
            models.CheckConstraint(condition=Q(amount__gt=0), name="payout_amount_positive"),
            models.CheckConstraint(
                condition=~Q(status="paid") | Q(paid_at__isnull=False), name="payout_paid_has_date"
            ),
            models.CheckConstraint(
                condition=~Q(status="paid") | Q(stripe_transfer_id__isnull=False),
                name="payout_paid_has_its_transfer",
            ),
            # One under way at a time: a second sweep can't pay the same earnings again.
            models.UniqueConstraint(
                fields=["account"], condition=Q(status="due"), name="payout_one_due_per_account"
            ),
        ]
        indexes = [
            models.Index(fields=["next_attempt_at"], name="payout_due", condition=Q(status="due")),
            models.Index(fields=["updated_at"], name="payout_failed", condition=Q(status="failed")),
            models.Index(fields=["account", "-created_at"], name="payout_of_account"),
            models.Index(fields=["-created_at"], name="payout_newest"),
            models.Index(fields=["status", "-created_at"], name="payout_by_status"),
            models.Index(
                fields=["-created_at"], name="payout_trouble", condition=~Q(last_error="")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.amount} ({self.status})"


class BankPayoutFailure(BaseModel):
    """An instructor's bank refused what Stripe paid out to it. The money lies in their account at
    Stripe, so that nothing of it is in our ledger; they and staff are told, once."""

    account = models.ForeignKey(
        PayoutAccount, on_delete=models.PROTECT, related_name="bank_failures"
    )
    # Stripe's payout from their account to their bank.
    stripe_payout_id = models.CharField(max_length=255, unique=True)
    # Stripe's word for why, e.g. account_closed.
    reason = models.CharField(max_length=100, blank=True)

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.stripe_payout_id} ({self.reason})"
