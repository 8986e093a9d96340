"""Orders and their lines, coupons, invoices and the numbers on them."""

from decimal import Decimal

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Upper

from core.models import BaseModel
from courses.models import Category, Course
from enrollments.models import Enrollment
from users.models import User

# How orders are paid (`Order.payment_method`).
STRIPE = "stripe"


class Coupon(BaseModel):
    """A discount by code: a percentage or an amount, within its dates and its limits.

    It is for one course, for one category, or for everything; an instructor's only ever for courses
    of their own. A limit counts redemptions, that is orders that are pending or were paid; the
    database refuses one beyond it, and nobody sets a limit below what was used.
    """

    code = models.CharField(max_length=50, unique=True, help_text="Stored in upper case")
    # None: made by staff, for courses of anyone.
    instructor = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, blank=True, related_name="coupons"
    )
    percent_off = models.PositiveSmallIntegerField(null=True, blank=True)
    amount_off = models.DecimalField(max_digits=10, decimal_places=2, null=True, blank=True)
    course = models.ForeignKey(
        Course, on_delete=models.PROTECT, null=True, blank=True, related_name="coupons"
    )
    category = models.ForeignKey(
        Category, on_delete=models.PROTECT, null=True, blank=True, related_name="coupons"
    )
    # What the courses it applies to must cost together.
    minimum_amount = models.DecimalField(max_digits=10, decimal_places=2, null=True, blank=True)
    valid_from = models.DateTimeField(null=True, blank=True)
    valid_until = models.DateTimeField(null=True, blank=True)
    max_redemptions = models.PositiveIntegerField(null=True, blank=True)
    max_redemptions_per_person = models.PositiveIntegerField(null=True, blank=True)
    # Its redemptions, counted by the database as they come and go; what is saved here is ignored.
    used_count = models.IntegerField(default=0, db_default=0, editable=False)
    is_active = models.BooleanField(default=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(percent_off__isnull=False, amount_off=None)
                | Q(percent_off=None, amount_off__isnull=False),
                name="coupon_one_kind",
            ),
            models.CheckConstraint(
                condition=Q(percent_off=None) | Q(percent_off__range=(1, 100)),
                name="coupon_percent_bounded",
            ),
            models.CheckConstraint(
                condition=Q(amount_off=None) | Q(amount_off__gt=0), name="coupon_amount_positive"
            ),
            models.CheckConstraint(condition=Q(code=Upper("code")), name="coupon_code_upper_case"),
            models.CheckConstraint(
                condition=Q(valid_from=None)
                | Q(valid_until=None)
                | Q(valid_from__lt=F("valid_until")),
                name="coupon_dates_in_order",
            ),
            models.CheckConstraint(
                condition=Q(course=None) | Q(category=None), name="coupon_one_scope"
            ),
            models.CheckConstraint(
                condition=Q(minimum_amount=None) | Q(minimum_amount__gt=0),
                name="coupon_minimum_positive",
            ),
        ]

    def __str__(self) -> str:
        return self.code


class Order(BaseModel):
    """A purchase. Its amounts are decided once, at creation, and never follow the catalogue."""

    class Status(models.TextChoices):
        PENDING = "pending"
        COMPLETED = "completed"
        FAILED = "failed"
        REFUNDED = "refunded"

    order_number = models.CharField(max_length=20, unique=True)
    user = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="orders")
    status = models.CharField(max_length=20, choices=Status, default=Status.PENDING)
    # Why a failed order failed: expired, replaced (the cart changed), canceled.
    failure_reason = models.CharField(max_length=20, blank=True)
    currency = models.CharField(max_length=3)
    subtotal = models.DecimalField(max_digits=10, decimal_places=2)
    discount_amount = models.DecimalField(max_digits=10, decimal_places=2, default=0)
    tax_amount = models.DecimalField(max_digits=10, decimal_places=2, default=0, db_default=0)
    # What the tax consists of, as the rule in force said: [{"name", "rate", "amount"}].
    tax_lines = models.JSONField(default=list, db_default=[], blank=True)
    total_amount = models.DecimalField(max_digits=10, decimal_places=2)
    refunded_amount = models.DecimalField(max_digits=10, decimal_places=2, default=0)
    coupon = models.ForeignKey(
        Coupon, on_delete=models.PROTECT, null=True, blank=True, related_name="orders"
    )
    billing_address = models.JSONField(default=dict, blank=True)
    payment_method = models.CharField(max_length=50, blank=True)
    # The charge that paid it (`ch_…`) and its payment intent (`pi_…`), as in plan 3.2.
    transaction_id = models.CharField(max_length=255, blank=True)
    payment_id = models.CharField(max_length=255, blank=True)
    expires_at = models.DateTimeField()
    completed_at = models.DateTimeField(null=True, blank=True)
    # Since when money for it is on its way, as with a bank debit, which takes days. Only of a
    # pending order: it is left alone until the money has come, or hasn't.
    payment_in_progress_since = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=["pending", "completed", "failed", "refunded"]),
                name="order_status_closed",
            ),
            models.CheckConstraint(
                condition=Q(subtotal__gte=0, discount_amount__gte=0, tax_amount__gte=0,
                            total_amount__gte=0, refunded_amount__gte=0),
                name="order_money_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(
                    total_amount=F("subtotal") - F("discount_amount") + F("tax_amount")
                ),
                name="order_total_adds_up",
            ),
            models.CheckConstraint(
                condition=Q(refunded_amount__lte=F("total_amount")), name="order_refund_bounded"
            ),
            models.CheckConstraint(
                condition=~Q(status="completed") | Q(completed_at__isnull=False),
                name="order_completed_has_date",
            ),
            # One open order a person: twenty parallel "create order" make one. One whose money is
            # on its way is no longer open, and another may be made beside it.
            models.UniqueConstraint(
                fields=["user"],
                condition=Q(status="pending", payment_in_progress_since=None),
                name="order_one_open_per_user",
            ),
        ]  # fmt: skip
        indexes = [
            models.Index(fields=["user", "-created_at"], name="order_mine"),
            models.Index(fields=["user", "status", "-created_at"], name="order_mine_by_status"),
            models.Index(fields=["-created_at"], name="order_newest"),
            models.Index(fields=["payment_id"], name="order_of_payment",
                         condition=~Q(payment_id="")),
            models.Index(fields=["transaction_id"], name="order_of_charge",
                         condition=~Q(transaction_id="")),
            models.Index(fields=["status", "-created_at"], name="order_unusual",
                         condition=~Q(status="completed")),
            models.Index(fields=["failure_reason", "-created_at"], name="order_failed",
                         condition=~Q(failure_reason="")),
            models.Index(fields=["expires_at"], name="order_expiring",
                         condition=Q(status="pending")),
            models.Index(fields=["completed_at"], name="order_completed",
                         condition=Q(completed_at__isnull=False)),
        ]  # fmt: skip

    def __str__(self) -> str:
        return self.order_number


class OrderItem(BaseModel):
    """A line: one course, its title and price as they were. A sold course can't be deleted."""

    class State(models.TextChoices):
        PENDING = "pending"
        FULFILLED = "fulfilled"
        REFUNDED = "refunded"
        CANCELED = "canceled"

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="items")
    course = models.ForeignKey(Course, on_delete=models.PROTECT, related_name="order_items")
    enrollment = models.ForeignKey(
        Enrollment, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    # Who taught the course when it was ordered, and so earns by it; None where nobody knows.
    instructor = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    title_at_purchase = models.CharField(max_length=255)
    price_at_purchase = models.DecimalField(max_digits=10, decimal_places=2)
    # This line's share of the order's discount; the shares add up to it exactly.
    discount_amount = models.DecimalField(max_digits=10, decimal_places=2, default=0)
    # This line's share of the order's tax; likewise.
    tax_amount = models.DecimalField(max_digits=10, decimal_places=2, default=0, db_default=0)
    refunded_amount = models.DecimalField(max_digits=10, decimal_places=2, default=0)
    state = models.CharField(max_length=10, choices=State, default=State.PENDING)

    class Meta:
        ordering = ["created_at", "id"]
        constraints = [
            models.UniqueConstraint(fields=["order", "course"], name="order_item_once"),
            models.CheckConstraint(
                condition=Q(state__in=["pending", "fulfilled", "refunded", "canceled"]),
                name="order_item_state_closed",
            ),
            models.CheckConstraint(
                condition=Q(price_at_purchase__gte=0, discount_amount__gte=0,
                            tax_amount__gte=0, refunded_amount__gte=0),
                name="order_item_money_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(refunded_amount__lte=F("price_at_purchase") - F("discount_amount")
                            + F("tax_amount")),
                name="order_item_refund_bounded",
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return self.title_at_purchase

    @property
    def paid_amount(self) -> Decimal:
        """What is paid for this line: its price less its discount, with its tax. Major units."""
        return self.price_at_purchase - self.discount_amount + self.tax_amount


class CouponRedemption(BaseModel):
    """A coupon used by one order, so that its limit can be counted."""

    coupon = models.ForeignKey(Coupon, on_delete=models.PROTECT, related_name="redemptions")
    order = models.OneToOneField(Order, on_delete=models.PROTECT, related_name="redemption")
    user = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")

    class Meta:
        indexes = [
            models.Index(fields=["coupon", "user"], name="redemption_of_person"),
            models.Index(fields=["-created_at"], name="redemption_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.coupon_id} in {self.order_id}"


class NumberSeries(models.Model):
    """The last number given out in a series such as "ORD-2026" or "INV-2026"."""

    name = models.CharField(max_length=20, primary_key=True)
    last = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name_plural = "number series"

    def __str__(self) -> str:
        return f"{self.name}: {self.last}"


class Invoice(BaseModel):
    """The invoice of a paid order. Numbers are gapless: given in the transaction that settles.

    The database refuses any change of it, and of a credit note but that it becomes void, once.
    """

    order = models.OneToOneField(Order, on_delete=models.PROTECT, related_name="invoice")
    number = models.CharField(max_length=20, unique=True)
    issued_at = models.DateTimeField()
    total_amount = models.DecimalField(max_digits=10, decimal_places=2)
    currency = models.CharField(max_length=3)
    billing_address = models.JSONField(default=dict, blank=True)
    # Who sells, as the settings said that day: {"name", "address", "tax_id"}.
    seller = models.JSONField(default=dict, db_default={}, blank=True)
    lines = models.JSONField(default=list)
    tax_amount = models.DecimalField(max_digits=10, decimal_places=2, default=0, db_default=0)
    tax_lines = models.JSONField(default=list, db_default=[], blank=True)

    class Meta:
        ordering = ["-issued_at"]
        indexes = [models.Index(fields=["-issued_at"], name="invoice_newest")]
        constraints = [
            # Not of the oldest: they are from before there were sellers.
            models.CheckConstraint(condition=~Q(seller={}), name="invoice_names_its_seller")
        ]

    def __str__(self) -> str:
        return self.number


class CreditNote(BaseModel):
    """What a refund, or a dispute that was lost, takes off an invoice. Numbers are gapless: given
    in the transaction of the cause.

    One whose refund failed at the bank afterwards, or whose dispute was won on appeal, is void, and
    keeps its number.
    """

    invoice = models.ForeignKey(Invoice, on_delete=models.PROTECT, related_name="credit_notes")
    number = models.CharField(max_length=20, unique=True)
    # The refund or the dispute it is for, a row of the floor above: one note each; of a dispute one
    # that isn't void.
    refund_id = models.UUIDField(unique=True, null=True)
    dispute_id = models.UUIDField(null=True)
    issued_at = models.DateTimeField()
    voided_at = models.DateTimeField(null=True, blank=True)
    total_amount = models.DecimalField(max_digits=10, decimal_places=2)
    tax_amount = models.DecimalField(max_digits=10, decimal_places=2, default=0)
    currency = models.CharField(max_length=3)
    lines = models.JSONField(default=list)

    class Meta:
        ordering = ["-issued_at"]
        indexes = [
            models.Index(fields=["-issued_at"], name="credit_note_newest"),
            models.Index(fields=["-issued_at"], name="credit_note_void",
                         condition=Q(voided_at__isnull=False)),
        ]  # fmt: skip
        constraints = [
            models.CheckConstraint(
                condition=Q(total_amount__gt=0, tax_amount__gte=0), name="credit_note_positive"
            ),
            models.CheckConstraint(
                condition=Q(refund_id=None, dispute_id__isnull=False)
                | Q(refund_id__isnull=False, dispute_id=None),
                name="credit_note_has_one_cause",
            ),
            models.UniqueConstraint(
                fields=["dispute_id"],
                condition=Q(voided_at=None, dispute_id__isnull=False),
                name="credit_note_one_of_a_dispute",
            ),
        ]

    def __str__(self) -> str:
        return self.number
