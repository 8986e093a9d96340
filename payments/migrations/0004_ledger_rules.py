"""What keeps the ledger honest, whoever writes to it: entries add up, and nothing is ever changed."""

from django.db import migrations

_RULES = """
CREATE FUNCTION payments_ledger_adds_up() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    difference numeric;
BEGIN
    SELECT sum(amount) INTO difference FROM payments_ledgerentry
    WHERE transaction_id = NEW.transaction_id;
    IF difference <> 0 THEN
        RAISE EXCEPTION 'ledger transaction % is out of balance by %',
            NEW.transaction_id, difference USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION payments_ledger_is_not_empty() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM payments_ledgerentry WHERE transaction_id = NEW.id) THEN
        RAISE EXCEPTION 'ledger transaction % has no entries', NEW.id
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION payments_ledger_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the ledger is append-only: % refused on %', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END $$;

-- Deferred: the entries of a transaction are written one after the other.
CREATE CONSTRAINT TRIGGER ledger_adds_up AFTER INSERT ON payments_ledgerentry
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION payments_ledger_adds_up();
CREATE CONSTRAINT TRIGGER ledger_is_not_empty AFTER INSERT ON payments_ledgertransaction
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION payments_ledger_is_not_empty();
CREATE TRIGGER ledger_is_append_only BEFORE UPDATE OR DELETE ON payments_ledgerentry
    FOR EACH ROW EXECUTE FUNCTION payments_ledger_is_append_only();
CREATE TRIGGER ledger_is_append_only BEFORE UPDATE OR DELETE ON payments_ledgertransaction
    FOR EACH ROW EXECUTE FUNCTION payments_ledger_is_append_only();
"""

_NO_RULES = """
DROP TRIGGER ledger_is_append_only ON payments_ledgertransaction;
DROP TRIGGER ledger_is_append_only ON payments_ledgerentry;
DROP TRIGGER ledger_is_not_empty ON payments_ledgertransaction;
DROP TRIGGER ledger_adds_up ON payments_ledgerentry;
DROP FUNCTION payments_ledger_is_append_only();
DROP FUNCTION payments_ledger_is_not_empty();
DROP FUNCTION payments_ledger_adds_up();
"""


class Migration(migrations.Migration):

    dependencies = [("payments", "0003_books")]

    operations = [migrations.RunSQL(_RULES, _NO_RULES)]
