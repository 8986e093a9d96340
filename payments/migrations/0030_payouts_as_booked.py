"""A payout that is due moves money by itself: it is what was booked of it, and stays so."""

from django.db import migrations

_RULES = """
-- Deferred: the row comes before its movement.
CREATE FUNCTION payments_payout_is_booked() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM payments_ledgertransaction movement
        JOIN payments_ledgerentry entry ON entry.transaction_id = movement.id
        JOIN payments_payoutaccount account ON account.id = NEW.account_id
        WHERE movement.reference = 'payout:' || NEW.id AND movement.payout_id = NEW.id
          AND movement.currency = NEW.currency AND entry.account = 'instructor'
          AND entry.instructor_id = account.instructor_id AND entry.amount = NEW.amount
    ) THEN
        RAISE EXCEPTION 'payout % is due and is not booked as it is', NEW.id
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION payments_payout_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'payout % is what was planned: amount, currency, account and destination stay, '
        'and what is over is not due again', OLD.id USING ERRCODE = 'restrict_violation';
END $$;

CREATE CONSTRAINT TRIGGER payout_is_booked AFTER INSERT ON payments_payout
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.status = 'due')
    EXECUTE FUNCTION payments_payout_is_booked();
CREATE TRIGGER payout_stays BEFORE UPDATE ON payments_payout
    FOR EACH ROW WHEN (OLD.id <> NEW.id OR OLD.amount <> NEW.amount
        OR OLD.currency <> NEW.currency OR OLD.account_id <> NEW.account_id
        OR (OLD.destination <> '' AND OLD.destination <> NEW.destination)
        OR (OLD.status <> 'due' AND NEW.status = 'due'))
    EXECUTE FUNCTION payments_payout_stays();
"""

_NO_RULES = """
DROP TRIGGER payout_stays ON payments_payout;
DROP TRIGGER payout_is_booked ON payments_payout;
DROP FUNCTION payments_payout_stays();
DROP FUNCTION payments_payout_is_booked();
"""


class Migration(migrations.Migration):
    harmless = (
        "The version before books each payout in the transaction that plans it, changes nothing of "
        "it but how it stands, and fills in a destination only where there is none."
    )

    dependencies = [("payments", "0027_admin_lists")]

    operations = [migrations.RunSQL(_RULES, _NO_RULES)]
