"""Money for staff, a module a topic. Importing them registers them."""

from payments.admin import balance, disputes, inbox, ledger, payments, reconciliation, refunds

__all__ = ["balance", "disputes", "inbox", "ledger", "payments", "reconciliation", "refunds"]
