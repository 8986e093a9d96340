"""The ledger: every movement of money twice, never changed, adding up to nothing.

What the database holds by itself (migrations 0004, 0012 and 0013): the entries of a transaction add
up to zero when it is committed, and neither a transaction nor an entry can be changed, deleted or
emptied away. A transaction names the cause that its kind is of; its entries come with it or never
(the column `written_by` says with which database transaction), an instructor's are of a line they
taught or of their payout, and a line holds no more than was paid for it. A sale is booked as its
`SaleLine`s say.
"""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Round

from core.models import BaseModel
from courses.models import Course
from orders.models import OrderItem
from payments.models.balance_movement import BalanceMovement
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


class SaleLine(BaseModel):
    """Whose the money of one order line is, as it was agreed when the line was sold: written with
    the sale, never changed. Major units; together what was paid for the line.

    Either all of it is the buyer's, who owned the course already, or it is divided among
    instructor, platform and tax office.
    """

    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="sale_lines")
    order_item = models.OneToOneField(OrderItem, on_delete=models.PROTECT, related_name="+")
    # Who earns by it; None where nobody does.
    instructor = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    # Their share of the price after discount, before tax. None where nobody teaches the course or
    # the money is the buyer's, and of sales from before it was written down (0056 says until when).
    percent = models.PositiveSmallIntegerField(null=True, blank=True)
    instructor_amount = models.DecimalField(max_digits=10, decimal_places=2)
    platform_amount = models.DecimalField(max_digits=10, decimal_places=2)
    tax_amount = models.DecimalField(max_digits=10, decimal_places=2)
    buyer_amount = models.DecimalField(max_digits=10, decimal_places=2)
    # From when on the instructor may be paid it.
    available_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(instructor_amount__gte=0, platform_amount__gte=0,
                            tax_amount__gte=0, buyer_amount__gte=0),
                name="sale_line_money_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(buyer_amount=0)
                | Q(instructor_amount=0, platform_amount=0, tax_amount=0),
                name="sale_line_one_kind",
            ),
            models.CheckConstraint(
                condition=Q(instructor_amount=0, instructor=None, available_at=None)
                | Q(instructor_amount__gt=0, instructor__isnull=False, available_at__isnull=False),
                name="sale_line_of_instructor",
            ),
            models.CheckConstraint(
                condition=Q(percent=None)
                | Q(
                    instructor_amount=Round(
                        (F("instructor_amount") + F("platform_amount")) * F("percent") / 100,
                        precision=2,
                    )
                ),
                name="sale_line_share_of_percent",
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.instructor_amount} of {self.order_item_id}"


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
        # What moved on our balance at Stripe by itself: to our bank and back, from there and back,
        # fees of no payment, what Stripe holds back, and whatever else it puts right.
        BANK_PAYOUT = "bank_payout"
        BANK_PAYOUT_FAILED = "bank_payout_failed"
        TOP_UP = "top_up"
        TOP_UP_REVERSED = "top_up_reversed"
        STRIPE_CHARGE = "stripe_charge"
        RESERVE = "reserve"
        ADJUSTMENT = "adjustment"

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
    # Found by `reference`, which follows from it.
    balance_movement = models.ForeignKey(
        BalanceMovement, on_delete=models.PROTECT, null=True, blank=True, related_name="+",
        db_index=False,
    )  # fmt: skip

    class Meta:
        ordering = ["-occurred_at", "-id"]
        indexes = [
            models.Index(fields=["-occurred_at", "-id"], name="ledger_newest"),
            models.Index(fields=["kind", "-occurred_at"], name="ledger_unusual",
                         condition=~Q(kind__in=["sale", "stripe_fee"])),
        ]  # fmt: skip

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
        # What went to our bank, less what came from there.
        BANK = "bank"
        # What Stripe holds back of ours.
        RESERVED = "reserved"
        # What Stripe took or gave for none of these reasons.
        ADJUSTMENTS = "adjustments"

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
            models.Index(
                fields=["instructor", "-created_at", "-id"],
                name="ledger_of_instructor_newest",
                condition=Q(account="instructor"),
            ),
            models.Index(fields=["account", "-id"], name="ledger_entry_unusual",
                         condition=Q(account__in=["buyers", "payouts"])),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.amount} {self.account}"
