"""What moved on our balance at Stripe by itself, and what is booked of it."""

from payments.books.invariant import Invariant

# What a type of Stripe's is booked as (`payments.services.balance_types`); a test holds one to
# the other.
_KIND = """
    CASE moved.type
        WHEN 'payout' THEN 'bank_payout'
        WHEN 'payout_failure' THEN 'bank_payout_failed'
        WHEN 'payout_cancel' THEN 'bank_payout_failed'
        WHEN 'topup' THEN 'top_up'
        WHEN 'topup_reversal' THEN 'top_up_reversed'
        WHEN 'stripe_fee' THEN 'stripe_charge'
        WHEN 'stripe_fx_fee' THEN 'stripe_charge'
        WHEN 'tax_fee' THEN 'stripe_charge'
        WHEN 'network_cost' THEN 'stripe_charge'
        WHEN 'reserve_transaction' THEN 'reserve'
        WHEN 'reserved_funds' THEN 'reserve'
        WHEN 'reserve_hold' THEN 'reserve'
        WHEN 'reserve_release' THEN 'reserve'
        WHEN 'payment_network_reserve_hold' THEN 'reserve'
        WHEN 'payment_network_reserve_release' THEN 'reserve'
        WHEN 'payout_minimum_balance_hold' THEN 'reserve'
        WHEN 'payout_minimum_balance_release' THEN 'reserve'
        WHEN 'adjustment' THEN 'adjustment'
        WHEN 'contribution' THEN 'adjustment'
        WHEN 'climate_order_purchase' THEN 'adjustment'
        WHEN 'climate_order_refund' THEN 'adjustment'
        WHEN 'connect_collection_transfer' THEN 'adjustment'
        ELSE ''
    END
"""

BALANCE_MOVEMENTS = (
    Invariant(
        name="balance_movement_is_booked",
        sentence="What moved on our balance at Stripe by itself is booked once, as what its type "
        "says, and what is only shown isn't booked.",
        query=f"""
            SELECT moved.stripe_id AS subject, moved.type, moved.booked_as, booked.reference
            FROM payments_balancemovement moved
            LEFT JOIN payments_ledgertransaction booked
                   ON booked.balance_movement_id = moved.id
            WHERE booked.reference IS DISTINCT FROM
                      CASE WHEN moved.booked_as <> '' THEN moved.booked_as || ':' || moved.id END
               OR moved.booked_as NOT IN ('', {_KIND})
        """,  # noqa: S608 (the text above)
    ),
    Invariant(
        name="balance_movement_says_its_fee",
        sentence="Of what moved on our balance by itself Stripe's fees have the fee, and of what "
        "is a fee all of it.",
        query="""
            SELECT moved.stripe_id AS subject, moved.amount, moved.fee, booked.kept
            FROM payments_balancemovement moved
            JOIN (
                SELECT movement.balance_movement_id AS id,
                       coalesce(sum(entry.amount) FILTER (WHERE entry.account = 'stripe_fees'), 0)
                           AS kept
                FROM payments_ledgertransaction movement
                JOIN payments_ledgerentry entry ON entry.transaction_id = movement.id
                WHERE movement.balance_movement_id IS NOT NULL
                GROUP BY movement.balance_movement_id
            ) booked ON booked.id = moved.id
            WHERE booked.kept <> moved.fee
                  - CASE WHEN moved.booked_as = 'stripe_charge' THEN moved.amount ELSE 0 END
        """,
    ),
)
