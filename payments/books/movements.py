"""Each movement of the ledger against its cause: that there is one, and that it moved as much."""

from payments.books.invariant import CLOCKS, Invariant

# What each kind of movement names, and how its reference follows from that. The database refuses
# another (`ledger_has_its_cause`); a kind that isn't listed has none.
CAUSE = """
    coalesce(CASE WHEN movement.balance_movement_id IS NOT NULL THEN
        movement.kind IN ('bank_payout', 'bank_payout_failed', 'top_up', 'top_up_reversed',
                          'stripe_charge', 'reserve', 'adjustment')
        AND movement.reference = movement.kind || ':' || movement.balance_movement_id
        AND num_nonnulls(movement.payment_id, movement.refund_id, movement.dispute_id,
                         movement.payout_id) = 0
    ELSE CASE movement.kind
        WHEN 'sale' THEN movement.reference = 'sale:' || movement.payment_id
            AND num_nonnulls(movement.refund_id, movement.dispute_id, movement.payout_id) = 0
        WHEN 'undue_payment' THEN movement.reference = 'undue:' || movement.payment_id
            AND num_nonnulls(movement.refund_id, movement.dispute_id, movement.payout_id) = 0
        WHEN 'stripe_fee' THEN movement.payment_id IS NOT NULL
            AND num_nonnulls(movement.refund_id, movement.payout_id) = 0
            AND CASE WHEN movement.dispute_id IS NULL
                THEN movement.reference = 'fee:' || movement.payment_id
                ELSE movement.reference
                     ~ ('^dispute_fee(_back)?:' || movement.dispute_id || '(:[0-9]+)?$') END
        WHEN 'refund' THEN movement.payment_id IS NOT NULL
            AND num_nonnulls(movement.dispute_id, movement.payout_id) = 0
            AND (movement.reference || ':') LIKE 'refund:' || movement.refund_id || ':%'
        WHEN 'refund_failed' THEN movement.payment_id IS NOT NULL
            AND num_nonnulls(movement.dispute_id, movement.payout_id) = 0
            AND movement.reference = 'refund_failed:' || movement.refund_id
        WHEN 'dispute' THEN movement.payment_id IS NOT NULL
            AND num_nonnulls(movement.refund_id, movement.payout_id) = 0
            AND (movement.reference || ':') LIKE 'dispute:' || movement.dispute_id || ':%'
        WHEN 'dispute_won' THEN movement.payment_id IS NOT NULL
            AND num_nonnulls(movement.refund_id, movement.payout_id) = 0
            AND movement.reference = 'dispute_won:' || movement.dispute_id
        WHEN 'payout' THEN movement.reference = 'payout:' || movement.payout_id
            AND num_nonnulls(movement.payment_id, movement.refund_id, movement.dispute_id) = 0
        WHEN 'payout_paid' THEN movement.reference = 'payout_paid:' || movement.payout_id
            AND num_nonnulls(movement.payment_id, movement.refund_id, movement.dispute_id) = 0
        WHEN 'payout_failed' THEN (
                movement.reference = 'payout_failed:' || movement.payout_id
                OR movement.reference
                   ~ ('^payout_returned:' || movement.payout_id || ':[0-9]+$'))
            AND num_nonnulls(movement.payment_id, movement.refund_id, movement.dispute_id) = 0
        ELSE false
    END END, false)
"""

# What makes a platform's loss good again is booked under the refund or dispute it was lost by, and
# names the movement that brought the money; so is what a dispute takes anew, which may name the
# refund that took what it had.
_FACTS = """
    WITH facts AS (
        SELECT movement.*, payment.amount AS paid, payment.currency AS paid_in,
               payment.fee_amount AS fee, payment.status AS payment_status, payment.succeeded_at,
               refund.payment_id AS refund_of, refund.amount AS refunded,
               refund.status AS refund_status, refund.applied_at, refund.undone_at,
               dispute.payment_id AS dispute_of, dispute.amount AS disputed,
               dispute.status AS dispute_status,
               payout.amount AS payout_amount, payout.currency AS payout_in,
               payout.created_at AS planned_at,
               balance.net AS balance_net, balance.currency AS balance_in, balance.happened_at,
               movement.kind IN ('refund', 'dispute')
                   AND movement.reference LIKE '%:%:%' AS covers_a_loss
        FROM payments_ledgertransaction movement
        LEFT JOIN payments_payment payment ON payment.id = movement.payment_id
        LEFT JOIN payments_refund refund ON refund.id = movement.refund_id
        LEFT JOIN payments_dispute dispute ON dispute.id = movement.dispute_id
        LEFT JOIN payments_payout payout ON payout.id = movement.payout_id
        LEFT JOIN payments_balancemovement balance ON balance.id = movement.balance_movement_id
    )
"""

MOVEMENTS = (
    Invariant(
        name="movement_has_its_cause",
        sentence="A movement names the payment, refund, dispute, payout or balance movement that "
        "its kind is of, and nothing else, and its reference follows from that.",
        query=f"""
            SELECT movement.reference AS subject, movement.kind, movement.payment_id,
                   movement.refund_id, movement.dispute_id, movement.payout_id,
                   movement.balance_movement_id
            FROM payments_ledgertransaction movement WHERE NOT {CAUSE}
        """,  # noqa: S608 (the text above)
    ),
    Invariant(
        name="movement_agrees_with_its_cause",
        sentence="A movement's payment, refund, dispute and payout belong together and have its "
        "currency; what undoes is of something undone, what makes good follows what came back, and "
        "what a dispute takes anew that or a refund.",
        given=_FACTS,
        query="""
            SELECT facts.reference AS subject, facts.kind, facts.currency, facts.refund_status,
                   facts.dispute_status
            FROM facts
            LEFT JOIN payments_ledgertransaction before
                   ON facts.covers_a_loss AND before.payment_id = facts.payment_id
                  AND (before.kind IN ('refund_failed', 'dispute_won')
                       OR (facts.kind, before.kind) = ('dispute', 'refund'))
                  AND before.id::text = substring(facts.reference FROM '[^:]+$')
            WHERE facts.refund_of <> facts.payment_id OR facts.dispute_of <> facts.payment_id
               OR facts.currency IS DISTINCT FROM coalesce(
                   facts.paid_in, facts.payout_in, facts.balance_in)
               OR (facts.covers_a_loss AND before.id IS NULL)
               OR (facts.kind = 'refund_failed'
                   AND (facts.undone_at IS NULL
                        OR facts.refund_status NOT IN ('failed', 'canceled')))
               OR (facts.kind = 'dispute_won' AND facts.dispute_status <> 'won')
               OR (facts.kind = 'dispute' AND facts.dispute_status LIKE 'warning%')
        """,
    ),
    Invariant(
        name="movement_has_its_date",
        sentence="A sale, undue payment or fee is booked at the time its payment succeeded, a "
        "refund when it was applied, its failure when it was undone, a payout when it was planned, "
        "a balance movement when it happened.",
        given=_FACTS,
        query=f"""
            SELECT facts.reference AS subject, facts.occurred_at, facts.succeeded_at,
                   facts.applied_at, facts.undone_at, facts.planned_at, facts.happened_at
            FROM facts
            WHERE (facts.kind = 'payout' AND greatest(facts.occurred_at, facts.planned_at)
                   - least(facts.occurred_at, facts.planned_at) > {CLOCKS})
               OR NOT facts.covers_a_loss AND facts.occurred_at <> CASE
                WHEN facts.kind IN ('sale', 'undue_payment')
                     OR (facts.kind = 'stripe_fee' AND facts.dispute_id IS NULL)
                THEN facts.succeeded_at
                WHEN facts.kind = 'refund' THEN facts.applied_at
                WHEN facts.kind = 'refund_failed' THEN facts.undone_at
                WHEN facts.balance_movement_id IS NOT NULL THEN facts.happened_at
            END
        """,  # noqa: S608 (the text above)
    ),
    Invariant(
        name="movement_moves_its_amount",
        sentence="A movement takes from Stripe, or brings there, what its payment, fee, refund, "
        "dispute or balance movement says, and touches no account that its kind doesn't.",
        given=_FACTS,
        query="""
            SELECT facts.reference AS subject, facts.kind, entries.at_stripe, entries.accounts
            FROM facts JOIN (
                SELECT transaction_id, array_agg(DISTINCT account::text) AS accounts,
                       coalesce(sum(amount) FILTER (WHERE account = 'stripe'), 0) AS at_stripe,
                       count(*) FILTER (WHERE account = 'stripe') AS stripes
                FROM payments_ledgerentry GROUP BY transaction_id
            ) entries ON entries.transaction_id = facts.id
            WHERE entries.stripes > 1
               OR NOT entries.accounts <@ CASE facts.kind
                   WHEN 'undue_payment' THEN ARRAY['stripe', 'buyers']
                   WHEN 'stripe_fee' THEN ARRAY['stripe', 'stripe_fees']
                   WHEN 'payout' THEN ARRAY['instructor', 'payouts']
                   WHEN 'payout_paid' THEN ARRAY['payouts', 'stripe']
                   WHEN 'payout_failed' THEN ARRAY['instructor', 'payouts', 'stripe']
                   WHEN 'bank_payout' THEN ARRAY['stripe', 'stripe_fees', 'bank']
                   WHEN 'bank_payout_failed' THEN ARRAY['stripe', 'stripe_fees', 'bank']
                   WHEN 'top_up' THEN ARRAY['stripe', 'stripe_fees', 'bank']
                   WHEN 'top_up_reversed' THEN ARRAY['stripe', 'stripe_fees', 'bank']
                   WHEN 'stripe_charge' THEN ARRAY['stripe', 'stripe_fees']
                   WHEN 'reserve' THEN ARRAY['stripe', 'stripe_fees', 'reserved']
                   WHEN 'adjustment' THEN ARRAY['stripe', 'stripe_fees', 'adjustments']
                   ELSE ARRAY['stripe', 'instructor', 'platform', 'tax', 'buyers']
               END
               OR entries.at_stripe <> CASE
                   WHEN facts.kind IN ('sale', 'undue_payment') THEN facts.paid
                   WHEN facts.kind = 'stripe_fee' AND facts.dispute_id IS NULL THEN -facts.fee
                   WHEN facts.covers_a_loss OR facts.kind = 'payout' THEN 0
                   WHEN facts.kind = 'refund' THEN -facts.refunded
                   WHEN facts.kind = 'refund_failed' THEN facts.refunded
                   WHEN facts.kind = 'dispute' THEN -facts.disputed
                   WHEN facts.kind = 'dispute_won' THEN facts.disputed
                   WHEN facts.kind = 'payout_paid' THEN -facts.payout_amount
                   WHEN facts.balance_movement_id IS NOT NULL THEN facts.balance_net
                   ELSE entries.at_stripe
               END
        """,
    ),
)
