"""Payments that were never made at this Stripe account (demo data), and so aren't looked for there.

Only an installation that may hold invented data has such. Everywhere else the words that exempt a
payment count for nothing, and each payment that has them is told of: it was earned by nobody.
"""

from dataclasses import dataclass
from decimal import Decimal

from django.conf import settings
from django.db.models import Count, Q, Sum

from core.money import ZERO
from payments.models import Payment

# Said of them in `Payment.metadata`.
_ELSEWHERE = Q(metadata__contains={"at_stripe": False})


@dataclass(frozen=True, kw_only=True)
class Exempt:
    """How many payments are exempt, and over how much in all. `may_be`: this installation may hold
    invented data."""

    count: int
    amount: Decimal
    may_be: bool

    def __str__(self) -> str:
        return f"{self.count} payments are exempt, over {self.amount}"


def count_exempt() -> Exempt:
    """Return what of our payments says that it was never made at this Stripe account."""
    sums = Payment.objects.filter(_ELSEWHERE).aggregate(count=Count("id"), amount=Sum("amount"))
    return Exempt(
        count=sums["count"],
        amount=sums["amount"] or ZERO,
        may_be=settings.INVENTED_DATA_ALLOWED,
    )


def is_looked_for(*, through: str = "") -> Q:
    """Return the condition under which Stripe has to know a payment, or, with `through`, what
    belongs to one."""
    if not settings.INVENTED_DATA_ALLOWED:
        return Q()
    return ~Q(**{f"{through}metadata__contains": {"at_stripe": False}})
