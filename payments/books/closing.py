"""Which rows belong together: what was written to, and all that an invariant compares it with."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from django.db import connection

from payments.models import BalanceMovement

# What a note names, to the orders it is of. Those of orders that are gone lead nowhere.
_ORDERS_OF_NOTES = """
    SELECT id FROM orders_order WHERE id = ANY(%(order)s)
    UNION SELECT order_id FROM orders_orderitem WHERE id = ANY(%(item)s)
    UNION SELECT order_id FROM orders_orderitem WHERE enrollment_id = ANY(%(enrollment)s)
    UNION SELECT order_id FROM orders_invoice WHERE id = ANY(%(invoice)s)
    UNION SELECT order_id FROM payments_refundrequest WHERE id = ANY(%(request)s)
    UNION SELECT order_id FROM payments_payment WHERE id = ANY(%(payment)s)
    UNION SELECT payment.order_id FROM payments_refund refund
          JOIN payments_payment payment ON payment.id = refund.payment_id
          WHERE refund.id = ANY(%(refund)s)
    UNION SELECT payment.order_id FROM payments_dispute dispute
          JOIN payments_payment payment ON payment.id = dispute.payment_id
          WHERE dispute.id = ANY(%(dispute)s)
    UNION SELECT payment.order_id FROM payments_ledgertransaction movement
          JOIN payments_payment payment ON payment.id = movement.payment_id
          WHERE movement.id = ANY(%(movement)s)
    UNION SELECT item.order_id FROM payments_ledgerentry entry
          JOIN orders_orderitem item ON item.id = entry.order_item_id
          WHERE entry.transaction_id = ANY(%(movement)s)
"""
# Payments, refunds, disputes, lines and movements of the orders asked for, by any way that leads
# to one: in honest books it is always the same order, and a lie may be that it isn't.
_OF_ORDERS = """
    WITH line AS (
        SELECT * FROM orders_orderitem WHERE order_id = ANY(%(orders)s)
    ), payment AS (
        SELECT * FROM payments_payment WHERE order_id = ANY(%(orders)s)
    ), invoice AS (
        SELECT * FROM orders_invoice WHERE order_id = ANY(%(orders)s)
    ), request AS (
        SELECT * FROM payments_refundrequest WHERE order_id = ANY(%(orders)s)
    ), refund AS (
        SELECT * FROM payments_refund WHERE payment_id = ANY(ARRAY(SELECT id FROM payment))
    ), dispute AS (
        SELECT * FROM payments_dispute WHERE payment_id = ANY(ARRAY(SELECT id FROM payment))
    ), movement AS (
        SELECT * FROM payments_ledgertransaction
        WHERE payment_id = ANY(ARRAY(SELECT id FROM payment))
        UNION SELECT * FROM payments_ledgertransaction
              WHERE refund_id = ANY(ARRAY(SELECT id FROM refund))
        UNION SELECT * FROM payments_ledgertransaction
              WHERE dispute_id = ANY(ARRAY(SELECT id FROM dispute))
        UNION SELECT * FROM payments_ledgertransaction WHERE id = ANY(ARRAY(
            SELECT transaction_id FROM payments_ledgerentry
            WHERE order_item_id = ANY(ARRAY(SELECT id FROM line))))
    ), hold AS (
        SELECT * FROM enrollments_accesshold
        WHERE enrollment_id = ANY(ARRAY(SELECT enrollment_id FROM line)) AND ended_at IS NULL
    ), note AS (
        SELECT * FROM orders_creditnote WHERE invoice_id = ANY(ARRAY(SELECT id FROM invoice))
        UNION SELECT * FROM orders_creditnote WHERE refund_id = ANY(ARRAY(SELECT id FROM refund))
    )
"""
_MOVEMENTS_OF_ORDERS = f"{_OF_ORDERS} SELECT id FROM movement"  # noqa: S608 (the text above)
# The other orders that these have to be compared with.
_LINKED_ORDERS = f"""
    {_OF_ORDERS}, linked_refund AS (
        SELECT refund_id AS id FROM request UNION SELECT refund_id FROM movement
        UNION SELECT refund_id FROM note UNION SELECT object_id FROM hold WHERE cause = 'refund'
        UNION SELECT refund_id FROM payments_refundline
              WHERE order_item_id = ANY(ARRAY(SELECT id FROM line))
    ), linked_dispute AS (
        SELECT dispute_id AS id FROM movement UNION SELECT dispute_id FROM note
        UNION SELECT object_id FROM hold WHERE cause = 'dispute'
    ), linked_payment AS (
        SELECT payment_id AS id FROM movement
        UNION SELECT payment_id FROM payments_refund
              WHERE id = ANY(ARRAY(SELECT id FROM linked_refund))
        UNION SELECT payment_id FROM payments_dispute
              WHERE id = ANY(ARRAY(SELECT id FROM linked_dispute))
        UNION SELECT payment_id FROM payments_saleline
              WHERE order_item_id = ANY(ARRAY(SELECT id FROM line))
        UNION SELECT id FROM payments_payment WHERE stripe_payment_id = ANY(ARRAY(
            SELECT payment_id FROM orders_order WHERE id = ANY(%(orders)s) AND payment_id <> ''))
        UNION SELECT id FROM payments_payment WHERE stripe_charge_id = ANY(ARRAY(
            SELECT stripe_charge_id FROM payment WHERE stripe_charge_id <> ''))
    ), linked_line AS (
        SELECT order_item_id AS id FROM payments_refundline
        WHERE refund_id = ANY(ARRAY(SELECT id FROM refund))
        UNION SELECT order_item_id FROM payments_saleline
              WHERE payment_id = ANY(ARRAY(SELECT id FROM payment))
        UNION SELECT orderitem_id FROM payments_refundrequest_order_items
              WHERE refundrequest_id = ANY(ARRAY(SELECT id FROM request))
        UNION SELECT order_item_id FROM payments_ledgerentry
              WHERE transaction_id = ANY(ARRAY(SELECT id FROM movement))
        UNION SELECT id FROM orders_orderitem
              WHERE enrollment_id = ANY(ARRAY(SELECT enrollment_id FROM line))
    )
    SELECT order_id FROM payments_payment WHERE id = ANY(ARRAY(SELECT id FROM linked_payment))
    UNION SELECT order_id FROM orders_orderitem WHERE id = ANY(ARRAY(SELECT id FROM linked_line))
    UNION SELECT order_id FROM payments_refundrequest
          WHERE refund_id = ANY(ARRAY(SELECT id FROM refund))
    UNION SELECT order_id FROM orders_invoice WHERE id = ANY(ARRAY(SELECT invoice_id FROM note))
    UNION SELECT other.id FROM orders_order bought
          JOIN orders_orderitem item ON item.order_id = bought.id
          JOIN orders_order other ON other.user_id = bought.user_id
          JOIN orders_orderitem same
               ON same.order_id = other.id AND same.course_id = item.course_id
          WHERE bought.id = ANY(%(orders)s)
"""  # noqa: S608 (the text above)
_ENROLLMENTS_OF_ORDERS = """
    SELECT enrollment_id FROM orders_orderitem
    WHERE order_id = ANY(%(orders)s) AND enrollment_id IS NOT NULL
"""
_PAYOUTS_OF_NOTES = """
    SELECT id FROM payments_payout WHERE id = ANY(%(payout)s)
    UNION SELECT id FROM payments_payout WHERE account_id = ANY(%(account)s)
    UNION SELECT payout_id FROM payments_ledgertransaction
          WHERE id = ANY(%(movement)s) AND payout_id IS NOT NULL
"""
_MOVEMENTS_OF_PAYOUTS = (
    "SELECT id FROM payments_ledgertransaction WHERE payout_id = ANY(%(payouts)s)"
)
_BALANCE_MOVEMENTS_OF_NOTES = """
    SELECT id FROM payments_balancemovement WHERE id = ANY(%(balance_movement)s)
    UNION SELECT balance_movement_id FROM payments_ledgertransaction
          WHERE id = ANY(%(movement)s) AND balance_movement_id IS NOT NULL
"""
# By their references, as these have an index: what one is booked as may be told wrongly.
_MOVEMENTS_OF_BALANCE_MOVEMENTS = """
    SELECT id FROM payments_ledgertransaction WHERE reference = ANY(ARRAY(
        SELECT kind || ':' || moved
        FROM unnest(%(kinds)s::text[]) kind CROSS JOIN unnest(%(moved)s::text[]) moved))
"""
KINDS = (
    "order", "item", "enrollment", "invoice", "request", "payment", "refund", "dispute", "movement",
    "movement_past", "payout", "balance_movement", "account", "course", "coupon", "earner",
    "earner_past",
)  # fmt: skip


@dataclass(kw_only=True)
class Closed:
    """The ids of rows that no invariant compares with any outside. `noted` are those it began
    with, by kind."""

    noted: dict[str, list[str]]
    orders: set[str] = field(default_factory=set)
    movements: set[str] = field(default_factory=set)
    payouts: set[str] = field(default_factory=set)
    balance_movements: set[str] = field(default_factory=set)
    enrollments: set[str] = field(default_factory=set)


def close(notes: Iterable[tuple[str, str]]) -> Closed:
    """Return what belongs with these notes (kind, key). The cost follows from how much that is: a
    person's orders of the same course are together, and the movements of one payout."""
    noted: dict[str, list[str]] = {kind: [] for kind in KINDS}
    for kind, key in notes:
        noted[kind].append(key)
    closed = Closed(noted=noted)
    _add_orders(closed, _ids(_ORDERS_OF_NOTES, **noted))
    closed.payouts = _ids(_PAYOUTS_OF_NOTES, **noted)
    closed.movements |= set(noted["movement"])
    closed.movements |= _ids(_MOVEMENTS_OF_PAYOUTS, payouts=closed.payouts)
    closed.balance_movements = _ids(_BALANCE_MOVEMENTS_OF_NOTES, **noted)
    closed.movements |= _ids(
        _MOVEMENTS_OF_BALANCE_MOVEMENTS,
        moved=closed.balance_movements,
        kinds=BalanceMovement.BookedAs.values,
    )
    closed.enrollments |= set(noted["enrollment"])
    return closed


def _add_orders(closed: Closed, fresh: set[str]) -> None:
    """Add these orders, with what leads to others, until it leads to no new one."""
    while fresh:
        closed.orders |= fresh
        closed.movements |= _ids(_MOVEMENTS_OF_ORDERS, orders=fresh)
        closed.enrollments |= _ids(_ENROLLMENTS_OF_ORDERS, orders=fresh)
        fresh = _ids(_LINKED_ORDERS, orders=fresh) - closed.orders


def _ids(query: str, **given: Iterable[str]) -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute(query, {name: list(ids) for name, ids in given.items()})
        return {str(row[0]) for row in cursor.fetchall() if row[0] is not None}
