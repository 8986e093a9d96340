"""The ledger: every movement of money twice, never changed, adding up to nothing.

What the database holds by itself (migration 0004): the entries of a transaction add up to zero when
it is committed, and neither a transaction nor an entry can be changed or deleted.
"""

from django.conf import settings
from django.db import models
from django.db.models import Q

from core.models import BaseModel
from courses.models import Course
from orders.models import OrderItem
from payments.models.dispute import Dispute
from payments.models.payment import Payment
from payments.models.payout import Payout
from payments.models.refund import Refund


class RevenueShare(BaseModel):
    """An instructor's part of one course's sales, where it isn't the ordinary one."""

    course = models.OneToOneField(Course, on_delete=models.CASCADE, related_name="+")
    percent = models.PositiveSmallIntegerField(help_text="Of the price after discount, before tax")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(percent__lte=100), name="revenue_share_percent_bounded"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.percent} % of {self.course_id}"


class LedgerTransaction(BaseModel):
    """One movement of money. `reference` names its cause (`sale:<payment>`, `refund:<refund>`, …),
    and being unique keeps it from being booked twice."""

    class Kind(models.TextChoices):
        SALE = "sale"
        # Money that stands for no order and goes back.
        UNDUE_PAYMENT = "undue_payment"
        STRIPE_FEE = "stripe_fee"
        REFUND = "refund"
        REFUND_FAILED = "refund_failed"
        DISPUTE = "dispute"
        DISPUTE_WON = "dispute_won"
        PAYOUT = "payout"
        PAYOUT_PAID = "payout_paid"
        PAYOUT_FAILED = "payout_failed"

    kind = models.CharField(max_length=20, choices=Kind)
    reference = models.CharField(max_length=100, unique=True)
    currency = models.CharField(max_length=3)
    occurred_at = models.DateTimeField()
    payment = models.ForeignKey(
        Payment, on_delete=models.PROTECT, null=True, blank=True, related_name="ledger"
    )
    refund = models.ForeignKey(
        Refund, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    dispute = models.ForeignKey(
        Dispute, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    payout = models.ForeignKey(
        Payout, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )

    class Meta:
        ordering = ["-occurred_at", "-id"]
        indexes = [models.Index(fields=["-occurred_at", "-id"], name="ledger_newest")]

    def __str__(self) -> str:
        return self.reference


class LedgerEntry(BaseModel):
    """One side of a movement: debits are positive, credits negative. Major units."""

    class Account(models.TextChoices):
        # What lies at Stripe for us.
        STRIPE = "stripe"
        # What we keep, and what we lose.
        PLATFORM = "platform"
        # What we owe an instructor; below zero they owe us.
        INSTRUCTOR = "instructor"
        # What we owe the tax office.
        TAX = "tax"
        # What Stripe charges us.
        STRIPE_FEES = "stripe_fees"
        # What we owe buyers: money that stands for no order, or couldn't be given back.
        BUYERS = "buyers"
        # What is on its way to an instructor.
        PAYOUTS = "payouts"

    transaction = models.ForeignKey(
        LedgerTransaction, on_delete=models.PROTECT, related_name="entries"
    )
    account = models.CharField(max_length=20, choices=Account)
    instructor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="ledger_entries",
    )
    order_item = models.ForeignKey(
        OrderItem, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    amount = models.DecimalField(max_digits=12, decimal_places=2)
    # From when on an instructor may be paid it; only theirs have it.
    available_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "ledger entries"
        constraints = [
            models.CheckConstraint(condition=~Q(amount=0), name="ledger_entry_not_zero"),
            models.CheckConstraint(
                condition=Q(
                    account="instructor", instructor__isnull=False, available_at__isnull=False
                )
                | (~Q(account="instructor") & Q(available_at=None)),
                name="ledger_entry_of_instructor",
            ),
        ]
        indexes = [
            models.Index(
                fields=["instructor", "available_at"],
                name="ledger_of_instructor",
                condition=Q(account="instructor"),
                include=["amount"],
            ),
        ]

    def __str__(self) -> str:
        return f"{self.amount} {self.account}"
