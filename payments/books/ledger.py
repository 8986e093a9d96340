"""The ledger against itself, and against the facts it is of."""

from payments.books.invariant import Invariant

# What must be booked, by reference: one row for each fact that moved money.
_DUE_POSTINGS = """
    WITH due AS (
        SELECT CASE WHEN orders.payment_id = payment.stripe_payment_id
                         AND orders.status IN ('completed', 'refunded')
                    THEN 'sale:' ELSE 'undue:' END || payment.id AS reference,
               payment.stripe_payment_id AS fact
        FROM payments_payment payment JOIN orders_order orders ON orders.id = payment.order_id
        WHERE payment.status = 'succeeded' AND payment.amount > 0
        UNION ALL
        SELECT 'fee:' || id, stripe_payment_id FROM payments_payment WHERE fee_amount > 0
        UNION ALL
        SELECT 'refund:' || id, stripe_refund_id FROM payments_refund
        WHERE status IN ('pending', 'succeeded')
        UNION ALL
        SELECT 'refund_failed:' || refund.id, refund.stripe_refund_id FROM payments_refund refund
        JOIN payments_ledgertransaction booked ON booked.reference = 'refund:' || refund.id
        WHERE refund.status IN ('failed', 'canceled')
        UNION ALL
        SELECT 'dispute:' || id, stripe_dispute_id FROM payments_dispute
        WHERE status <> 'won' AND status NOT LIKE 'warning%'
        UNION ALL
        SELECT 'dispute_won:' || dispute.id, dispute.stripe_dispute_id FROM payments_dispute dispute
        JOIN payments_ledgertransaction booked ON booked.reference = 'dispute:' || dispute.id
        WHERE dispute.status = 'won'
        UNION ALL
        SELECT 'payout:' || id, id::text FROM payments_payout
        UNION ALL
        SELECT 'payout_' || status || ':' || id, id::text FROM payments_payout WHERE status <> 'due'
    )
"""

LEDGER = (
    Invariant(
        name="ledger_transaction_adds_up",
        sentence="The entries of each movement of money add up to nothing, and there are some.",
        query="""
            SELECT movement.reference AS subject, uneven.total, uneven.entries
            FROM (
                SELECT transaction_id, sum(amount) AS total, count(*) AS entries
                FROM payments_ledgerentry GROUP BY transaction_id HAVING sum(amount) <> 0
                UNION ALL
                SELECT empty.id, NULL, 0 FROM payments_ledgertransaction empty
                WHERE NOT EXISTS (
                    SELECT FROM payments_ledgerentry entry WHERE entry.transaction_id = empty.id
                )
            ) uneven
            JOIN payments_ledgertransaction movement ON movement.id = uneven.transaction_id
        """,
    ),
    Invariant(
        name="ledger_adds_up",
        sentence="All entries of a currency add up to nothing.",
        query="""
            SELECT movement.currency AS subject, sum(entry.amount) AS total
            FROM payments_ledgerentry entry
            JOIN payments_ledgertransaction movement ON movement.id = entry.transaction_id
            GROUP BY movement.currency HAVING sum(entry.amount) <> 0
        """,
    ),
    Invariant(
        name="money_is_booked",
        sentence="Each payment, fee, refund, dispute and payout that moved money is booked as what "
        "it is.",
        given=_DUE_POSTINGS,
        query="""
            SELECT due.reference AS subject, due.fact FROM due
            WHERE NOT EXISTS (
                SELECT FROM payments_ledgertransaction booked
                WHERE booked.reference = due.reference
            )
        """,
    ),
    Invariant(
        name="nothing_else_is_booked",
        sentence="No payment is booked both as a sale and as undue, nothing is booked of a payment "
        "that didn't succeed, of a refund that Stripe never had, or as a fee that it didn't keep.",
        query="""
            SELECT booked.reference AS subject, payment.status AS payment, refund.status AS refund
            FROM payments_ledgertransaction booked
            JOIN payments_payment payment ON payment.id = booked.payment_id
            LEFT JOIN payments_refund refund ON refund.id = booked.refund_id
            WHERE payment.status <> 'succeeded' OR refund.status = 'due'
               OR (booked.kind = 'stripe_fee' AND booked.dispute_id IS NULL
                   AND coalesce(payment.fee_amount, 0) = 0)
               OR (booked.kind = 'undue_payment' AND EXISTS (
                   SELECT FROM payments_ledgertransaction other
                   WHERE other.payment_id = booked.payment_id AND other.kind = 'sale'
               ))
        """,
    ),
    Invariant(
        name="stripe_account_matches",
        sentence="By the ledger, what lies at Stripe of a payment is what was captured less what "
        "was refunded, what disputes took, and Stripe's fees.",
        query="""
            SELECT payment.stripe_payment_id AS subject, payment.amount, refunds.amount AS refunded,
                   disputes.amount AS disputed, payment.fee_amount, disputes.fees AS dispute_fees,
                   coalesce(booked.amount, 0) AS booked
            FROM payments_payment payment
            LEFT JOIN (
                SELECT payment_id, sum(amount) AS amount FROM payments_refund
                WHERE status IN ('pending', 'succeeded') GROUP BY payment_id
            ) refunds ON refunds.payment_id = payment.id
            LEFT JOIN (
                SELECT payment_id, sum(fee_amount) AS fees,
                       sum(amount) FILTER (WHERE status <> 'won' AND status NOT LIKE 'warning%')
                           AS amount
                FROM payments_dispute GROUP BY payment_id
            ) disputes ON disputes.payment_id = payment.id
            LEFT JOIN (
                SELECT movement.payment_id, sum(entry.amount) AS amount
                FROM payments_ledgertransaction movement
                JOIN payments_ledgerentry entry ON entry.transaction_id = movement.id
                WHERE entry.account = 'stripe' AND movement.payment_id IS NOT NULL
                GROUP BY movement.payment_id
            ) booked ON booked.payment_id = payment.id
            WHERE coalesce(booked.amount, 0) <>
                  CASE payment.status WHEN 'succeeded' THEN payment.amount ELSE 0 END
                  - coalesce(refunds.amount, 0) - coalesce(disputes.amount, 0)
                  - coalesce(payment.fee_amount, 0) - coalesce(disputes.fees, 0)
        """,
    ),
    Invariant(
        name="ledger_keeps_the_currency",
        sentence="A payment's movements are booked in its currency.",
        query="""
            SELECT booked.reference AS subject, booked.currency, payment.currency AS paid_in
            FROM payments_ledgertransaction booked
            JOIN payments_payment payment ON payment.id = booked.payment_id
            WHERE booked.currency <> payment.currency
        """,
    ),
    Invariant(
        name="refunded_line_earns_nobody",
        sentence="Of a line whose order is wholly refunded, no account holds anything.",
        query="""
            SELECT orders.order_number AS subject, item.title_at_purchase AS line, entry.account,
                   sum(entry.amount) AS held
            FROM orders_order orders
            JOIN orders_orderitem item ON item.order_id = orders.id
            JOIN payments_ledgerentry entry ON entry.order_item_id = item.id
            WHERE orders.status = 'refunded'
            GROUP BY orders.id, item.id, entry.account, entry.instructor_id
            HAVING sum(entry.amount) <> 0
        """,
    ),
)
