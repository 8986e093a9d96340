"""What of the books was written to since it was last verified."""

from django.db import models


class BookTouch(models.Model):
    """A row of the books that was written to, noted by a trigger in the transaction that did so.

    Without `amount` it names what to look at again. With it, it is what a count changed by: all
    of one `kind` and `key` add up to nothing as long as what is counted and the count agree.
    """

    id = models.BigAutoField(primary_key=True)
    kind = models.CharField(max_length=20)
    # The row's id, or the name of a number series.
    key = models.CharField(max_length=64)
    amount = models.DecimalField(max_digits=20, decimal_places=0, null=True)

    def __str__(self) -> str:
        return f"{self.kind} {self.key}"


class BookMark(models.Model):
    """Up to where something was verified: `name` says what, `until` when or `amount` how much."""

    name = models.CharField(max_length=100, primary_key=True)
    until = models.DateTimeField(null=True)
    amount = models.DecimalField(max_digits=20, decimal_places=2)

    def __str__(self) -> str:
        return f"{self.name}: {self.amount}"
