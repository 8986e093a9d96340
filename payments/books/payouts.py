"""What instructors were paid, against what they had earned."""

from payments.books.invariant import CLOCKS, Invariant, Scope

# Each entry of an instructor's, and from when on it counts for payouts: what was earned as soon as
# it may, what was taken as late as it may, and a payout at its own time. What a payout finds is
# then one running sum, however many there are.
_COUNTING = f"""
    SELECT movement.reference, movement.kind, movement.currency, entry.instructor_id, entry.amount,
           CASE
               WHEN entry.amount < 0
               THEN greatest(entry.created_at, entry.available_at) - {CLOCKS}
               WHEN movement.kind = 'payout' THEN least(entry.created_at, movement.occurred_at)
               ELSE greatest(entry.created_at + {CLOCKS}, entry.available_at)
           END AS counts_from
    FROM payments_ledgerentry entry
    JOIN payments_ledgertransaction movement ON movement.id = entry.transaction_id
    WHERE entry.account = 'instructor'
"""  # noqa: S608 (the text above)

PAYOUTS = (
    Invariant(
        name="payout_is_booked_as_it_stands",
        sentence="A payout is booked as planned, made and taken back as far as its row says, to "
        "its instructor alone.",
        query="""
            SELECT payout.id AS subject, payout.status, payout.amount, booked.planned, booked.made,
                   booked.back
            FROM payments_payout payout
            JOIN payments_payoutaccount account ON account.id = payout.account_id
            LEFT JOIN (
                SELECT movement.payout_id, array_agg(DISTINCT movement.currency) AS currencies,
                       array_agg(DISTINCT entry.instructor_id)
                           FILTER (WHERE entry.account = 'instructor') AS instructors,
                       sum(entry.amount) FILTER (
                           WHERE entry.account = 'instructor' AND movement.kind = 'payout'
                       ) AS planned,
                       coalesce(-sum(entry.amount) FILTER (
                           WHERE entry.account = 'stripe' AND movement.kind = 'payout_paid'
                       ), 0) AS made,
                       coalesce(-sum(entry.amount) FILTER (
                           WHERE entry.account = 'instructor' AND movement.kind = 'payout_failed'
                       ), 0) AS back
                FROM payments_ledgertransaction movement
                JOIN payments_ledgerentry entry ON entry.transaction_id = movement.id
                WHERE movement.payout_id IS NOT NULL GROUP BY movement.payout_id
            ) booked ON booked.payout_id = payout.id
            WHERE (booked.planned, booked.currencies, booked.instructors) IS DISTINCT FROM
                  (payout.amount, ARRAY[payout.currency], ARRAY[account.instructor_id])
               OR NOT CASE payout.status
                   WHEN 'due' THEN booked.made = 0 AND booked.back = 0
                   WHEN 'paid' THEN booked.made = payout.amount AND booked.back >= 0
                                    AND booked.back < payout.amount
                   ELSE booked.made IN (0, payout.amount) AND booked.back = payout.amount
               END
        """,
    ),
    Invariant(
        name="payout_is_on_its_way_once",
        sentence="What is on its way to instructors is the sum of the payouts that are due.",
        query="""
            SELECT coalesce(due.currency, booked.currency) AS subject, due.amount AS due,
                   booked.amount AS booked
            FROM (SELECT currency, sum(amount) AS amount FROM payments_payout
                  WHERE status = 'due' GROUP BY currency) due
            FULL JOIN (
                SELECT movement.currency, -sum(entry.amount) AS amount
                FROM payments_ledgerentry entry
                JOIN payments_ledgertransaction movement ON movement.id = entry.transaction_id
                WHERE entry.account = 'payouts' GROUP BY movement.currency
            ) booked ON booked.currency = due.currency
            WHERE coalesce(due.amount, 0) <> coalesce(booked.amount, 0)
        """,
    ),
    Invariant(
        name="payout_was_earned",
        scope=Scope.EARNER,
        sentence="No payout took more than an instructor could be paid by then: what was earned "
        "and no longer held, less what had been taken back and paid out.",
        query=f"""
            SELECT counted.reference AS subject, counted.instructor_id, counted.amount,
                   -counted.total AS left_over
            FROM (
                SELECT entry.*, sum(entry.amount) OVER (
                           PARTITION BY entry.instructor_id, entry.currency
                           ORDER BY entry.counts_from
                       ) AS total
                FROM ({_COUNTING}) entry
            ) counted
            WHERE counted.kind = 'payout' AND counted.amount > 0 AND counted.total > 0
        """,  # noqa: S608 (the text above)
    ),
)
