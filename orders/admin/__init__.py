"""Orders, coupons, invoices and credit notes for staff, a module a topic. Importing them registers
them. What services own is shown, not typed in."""

from orders.admin import coupons, documents, orders

__all__ = ["coupons", "documents", "orders"]
