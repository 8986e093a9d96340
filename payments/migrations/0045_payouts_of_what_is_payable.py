"""A payout takes no earnings that are still held when it is planned."""

from django.db import migrations

_OWED = """
CREATE OR REPLACE FUNCTION payments_ledger_pays_what_is_owed() RETURNS trigger LANGUAGE plpgsql
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
    owed numeric;
BEGIN
    SELECT -sum(entry.amount) INTO owed
    FROM payments_ledgertransaction payout
    JOIN payments_runningbalance entry ON entry.currency = payout.currency
    WHERE payout.id = NEW.transaction_id AND payout.kind = 'payout'
      AND entry.account = 'instructor' AND entry.instructor_id = NEW.instructor_id{held};
    IF owed < 0 THEN
        RAISE EXCEPTION 'ledger transaction % pays % more than is owed', NEW.transaction_id, -owed
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
"""
# By the payout's own time, as far as clocks may be apart.
_NOT_HELD = """
      AND (entry.held_until IS NULL OR entry.held_until
           <= least(payout.occurred_at, NEW.created_at) + interval '2 minutes')"""


class Migration(migrations.Migration):
    harmless = (
        "The version before plans what is payable by its own clock, which is within two minutes of "
        "what the database asks now."
    )

    dependencies = [("payments", "0044_rules_since")]

    operations = [
        migrations.RunSQL(_OWED.format(held=_NOT_HELD), _OWED.format(held="")),
    ]
