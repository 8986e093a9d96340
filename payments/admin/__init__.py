"""Money for staff, a module a topic. Importing them registers them."""

from payments.admin import disputes, inbox, payments, reconciliation, refunds

__all__ = ["disputes", "inbox", "payments", "reconciliation", "refunds"]
