"""From when on a rule holds is never emptied, and whom an open difference holds only grows: whoever
wrote to the books doesn't get paid by writing to what was found of it."""

from django.db import migrations

_RULES = """
CREATE OR REPLACE FUNCTION payments_rules_stay() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'from when on a rule holds is not changed: % refused', TG_OP
        USING ERRCODE = 'restrict_violation';
END $$;

CREATE TRIGGER rules_are_never_emptied BEFORE TRUNCATE ON payments_bookmark
    FOR EACH STATEMENT EXECUTE FUNCTION payments_rules_stay();

CREATE FUNCTION payments_holds_stay() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF NEW.earners @> OLD.earners THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION 'whom an open difference holds stays until it is resolved: % refused', TG_OP
        USING ERRCODE = 'restrict_violation';
END $$;

CREATE TRIGGER holds_stay BEFORE UPDATE OR DELETE ON payments_reconciliationdifference
    FOR EACH ROW WHEN (OLD.resolved_at IS NULL AND OLD.earners <> '[]'::jsonb)
    EXECUTE FUNCTION payments_holds_stay();
CREATE TRIGGER holds_are_never_emptied BEFORE TRUNCATE ON payments_reconciliationdifference
    FOR EACH STATEMENT EXECUTE FUNCTION payments_holds_stay();
"""
_NO_RULES = """
DROP TRIGGER holds_are_never_emptied ON payments_reconciliationdifference;
DROP TRIGGER holds_stay ON payments_reconciliationdifference;
DROP FUNCTION payments_holds_stay();
DROP TRIGGER rules_are_never_emptied ON payments_bookmark;
CREATE OR REPLACE FUNCTION payments_rules_stay() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'from when on a rule holds is not changed: % of %', TG_OP, OLD.name
        USING ERRCODE = 'restrict_violation';
END $$;
"""


class Migration(migrations.Migration):
    harmless = "The version before empties neither table, and adds to whom a difference holds."

    dependencies = [("payments", "0049_terms")]

    operations = [migrations.RunSQL(_RULES, _NO_RULES)]
