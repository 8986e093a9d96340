"""The running balances against the entries that they are of, as whoever asks for them reads them:
by the view over what was folded in and what wasn't yet."""

from payments.books.invariant import Invariant, Scope

BALANCES = (
    Invariant(
        name="balances_are_the_ledgers",
        scope=Scope.RUNNING,
        sentence="The running balances are the sums of the ledger's entries, by currency, account, "
        "instructor and course; and what is still held is held in both, as long.",
        query="""
            SELECT concat_ws(' ', account, currency) AS subject, instructor_id, course_id,
                   held_until, sum(booked) AS booked, sum(standing) AS standing,
                   sum(entries) AS entries, sum(counted) AS counted
            FROM (
                SELECT movement.currency, entry.account,
                       CASE entry.account WHEN 'instructor' THEN entry.instructor_id END
                           AS instructor_id,
                       item.course_id,
                       CASE WHEN entry.available_at > now()
                                 AND movement.kind NOT IN ('payout', 'payout_failed')
                                 AND NOT (entry.amount > 0
                                          AND entry.available_at <= movement.occurred_at)
                            THEN entry.available_at END AS held_until,
                       entry.amount AS booked, 1 AS entries, (movement.kind = 'sale')::int AS sales,
                       CASE movement.kind WHEN 'sale' THEN entry.amount ELSE 0 END AS sold,
                       CASE WHEN movement.kind IN ('payout', 'payout_paid', 'payout_failed')
                            THEN entry.amount ELSE 0 END AS sent,
                       0 AS standing, 0 AS counted
                FROM payments_ledgerentry entry
                JOIN payments_ledgertransaction movement ON movement.id = entry.transaction_id
                LEFT JOIN orders_orderitem item
                       ON item.id = entry.order_item_id AND entry.account = 'instructor'
                UNION ALL
                SELECT currency, account, instructor_id, course_id,
                       CASE WHEN held_until > now() THEN held_until END, 0, 0, -sales, -sold,
                       -sent, amount, entries
                FROM payments_runningbalance
            ) sums
            GROUP BY account, currency, instructor_id, course_id, held_until
            HAVING (sum(booked), sum(entries), sum(sales), sum(sold), sum(sent))
                   IS DISTINCT FROM
                   (sum(standing), sum(counted), 0::numeric, 0::numeric, 0::numeric)
        """,
    ),
)
