"""Lies in what moved on the balance at Stripe by itself."""

from tests.proof.planted_lie import lie

_MOVED = "UPDATE payments_balancemovement SET {} WHERE id = '{{moved[{}]}}'"
_BOOKED = (
    "UPDATE payments_ledgerentry SET {} WHERE account = '{}' AND transaction_id = (SELECT id FROM "
    "payments_ledgertransaction WHERE balance_movement_id = '{{moved[{}]}}')"
)

BALANCE_MOVEMENTS = (
    lie("less went to the bank than is booked", "movement_moves_its_amount",
        _MOVED.format("amount = amount + 1, net = net + 1", "payout")),
    lie("what the bank got is Stripe's fee", "balance_movement_says_its_fee",
        _MOVED.format("amount = amount + 1, fee = fee + 1", "payout")),
    lie("a payout to the bank is in another currency", "movement_agrees_with_its_cause",
        _MOVED.format("currency = 'eur'", "payout")),
    lie("a fee of Stripe's is of another day", "movement_has_its_date",
        _MOVED.format("happened_at = happened_at - interval '40 days'", "stripe_fee")),
    lie("a fee of Stripe's was a payout", "balance_movement_is_booked",
        _MOVED.format("type = 'payout'", "stripe_fee")),
    lie("a top-up is only shown", "balance_movement_is_booked",
        _MOVED.format("booked_as = ''", "topup")),
    lie("what is new to us counts as booked", "balance_movement_is_booked",
        _MOVED.format("booked_as = 'adjustment'", "advance")),
    lie("a payout to the bank is gone from the ledger", "balance_movement_is_booked",
        "DELETE FROM payments_ledgerentry WHERE transaction_id = (SELECT id FROM "
        "payments_ledgertransaction WHERE balance_movement_id = '{moved[payout]}')",
        "DELETE FROM payments_ledgertransaction WHERE balance_movement_id = '{moved[payout]}'"),
    lie("what the bank got is booked as reserved", "movement_moves_its_amount",
        _BOOKED.format("account = 'reserved'", "bank", "payout")),
    lie("a fee of Stripe's is booked as ours", "movement_moves_its_amount",
        _BOOKED.format("account = 'platform'", "stripe_fees", "stripe_fee")),
    lie("part of what the bank got is booked as a fee", "balance_movement_says_its_fee",
        _BOOKED.format("amount = amount - 5", "bank", "payout"),
        _BOOKED.format("amount = amount + 5", "stripe_fees", "payout")),
    lie("a movement of the balance is of another one", "movement_has_its_cause",
        "ALTER TABLE payments_ledgertransaction DROP CONSTRAINT IF EXISTS ledger_has_its_cause",
        "UPDATE payments_ledgertransaction SET balance_movement_id = '{moved[topup]}' WHERE "
        "balance_movement_id = '{moved[adjustment]}'"),
    lie("a sale is of a movement of the balance", "movement_has_its_cause",
        "ALTER TABLE payments_ledgertransaction DROP CONSTRAINT IF EXISTS ledger_has_its_cause",
        "UPDATE payments_ledgertransaction SET balance_movement_id = '{moved[topup]}' WHERE "
        "reference = 'sale:{plain.payment}'"),
)  # fmt: skip
