"""From when on rules hold that rows of before them don't follow, so that these aren't named. A
version before may be served for a day beside this one."""

from django.db import migrations

_RULES = """
INSERT INTO payments_bookmark (name, until, amount)
SELECT 'since:booked_tax', CASE WHEN EXISTS (SELECT FROM orders_creditnote)
    THEN now() + interval '1 day' ELSE '1970-01-01' END, 0
UNION ALL
SELECT 'since:refund_decided', CASE WHEN EXISTS (SELECT FROM payments_refund)
    THEN now() + interval '1 day' ELSE '1970-01-01' END, 0;

CREATE FUNCTION payments_rules_stay() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'from when on a rule holds is not changed: % of %', TG_OP, OLD.name
        USING ERRCODE = 'restrict_violation';
END $$;

CREATE TRIGGER rules_stay BEFORE UPDATE OR DELETE ON payments_bookmark
    FOR EACH ROW WHEN (OLD.name LIKE 'since:%') EXECUTE FUNCTION payments_rules_stay();
"""
_NO_RULES = """
DROP TRIGGER rules_stay ON payments_bookmark;
DROP FUNCTION payments_rules_stay();
DELETE FROM payments_bookmark WHERE name LIKE 'since:%';
"""


class Migration(migrations.Migration):
    harmless = "The version before knows no such marks and changes none."

    dependencies = [("payments", "0037_guards_by_index"), ("orders", "0016_freeze_orders")]

    operations = [migrations.RunSQL(_RULES, _NO_RULES)]
