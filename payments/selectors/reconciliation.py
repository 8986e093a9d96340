"""Reads of what the comparison with Stripe found."""

from payments.models import ReconciliationDifference


def list_open_differences() -> list[ReconciliationDifference]:
    """Return what still differs from Stripe, or contradicts itself in the books, oldest first."""
    return list(ReconciliationDifference.objects.filter(resolved_at=None).order_by("created_at"))
