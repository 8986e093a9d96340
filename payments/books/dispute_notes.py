"""What disputes took off the invoices."""

from payments.books.invariant import Invariant

DISPUTE_NOTES = (
    Invariant(
        name="lost_dispute_is_credited",
        sentence="A lost dispute has one credit note that isn't void, over what the ledger took of "
        "its order's lines, unless the order was invoiced before there were any; one that is won "
        "or open has none, but for what was credited before its appeal.",
        query="""
            SELECT coalesce(due.stripe_dispute_id, note.number) AS subject, due.status,
                   coalesce(due.taken, 0) AS taken, coalesce(note.total_amount, 0) AS credited
            FROM (
                SELECT dispute.id, dispute.stripe_dispute_id, dispute.status, invoice.id AS invoice,
                       taken.amount AS taken
                FROM payments_dispute dispute
                JOIN payments_payment payment ON payment.id = dispute.payment_id
                JOIN orders_order orders ON orders.id = payment.order_id
                     AND orders.payment_id = payment.stripe_payment_id
                JOIN orders_invoice invoice ON invoice.order_id = orders.id
                     AND invoice.seller <> '{}'
                LEFT JOIN (
                    SELECT movement.dispute_id, sum(entry.amount) AS amount
                    FROM payments_ledgertransaction movement
                    JOIN payments_ledgerentry entry ON entry.transaction_id = movement.id
                    WHERE movement.dispute_id IS NOT NULL AND entry.order_item_id IS NOT NULL
                    GROUP BY movement.dispute_id
                ) taken ON taken.dispute_id = dispute.id
            ) due
            FULL JOIN (
                SELECT * FROM orders_creditnote WHERE dispute_id IS NOT NULL AND voided_at IS NULL
            ) note ON note.dispute_id = due.id AND note.invoice_id = due.invoice
            WHERE CASE
                WHEN due.status = 'lost' OR due.status LIKE 'appeal%' AND note.id IS NOT NULL
                THEN coalesce(note.total_amount, 0) <> coalesce(due.taken, 0)
                ELSE note.id IS NOT NULL
            END
        """,
    ),
)
