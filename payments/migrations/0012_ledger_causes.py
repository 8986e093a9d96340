"""What the ledger refuses, whoever writes to it: movements without a cause, entries that come after
their movement, earnings of nobody's course, lines that hold more than was paid, payouts of more
than is owed, and TRUNCATE."""

from django.db import migrations

_CAUSE = """
ALTER TABLE payments_ledgertransaction ADD CONSTRAINT ledger_has_its_cause CHECK (coalesce(
    CASE kind
        WHEN 'sale' THEN reference = 'sale:' || payment_id
            AND num_nonnulls(refund_id, dispute_id, payout_id) = 0
        WHEN 'undue_payment' THEN reference = 'undue:' || payment_id
            AND num_nonnulls(refund_id, dispute_id, payout_id) = 0
        WHEN 'stripe_fee' THEN payment_id IS NOT NULL AND num_nonnulls(refund_id, payout_id) = 0
            AND CASE WHEN dispute_id IS NULL THEN reference = 'fee:' || payment_id
                ELSE reference ~ ('^dispute_fee(_back)?:' || dispute_id || '(:[0-9]+)?$') END
        WHEN 'refund' THEN payment_id IS NOT NULL AND num_nonnulls(dispute_id, payout_id) = 0
            AND (reference || ':') LIKE 'refund:' || refund_id || ':%'
        WHEN 'refund_failed' THEN payment_id IS NOT NULL
            AND num_nonnulls(dispute_id, payout_id) = 0
            AND reference = 'refund_failed:' || refund_id
        WHEN 'dispute' THEN payment_id IS NOT NULL AND num_nonnulls(refund_id, payout_id) = 0
            AND (reference || ':') LIKE 'dispute:' || dispute_id || ':%'
        WHEN 'dispute_won' THEN payment_id IS NOT NULL AND num_nonnulls(refund_id, payout_id) = 0
            AND reference = 'dispute_won:' || dispute_id
        WHEN 'payout' THEN reference = 'payout:' || payout_id
            AND num_nonnulls(payment_id, refund_id, dispute_id) = 0
        WHEN 'payout_paid' THEN reference = 'payout_paid:' || payout_id
            AND num_nonnulls(payment_id, refund_id, dispute_id) = 0
        WHEN 'payout_failed' THEN (reference = 'payout_failed:' || payout_id
                OR reference ~ ('^payout_returned:' || payout_id || ':[0-9]+$'))
            AND num_nonnulls(payment_id, refund_id, dispute_id) = 0
        ELSE false
    END, false)) NOT VALID;
"""

_RULES = """
ALTER TABLE payments_ledgertransaction ADD COLUMN written_by bigint;
ALTER TABLE payments_ledgertransaction
    ALTER COLUMN written_by SET DEFAULT (pg_current_xact_id()::text::bigint);

CREATE FUNCTION payments_ledger_is_closed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM payments_ledgertransaction
        WHERE id = NEW.transaction_id AND written_by = pg_current_xact_id()::text::bigint
    ) THEN
        RAISE EXCEPTION 'ledger transaction % is closed: entries come with it or never',
            NEW.transaction_id USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION payments_ledger_has_its_owner() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    owner uuid;
    held numeric;
    paid numeric;
BEGIN
    IF NEW.account = 'instructor' THEN
        SELECT coalesce(account.instructor_id, item.instructor_id) INTO owner
        FROM payments_ledgertransaction movement
        LEFT JOIN payments_payment payment ON payment.id = movement.payment_id
        LEFT JOIN orders_orderitem item
               ON item.id = NEW.order_item_id AND item.order_id = payment.order_id
        LEFT JOIN payments_payout payout ON payout.id = movement.payout_id
        LEFT JOIN payments_payoutaccount account ON account.id = payout.account_id
        WHERE movement.id = NEW.transaction_id;
        IF owner IS DISTINCT FROM NEW.instructor_id THEN
            RAISE EXCEPTION 'ledger entry % is of an instructor whose line or payout it is not',
                NEW.id USING ERRCODE = 'check_violation';
        END IF;
    END IF;
    IF NEW.order_item_id IS NOT NULL THEN
        SELECT -sum(amount) INTO held FROM payments_ledgerentry
        WHERE order_item_id = NEW.order_item_id;
        SELECT price_at_purchase - discount_amount + tax_amount INTO paid
        FROM orders_orderitem WHERE id = NEW.order_item_id;
        IF held < 0 OR held > paid THEN
            RAISE EXCEPTION 'ledger entry %: its line would hold % of the % that was paid',
                NEW.id, held, paid USING ERRCODE = 'check_violation';
        END IF;
    END IF;
    RETURN NULL;
END $$;

-- What is held is owed as well, and never less than nothing: no clock has a say in this.
CREATE FUNCTION payments_ledger_pays_what_is_owed() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    owed numeric;
BEGIN
    SELECT -sum(entry.amount) INTO owed
    FROM payments_ledgertransaction payout
    JOIN payments_ledgertransaction movement ON movement.currency = payout.currency
    JOIN payments_ledgerentry entry ON entry.transaction_id = movement.id
    WHERE payout.id = NEW.transaction_id AND payout.kind = 'payout'
      AND entry.account = 'instructor' AND entry.instructor_id = NEW.instructor_id;
    IF owed < 0 THEN
        RAISE EXCEPTION 'ledger transaction % pays % more than is owed', NEW.transaction_id, -owed
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;

-- Deferred, as `ledger_adds_up` is: a movement's sides are written one after the other.
CREATE CONSTRAINT TRIGGER ledger_is_closed AFTER INSERT ON payments_ledgerentry
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION payments_ledger_is_closed();
CREATE CONSTRAINT TRIGGER ledger_has_its_owner AFTER INSERT ON payments_ledgerentry
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION payments_ledger_has_its_owner();
CREATE CONSTRAINT TRIGGER ledger_pays_what_is_owed AFTER INSERT ON payments_ledgerentry
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    WHEN (NEW.account = 'instructor' AND NEW.amount > 0)
    EXECUTE FUNCTION payments_ledger_pays_what_is_owed();
CREATE TRIGGER ledger_is_never_emptied BEFORE TRUNCATE ON payments_ledgerentry
    FOR EACH STATEMENT EXECUTE FUNCTION payments_ledger_is_append_only();
CREATE TRIGGER ledger_is_never_emptied BEFORE TRUNCATE ON payments_ledgertransaction
    FOR EACH STATEMENT EXECUTE FUNCTION payments_ledger_is_append_only();
"""

_NO_RULES = """
DROP TRIGGER ledger_is_never_emptied ON payments_ledgertransaction;
DROP TRIGGER ledger_is_never_emptied ON payments_ledgerentry;
DROP TRIGGER ledger_pays_what_is_owed ON payments_ledgerentry;
DROP TRIGGER ledger_has_its_owner ON payments_ledgerentry;
DROP TRIGGER ledger_is_closed ON payments_ledgerentry;
DROP FUNCTION payments_ledger_pays_what_is_owed();
DROP FUNCTION payments_ledger_has_its_owner();
DROP FUNCTION payments_ledger_is_closed();
ALTER TABLE payments_ledgertransaction DROP COLUMN written_by;
"""


class Migration(migrations.Migration):
    """The constraint is made unchecked and then checked, so that nobody waits for it."""

    atomic = False
    harmless = (
        "The triggers refuse nothing that the version before rightly writes: it writes a movement's "
        "entries with it, of its order's lines and their instructors, within what was paid and owed."
    )

    dependencies = [("payments", "0011_metrics_indexes")]

    operations = [
        migrations.RunSQL(_RULES, _NO_RULES),
        migrations.RunSQL(
            _CAUSE,
            "ALTER TABLE payments_ledgertransaction DROP CONSTRAINT ledger_has_its_cause",
        ),
        migrations.RunSQL(
            "ALTER TABLE payments_ledgertransaction VALIDATE CONSTRAINT ledger_has_its_cause",
            migrations.RunSQL.noop,
        ),
    ]
