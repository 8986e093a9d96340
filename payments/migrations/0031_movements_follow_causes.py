"""Each movement of the ledger moves what its cause says, between accounts that its kind touches, and
no account of a line holds other than what it was sold for."""

from django.db import migrations

_RULES = """
-- What the invariants of payments/books ask of a movement, asked when it is committed. Deferred: the
-- cause's own row is written in the same transaction.
CREATE FUNCTION payments_ledger_follows_its_cause() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    fact record;
    side record;
    fault text;
BEGIN
    SELECT movement.*, payment.amount AS paid, payment.fee_amount AS fee,
           payment.status AS payment_status,
           coalesce(payment.currency, payout.currency, balance.currency) AS cause_currency,
           refund.payment_id AS refund_of, refund.amount AS refunded,
           refund.status AS refund_status, refund.undone_at,
           dispute.payment_id AS dispute_of, dispute.amount AS disputed,
           dispute.status AS dispute_status,
           payout.amount AS payout_amount, payout.status AS payout_status,
           payout.created_at AS planned_at,
           balance.net AS balance_net,
           movement.kind IN ('refund', 'dispute') AND movement.reference LIKE '%:%:%' AS covers
    INTO fact
    FROM payments_ledgertransaction movement
    LEFT JOIN payments_payment payment ON payment.id = movement.payment_id
    LEFT JOIN payments_refund refund ON refund.id = movement.refund_id
    LEFT JOIN payments_dispute dispute ON dispute.id = movement.dispute_id
    LEFT JOIN payments_payout payout ON payout.id = movement.payout_id
    LEFT JOIN payments_balancemovement balance ON balance.id = movement.balance_movement_id
    WHERE movement.id = NEW.transaction_id;
    -- A sale's lines are held to what was agreed of them.
    IF fact.kind = 'sale' AND NEW.order_item_id IS NOT NULL THEN
        RETURN NULL;
    END IF;

    SELECT array_agg(DISTINCT account::text) AS accounts,
           count(*) FILTER (WHERE account = 'stripe') AS stripes,
           coalesce(sum(amount) FILTER (WHERE account = 'stripe'), 0) AS at_stripe,
           coalesce(sum(amount) FILTER (WHERE account = 'payouts'), 0) AS on_its_way,
           coalesce(sum(amount) FILTER (WHERE account = 'instructor'), 0) AS instructor,
           bool_or(order_item_id IS NULL AND (account = 'tax'
               OR (account IN ('platform', 'buyers') AND fact.kind = 'sale'))) AS of_no_line,
           -- Whoever holds something gives it for a refund or dispute, and gets it back after one.
           coalesce(bool_or(amount < 0) FILTER (WHERE order_item_id IS NOT NULL
               AND fact.kind IN ('refund', 'dispute')), false)
           OR coalesce(bool_or(amount > 0) FILTER (WHERE account <> 'stripe'
               AND fact.kind IN ('refund_failed', 'dispute_won')), false) AS wrong_way
    INTO side FROM payments_ledgerentry WHERE transaction_id = NEW.transaction_id;

    fault := CASE
        WHEN fact.refund_of <> fact.payment_id OR fact.dispute_of <> fact.payment_id
            THEN 'is of another payment than its cause'
        WHEN fact.currency IS DISTINCT FROM fact.cause_currency
            THEN 'is in another currency than its cause'
        WHEN fact.payment_status <> 'succeeded' THEN 'is of a payment that did not succeed'
        WHEN fact.kind IN ('refund', 'refund_failed') AND fact.refund_status = 'due'
            THEN 'is of a refund that was not made'
        WHEN fact.kind = 'refund_failed' AND (fact.undone_at IS NULL
                OR fact.refund_status NOT IN ('failed', 'canceled'))
            THEN 'undoes a refund that stands'
        WHEN fact.kind = 'dispute_won' AND fact.dispute_status <> 'won'
            THEN 'undoes a dispute that was not won'
        WHEN fact.kind = 'dispute' AND fact.dispute_status LIKE 'warning%'
            THEN 'is of an inquiry, which takes nothing'
        WHEN side.stripes > 1 THEN 'moves twice at Stripe'
        WHEN NOT side.accounts <@ CASE fact.kind
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
                ELSE ARRAY['stripe', 'instructor', 'platform', 'tax', 'buyers'] END
            THEN 'touches an account that its kind does not'
        WHEN side.of_no_line THEN 'has a side of no line that needs one'
        WHEN side.wrong_way THEN 'gives where it takes'
        WHEN side.at_stripe <> CASE
                WHEN fact.kind IN ('sale', 'undue_payment') THEN fact.paid
                WHEN fact.kind = 'stripe_fee' AND fact.dispute_id IS NULL
                    THEN -coalesce(fact.fee, 0)
                WHEN fact.covers OR fact.kind = 'payout' THEN 0
                WHEN fact.kind = 'refund' THEN -fact.refunded
                WHEN fact.kind = 'dispute' THEN -fact.disputed
                WHEN fact.kind = 'payout_paid' THEN -fact.payout_amount
                WHEN fact.balance_movement_id IS NOT NULL THEN fact.balance_net
                ELSE side.at_stripe END
            THEN 'moves another amount at Stripe than its cause'
        WHEN (fact.kind = 'payout'
                AND (side.instructor, side.on_its_way)
                    IS DISTINCT FROM (fact.payout_amount, -fact.payout_amount))
             OR (fact.kind = 'payout_failed' AND (side.instructor >= 0
                 OR (side.on_its_way <> 0 AND (side.at_stripe <> 0
                     OR side.on_its_way <> fact.payout_amount))))
            THEN 'moves another amount than its payout'
        -- Earnings that are held can't be paid by a date ahead. Clocks may differ by two minutes.
        WHEN fact.kind = 'payout' AND (
                greatest(fact.occurred_at, fact.planned_at)
                    - least(fact.occurred_at, fact.planned_at) > interval '2 minutes'
                OR greatest(fact.occurred_at, fact.created_at, fact.planned_at, NEW.created_at)
                    > clock_timestamp() + interval '2 minutes')
            THEN 'is dated otherwise than its payout was planned'
    END;

    IF fault IS NULL AND fact.covers AND NOT EXISTS (
        SELECT FROM payments_ledgertransaction before
        WHERE before.payment_id = fact.payment_id
          AND before.kind IN ('refund_failed', 'dispute_won')
          AND before.id::text = substring(fact.reference FROM '[^:]+$')
    ) THEN
        fault := 'makes good what nothing came back for';
    END IF;
    IF fault IS NULL AND fact.kind IN ('sale', 'undue_payment') AND EXISTS (
        SELECT FROM payments_ledgertransaction other
        WHERE other.payment_id = fact.payment_id AND other.kind <> fact.kind
          AND other.kind IN ('sale', 'undue_payment')
    ) THEN
        fault := 'is of a payment that is booked as something else';
    END IF;
    IF fault IS NULL AND fact.kind IN ('refund_failed', 'dispute_won')
       AND payments_ledger_gives_back(fact.refund_id, fact.dispute_id) THEN
        fault := 'gives back to others than it was taken from';
    END IF;
    IF fault IS NULL AND fact.kind = 'payout_failed'
       AND NOT payments_ledger_returns(fact.payout_id, fact.payout_amount, fact.payout_status) THEN
        fault := 'returns what its payout did not take';
    END IF;
    IF fault IS NOT NULL THEN
        RAISE EXCEPTION 'ledger transaction % (%) %', fact.id, fact.reference, fault
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;

-- Whether what is booked of a refund or dispute that is undone leaves anybody with more or less.
CREATE FUNCTION payments_ledger_gives_back(refund uuid, dispute uuid) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
    RETURN EXISTS (
        SELECT FROM payments_ledgertransaction movement
        JOIN payments_ledgerentry entry ON entry.transaction_id = movement.id
        WHERE (movement.refund_id = refund OR movement.dispute_id = dispute)
          AND movement.kind <> 'stripe_fee'
        GROUP BY entry.account, entry.order_item_id, entry.instructor_id
        HAVING sum(entry.amount) <> 0
    );
END $$;

-- Whether what came back of a payout is within what went out, and as far as its row says. Two at
-- once wait for each other.
CREATE FUNCTION payments_ledger_returns(payout uuid, planned numeric, status text) RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
    made numeric;
    back numeric;
BEGIN
    PERFORM FROM payments_payout WHERE id = payout FOR NO KEY UPDATE;
    SELECT coalesce(-sum(entry.amount) FILTER (
               WHERE entry.account = 'stripe' AND movement.kind = 'payout_paid'), 0),
           coalesce(-sum(entry.amount) FILTER (
               WHERE entry.account = 'instructor' AND movement.kind = 'payout_failed'), 0)
    INTO made, back
    FROM payments_ledgertransaction movement
    JOIN payments_ledgerentry entry ON entry.transaction_id = movement.id
    WHERE movement.payout_id = payout;
    RETURN CASE status
        WHEN 'due' THEN false
        WHEN 'paid' THEN made = planned AND back < planned
        ELSE made IN (0, planned) AND back = planned END;
END $$;

CREATE FUNCTION payments_ledger_shares_as_sold() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    held numeric;
    sold numeric;
BEGIN
    SELECT -sum(amount) INTO held FROM payments_ledgerentry
    WHERE order_item_id = NEW.order_item_id AND account = NEW.account
      AND instructor_id IS NOT DISTINCT FROM NEW.instructor_id;
    SELECT CASE NEW.account
               WHEN 'platform' THEN line.platform_amount WHEN 'tax' THEN line.tax_amount
               WHEN 'buyers' THEN line.buyer_amount
               WHEN 'instructor' THEN CASE line.instructor_id
                   WHEN NEW.instructor_id THEN line.instructor_amount END
           END INTO sold
    FROM payments_ledgertransaction movement
    JOIN payments_saleline line ON line.payment_id = movement.payment_id
    WHERE movement.id = NEW.transaction_id AND line.order_item_id = NEW.order_item_id;
    IF held < 0 OR held > coalesce(sold, 0) THEN
        RAISE EXCEPTION 'ledger entry %: its % would hold % of the % its line was sold for',
            NEW.id, NEW.account, held, coalesce(sold, 0) USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;

CREATE CONSTRAINT TRIGGER ledger_moves_as_its_cause_says AFTER INSERT ON payments_ledgerentry
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    EXECUTE FUNCTION payments_ledger_follows_its_cause();
CREATE CONSTRAINT TRIGGER ledger_shares_as_sold AFTER INSERT ON payments_ledgerentry
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.order_item_id IS NOT NULL)
    EXECUTE FUNCTION payments_ledger_shares_as_sold();
"""

_NO_RULES = """
DROP TRIGGER ledger_shares_as_sold ON payments_ledgerentry;
DROP TRIGGER ledger_moves_as_its_cause_says ON payments_ledgerentry;
DROP FUNCTION payments_ledger_shares_as_sold();
DROP FUNCTION payments_ledger_follows_its_cause();
DROP FUNCTION payments_ledger_returns(uuid, numeric, text);
DROP FUNCTION payments_ledger_gives_back(uuid, uuid);
"""


class Migration(migrations.Migration):
    harmless = (
        "The triggers look at new movements alone and refuse only what the invariants name as "
        "broken, which the version before holds to as well at each commit."
    )

    dependencies = [("payments", "0030_payouts_as_booked")]

    operations = [migrations.RunSQL(_RULES, _NO_RULES)]
