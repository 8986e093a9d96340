"""What the ledger's entries add up to, kept by the database itself (migrations 0020 and 0021).

Each entry adds a `BalanceChange` in its own transaction. Deleting changes adds them to their
`Balance`, in one statement, which is all that a sweep has to do. A `RunningBalance` reads both: at
every commit their sum is that of the entries, whatever has been folded in. Nobody writes to either
by hand: the database refuses it.
"""

from django.conf import settings
from django.db import models

from courses.models import Course


class _Sums(models.Model):
    """Sums over entries of a currency and an account; an instructor's by course. Debits are above
    zero. Without a course they are of the instructor's payouts."""

    id = models.BigAutoField(primary_key=True)
    currency = models.CharField(max_length=3)
    account = models.CharField(max_length=20)
    # The entries' own references keep these rows from going; the database looks after both.
    instructor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.DO_NOTHING,
        null=True,
        related_name="+",
        db_index=False,
    )
    course = models.ForeignKey(
        Course, on_delete=models.DO_NOTHING, null=True, related_name="+", db_index=False
    )
    amount = models.DecimalField(max_digits=14, decimal_places=2)
    # How many entries, and how many of these are of sales.
    entries = models.BigIntegerField()
    sales = models.BigIntegerField()
    # What of the amount is of sales, and what of payouts, there and back.
    sold = models.DecimalField(max_digits=14, decimal_places=2)
    sent = models.DecimalField(max_digits=14, decimal_places=2)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.amount} {self.currency} {self.account}"


class Balance(_Sums):
    """The sums of all entries whose changes were folded in."""

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["currency", "account", "instructor", "course"],
                name="balance_once",
                nulls_distinct=False,
            ),
        ]
        indexes = [
            models.Index(
                fields=["instructor"],
                name="balance_of_instructor",
                condition=models.Q(instructor__isnull=False),
            ),
        ]


class BalanceChange(_Sums):
    """What entries of one statement add and isn't folded in yet. None of it can be paid before
    `held_until`; without, it could be at once."""

    held_until = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["held_until"], name="balance_change_due"),
            models.Index(
                fields=["instructor", "held_until"],
                name="balance_change_of_instructor",
                condition=models.Q(instructor__isnull=False),
            ),
        ]


class RunningBalance(_Sums):
    """Balances and what isn't folded in yet, in one snapshot (a view). To be added up: no row of
    it stands for itself, and `id` names none."""

    held_until = models.DateTimeField(null=True)

    class Meta:
        managed = False
        db_table = "payments_runningbalance"


class BalanceMark(models.Model):
    """What an instructor's or an account's entries until some moment (`BookMark` "balances") add up
    to, as the books were verified; columns as a balance's."""

    id = models.BigAutoField(primary_key=True)
    currency = models.CharField(max_length=3)
    account = models.CharField(max_length=20)
    instructor_id = models.UUIDField(null=True)
    course_id = models.UUIDField(null=True)
    amount = models.DecimalField(max_digits=14, decimal_places=2)
    entries = models.BigIntegerField()
    sales = models.BigIntegerField()
    sold = models.DecimalField(max_digits=14, decimal_places=2)
    sent = models.DecimalField(max_digits=14, decimal_places=2)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["currency", "account", "instructor_id", "course_id"],
                name="balance_mark_once",
                nulls_distinct=False,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.amount} {self.currency} {self.account}"
