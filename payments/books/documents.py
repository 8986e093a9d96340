"""Invoices and credit notes: one for each cause, numbered without gaps."""

from payments.books.invariant import Invariant


def _gapless(name: str, what: str, table: str) -> Invariant:
    return Invariant(
        name=name,
        sentence=f"{what} of a year are numbered from 1 without a gap, up to the last number given "
        "out.",
        query=f"""
            SELECT coalesce(given.series, series.name) AS subject, given.lowest, given.highest,
                   given.count, series.last
            FROM (
                SELECT regexp_replace(number, '-[0-9]+$', '') AS series, count(*) AS count,
                       min(substring(number FROM '[0-9]+$')::int) AS lowest,
                       max(substring(number FROM '[0-9]+$')::int) AS highest
                FROM {table} GROUP BY 1
            ) given
            LEFT JOIN orders_numberseries series ON series.name = given.series
            WHERE (given.lowest, given.highest, given.count)
                  IS DISTINCT FROM (1, series.last, series.last::bigint)
        """,  # noqa: S608 (the table is named below)
    )


DOCUMENTS = (
    Invariant(
        name="order_has_its_invoice",
        sentence="Each completed or refunded order has an invoice over its total, and no other "
        "order has one.",
        query="""
            SELECT orders.order_number AS subject, orders.status, orders.total_amount,
                   invoice.number, invoice.total_amount AS invoiced
            FROM orders_order orders LEFT JOIN orders_invoice invoice
                 ON invoice.order_id = orders.id
            WHERE CASE
                WHEN orders.status IN ('completed', 'refunded')
                THEN (invoice.total_amount, invoice.currency)
                     IS DISTINCT FROM (orders.total_amount, orders.currency)
                ELSE invoice.id IS NOT NULL
            END
        """,
    ),
    _gapless("invoices_are_gapless", "Invoices", "orders_invoice"),
    _gapless("credit_notes_are_gapless", "Credit notes", "orders_creditnote"),
    Invariant(
        name="credit_note_has_its_refund",
        sentence="A credit note is of a refund that was applied to its order, over its amount, and "
        "void exactly when that is undone.",
        query="""
            SELECT note.number AS subject, note.total_amount, note.voided_at, refund.amount,
                   refund.applied_at, refund.undone_at
            FROM orders_creditnote note
            JOIN orders_invoice invoice ON invoice.id = note.invoice_id
            LEFT JOIN (
                SELECT refund.*, payment.order_id FROM payments_refund refund
                JOIN payments_payment payment ON payment.id = refund.payment_id
            ) refund ON refund.id = note.refund_id AND refund.order_id = invoice.order_id
            WHERE refund.applied_at IS NULL OR refund.amount <> note.total_amount
               OR (refund.undone_at IS NULL) <> (note.voided_at IS NULL)
        """,
    ),
    Invariant(
        name="refund_has_its_credit_note",
        sentence="A refund that was applied to its order has a credit note, unless the order was "
        "invoiced before there were any.",
        query="""
            SELECT coalesce(refund.stripe_refund_id, refund.id::text) AS subject, refund.amount,
                   orders.order_number
            FROM payments_refund refund
            JOIN payments_payment payment ON payment.id = refund.payment_id
            JOIN orders_order orders ON orders.id = payment.order_id
                 AND orders.payment_id = payment.stripe_payment_id
            JOIN orders_invoice invoice ON invoice.order_id = orders.id
                 AND invoice.seller <> '{}'
            LEFT JOIN orders_creditnote note ON note.refund_id = refund.id
            WHERE refund.applied_at IS NOT NULL AND note.id IS NULL
        """,
    ),
)
