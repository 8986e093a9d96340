"""Two guards of the ledger refuse what they refused and ask for less: a sale's entries of its lines
are seen to be such before anything else is looked up; a movement of nothing but a payment, as of a
purchase are, is looked up with that alone; and a sale's lines are written down here only where they
weren't, which is nearly never."""

from importlib import import_module

from django.db import migrations

_BEFORE = import_module("payments.migrations.0051_disputes_make_room")
_SALES = import_module("payments.migrations.0037_guards_by_index")

_CAUSE = _BEFORE._replaced(
    _BEFORE._AFTER,
    (
        """BEGIN
    SELECT movement.*,""",
        """BEGIN
    -- A sale's lines are held to what was agreed of them.
    IF NEW.order_item_id IS NOT NULL AND EXISTS (
        SELECT FROM payments_ledgertransaction WHERE id = NEW.transaction_id AND kind = 'sale'
    ) THEN
        RETURN NULL;
    END IF;
    SELECT movement.*, payment.amount AS paid, payment.fee_amount AS fee,
           payment.status AS payment_status, payment.currency AS cause_currency,
           NULL::uuid AS refund_of, NULL::numeric AS refunded, NULL::varchar AS refund_status,
           NULL::timestamptz AS undone_at,
           NULL::uuid AS dispute_of, NULL::numeric AS disputed, NULL::varchar AS dispute_status,
           NULL::numeric AS payout_amount, NULL::varchar AS payout_status,
           NULL::timestamptz AS planned_at, NULL::numeric AS balance_net, false AS covers
    INTO fact
    FROM payments_ledgertransaction movement
    JOIN payments_payment payment ON payment.id = movement.payment_id
    WHERE movement.id = NEW.transaction_id AND movement.kind NOT IN ('refund', 'dispute')
      AND movement.refund_id IS NULL AND movement.dispute_id IS NULL
      AND movement.payout_id IS NULL AND movement.balance_movement_id IS NULL;
    IF NOT FOUND THEN
    SELECT movement.*,""",
    ),
    (
        """    LEFT JOIN payments_balancemovement balance ON balance.id = movement.balance_movement_id
    WHERE movement.id = NEW.transaction_id;
""",
        """    LEFT JOIN payments_balancemovement balance ON balance.id = movement.balance_movement_id
    WHERE movement.id = NEW.transaction_id;
    END IF;
""",
    ),
    (
        """    -- A sale's lines are held to what was agreed of them.
    IF fact.kind = 'sale' AND NEW.order_item_id IS NOT NULL THEN
        RETURN NULL;
    END IF;

""",
        "",
    ),
)
_AGREED = f"""
CREATE OR REPLACE FUNCTION payments_sale_is_as_agreed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    FOR attempt IN 1..2 LOOP
        IF NOT EXISTS (
            SELECT FROM ({_SALES._SALE}) sale
            LEFT JOIN payments_saleline line ON line.order_item_id = sale.order_item_id
            WHERE (line.payment_id, line.instructor_id, line.instructor_amount,
                   line.platform_amount, line.tax_amount, line.buyer_amount, line.available_at)
                  IS DISTINCT FROM
                  (sale.payment_id, sale.instructor_id, sale.instructor_amount,
                   sale.platform_amount, sale.tax_amount, sale.buyer_amount, sale.available_at)
        ) THEN
            RETURN NULL;
        END IF;
        IF attempt = 1 THEN
            INSERT INTO payments_saleline (
                id, created_at, updated_at, payment_id, order_item_id, instructor_id,
                instructor_amount, platform_amount, tax_amount, buyer_amount, available_at
            )
            SELECT gen_random_uuid(), now(), now(), sale.payment_id, sale.order_item_id,
                   sale.instructor_id, sale.instructor_amount, sale.platform_amount,
                   sale.tax_amount, sale.buyer_amount, sale.available_at
            FROM ({_SALES._SALE}) sale
            ON CONFLICT (order_item_id) DO NOTHING;
        END IF;
    END LOOP;
    RAISE EXCEPTION 'ledger transaction % is not what was agreed of its lines', NEW.id
        USING ERRCODE = 'check_violation';
END $$;
"""  # noqa: S608 (the text above)
_NAMES = (_BEFORE._NAME, "payments_sale_is_as_agreed()")
# A function that is replaced forgets how it looks for rows (0037).
_BY_INDEX = "".join(
    f"ALTER FUNCTION {name} SET {setting} = off;\n"
    for name in _NAMES
    for setting in _SALES._SETTINGS
)


class Migration(migrations.Migration):
    harmless = "The guards refuse what they refused; only what they look up for it is less."

    dependencies = [("payments", "0051_disputes_make_room")]

    operations = [
        migrations.RunSQL(
            _CAUSE + _AGREED + _BY_INDEX, _BEFORE._AFTER + _SALES._AGREED + _BY_INDEX
        )
    ]
