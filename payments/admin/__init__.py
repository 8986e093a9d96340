"""Money for staff, a module a topic. Importing them registers them."""

from payments.admin import disputes, inbox, ledger, payments, reconciliation, refunds

__all__ = ["disputes", "inbox", "ledger", "payments", "reconciliation", "refunds"]
