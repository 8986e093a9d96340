from django.db import migrations

_RULES = """
-- Nobody writes here but the triggers: `entries_count` adds changes, `changes_are_folded` balances.
CREATE FUNCTION payments_balances_are_the_ledgers() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'TRUNCATE' OR pg_trigger_depth() < 2 THEN
        RAISE EXCEPTION 'balances follow from the ledger: % refused on %', TG_OP, TG_TABLE_NAME
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END $$;

-- Clocks differ: what is held stays exact until it has been over by all of them.
CREATE FUNCTION payments_held_is_not_folded() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.held_until > now() - interval '1 hour' THEN
        RAISE EXCEPTION 'balance change % is held until %', OLD.id, OLD.held_until
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN OLD;
END $$;

CREATE TRIGGER balances_are_the_ledgers
    BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON payments_balance
    FOR EACH STATEMENT EXECUTE FUNCTION payments_balances_are_the_ledgers();
CREATE TRIGGER balances_are_the_ledgers BEFORE INSERT OR UPDATE OR TRUNCATE ON payments_balancechange
    FOR EACH STATEMENT EXECUTE FUNCTION payments_balances_are_the_ledgers();
CREATE TRIGGER held_is_not_folded BEFORE DELETE ON payments_balancechange
    FOR EACH ROW EXECUTE FUNCTION payments_held_is_not_folded();
"""

_NO_RULES = """
DROP TRIGGER held_is_not_folded ON payments_balancechange;
DROP TRIGGER balances_are_the_ledgers ON payments_balancechange;
DROP TRIGGER balances_are_the_ledgers ON payments_balance;
DROP FUNCTION payments_held_is_not_folded();
DROP FUNCTION payments_balances_are_the_ledgers();
"""

_OWED = """
CREATE OR REPLACE FUNCTION payments_ledger_pays_what_is_owed() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    owed numeric;
BEGIN
    SELECT -sum(entry.amount) INTO owed
    FROM payments_ledgertransaction payout
    {entries}
    WHERE payout.id = NEW.transaction_id AND payout.kind = 'payout'
      AND entry.account = 'instructor' AND entry.instructor_id = NEW.instructor_id;
    IF owed < 0 THEN
        RAISE EXCEPTION 'ledger transaction % pays % more than is owed', NEW.transaction_id, -owed
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
"""
_BY_BALANCE = _OWED.format(
    entries="JOIN payments_runningbalance entry ON entry.currency = payout.currency",
)
_BY_ENTRIES = _OWED.format(
    entries="JOIN payments_ledgertransaction movement ON movement.currency = payout.currency "
    "JOIN payments_ledgerentry entry ON entry.transaction_id = movement.id",
)


class Migration(migrations.Migration):
    """The entries of before count, too. Then the balances are closed, and what a payout may take is
    read from them."""

    harmless = (
        "The rows of before are read in one statement that locks none of them, and the triggers "
        "guard tables that the version before doesn't know. A payout is refused for what it was "
        "refused for before."
    )

    dependencies = [("payments", "0020_running_balances")]

    operations = [
        migrations.RunSQL("SELECT payments_catch_balances_up()", migrations.RunSQL.noop),
        migrations.RunSQL(_RULES, _NO_RULES),
        migrations.RunSQL(_BY_BALANCE, _BY_ENTRIES),
    ]
