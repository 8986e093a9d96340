"""Whose earnings a difference is about."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass

from django.db import connection

from core.ids import parse_id
from payments.models import ReconciliationDifference
from users.models import User

# Rows by our ids, and by names: Stripe's, or a document's number.
_OF_ORDERS = """
    SELECT id FROM orders_order WHERE id = ANY(%(ids)s) OR order_number = ANY(%(names)s)
    UNION SELECT order_id FROM orders_orderitem WHERE id = ANY(%(ids)s)
    UNION SELECT order_id FROM orders_invoice WHERE number = ANY(%(names)s)
    UNION SELECT invoice.order_id FROM orders_creditnote note
          JOIN orders_invoice invoice ON invoice.id = note.invoice_id
          WHERE note.number = ANY(%(names)s)
    UNION SELECT order_id FROM payments_payment
          WHERE id = ANY(%(ids)s) OR stripe_payment_id = ANY(%(names)s)
    UNION SELECT payment.order_id FROM payments_refund refund
          JOIN payments_payment payment ON payment.id = refund.payment_id
          WHERE refund.id = ANY(%(ids)s) OR refund.stripe_refund_id = ANY(%(names)s)
    UNION SELECT payment.order_id FROM payments_dispute dispute
          JOIN payments_payment payment ON payment.id = dispute.payment_id
          WHERE dispute.id = ANY(%(ids)s) OR dispute.stripe_dispute_id = ANY(%(names)s)
"""
_EARNERS = f"""
    SELECT instructor_id FROM orders_orderitem
    WHERE instructor_id IS NOT NULL AND order_id = ANY(ARRAY({_OF_ORDERS}))
    UNION SELECT instructor_id FROM payments_payoutaccount
          WHERE id = ANY(%(ids)s) OR instructor_id = ANY(%(ids)s)
             OR stripe_account_id = ANY(%(names)s) OR id = ANY(ARRAY(
                 SELECT account_id FROM payments_payout
                 WHERE id = ANY(%(ids)s) OR stripe_transfer_id = ANY(%(names)s)))
"""  # noqa: S608 (the text above)


@dataclass(frozen=True, kw_only=True)
class HeldPayouts:
    """A difference as staff hear of it, and the instructors whom it is about by their addresses."""

    what: str
    instructors: list[str]


def find_earners(*, names: Iterable[str]) -> set[uuid.UUID]:
    """Return the instructors whose sales or payouts these name: our ids, Stripe's, numbers of
    orders and documents, or movements' references. What is none of these names nobody."""
    told = {part for name in names for part in (name, *name.split(":")) if part}
    ids = [found for part in told if (found := parse_id(part)) is not None]
    with connection.cursor() as cursor:
        cursor.execute(_EARNERS, {"ids": ids, "names": sorted(told)})
        return {row[0] for row in cursor.fetchall()}


def list_held_earners() -> set[uuid.UUID]:
    """Return the instructors whom an open difference is about."""
    rows = ReconciliationDifference.objects.filter(resolved_at=None).exclude(earners=[])
    return {uuid.UUID(one) for earners in rows.values_list("earners", flat=True) for one in earners}


def get_held_payouts(*, difference_id: uuid.UUID) -> HeldPayouts:
    """Return what a mail about the difference tells. Raises DoesNotExist."""
    row = ReconciliationDifference.objects.get(id=difference_id)
    people = User.objects.filter(id__in=row.earners).order_by("email")
    return HeldPayouts(what=str(row), instructors=list(people.values_list("email", flat=True)))
