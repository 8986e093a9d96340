"""The guards of the books find their rows by index, whatever the planner takes a table's size for.

A table is taken for empty when its statistics are gathered while all that is in it is still being
written by one transaction, as the demo's is. A guard that then goes through the whole table for each
row of it takes minutes instead of milliseconds.
"""

from django.db import migrations

_GUARDS = (
    "payments_ledger_adds_up()",
    "payments_ledger_follows_its_cause()",
    "payments_ledger_gives_back(uuid, uuid)",
    "payments_ledger_has_its_owner()",
    "payments_ledger_is_closed()",
    "payments_ledger_is_not_empty()",
    "payments_ledger_pays_what_is_owed()",
    "payments_ledger_returns(uuid, numeric, text)",
    "payments_ledger_shares_as_sold()",
    "payments_note_loose_ends()",
    "payments_note_loose_holds()",
    "payments_payout_is_booked()",
    "payments_sale_is_as_agreed()",
)
_SALE = """
    SELECT NEW.payment_id AS payment_id, item.id AS order_item_id,
           (array_agg(entry.instructor_id) FILTER (WHERE entry.account = 'instructor'))[1]
               AS instructor_id,
           coalesce(-sum(entry.amount) FILTER (WHERE entry.account = 'instructor'), 0)
               AS instructor_amount,
           coalesce(-sum(entry.amount) FILTER (WHERE entry.account = 'platform'), 0)
               AS platform_amount,
           coalesce(-sum(entry.amount) FILTER (WHERE entry.account = 'tax'), 0) AS tax_amount,
           coalesce(-sum(entry.amount) FILTER (WHERE entry.account = 'buyers'), 0) AS buyer_amount,
           min(entry.available_at) AS available_at
    FROM orders_orderitem item
    LEFT JOIN payments_ledgerentry entry
           ON entry.transaction_id = NEW.id AND entry.order_item_id = item.id
    WHERE item.order_id = (SELECT order_id FROM payments_payment WHERE id = NEW.payment_id)
    GROUP BY item.id
"""
_AGREED = f"""
CREATE OR REPLACE FUNCTION payments_sale_is_as_agreed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO payments_saleline (
        id, created_at, updated_at, payment_id, order_item_id, instructor_id, instructor_amount,
        platform_amount, tax_amount, buyer_amount, available_at
    )
    SELECT gen_random_uuid(), now(), now(), sale.payment_id, sale.order_item_id,
           sale.instructor_id, sale.instructor_amount, sale.platform_amount, sale.tax_amount,
           sale.buyer_amount, sale.available_at
    FROM ({_SALE}) sale
    ON CONFLICT (order_item_id) DO NOTHING;
    IF EXISTS (
        SELECT FROM ({_SALE}) sale
        LEFT JOIN payments_saleline line ON line.order_item_id = sale.order_item_id
        WHERE (line.payment_id, line.instructor_id, line.instructor_amount, line.platform_amount,
               line.tax_amount, line.buyer_amount, line.available_at)
              IS DISTINCT FROM
              (sale.payment_id, sale.instructor_id, sale.instructor_amount, sale.platform_amount,
               sale.tax_amount, sale.buyer_amount, sale.available_at)
    ) THEN
        RAISE EXCEPTION 'ledger transaction % is not what was agreed of its lines', NEW.id
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
"""  # noqa: S608 (the text above)
_SETTINGS = ("enable_seqscan", "enable_hashjoin", "enable_mergejoin")


def _each(clause):
    return "".join(
        f"ALTER FUNCTION {guard} {clause.format(setting)};\n"
        for guard in _GUARDS
        for setting in _SETTINGS
    )


class Migration(migrations.Migration):
    harmless = "The guards refuse what they refused; only how they look for it is said."

    dependencies = [("payments", "0036_exempt_payments")]

    operations = [
        # It asks the same, so the way back leaves it.
        migrations.RunSQL(_AGREED, migrations.RunSQL.noop),
        migrations.RunSQL(_each("SET {} = off"), _each("RESET {}")),
    ]
