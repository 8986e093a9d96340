"""Orders are numbered by a sequence: nobody waits for another's order any more.

The version before counts in its row of `orders_numberseries`, which takes the sequence's number
instead of its own as long as both run beside each other.
"""

from django.db import migrations

# The trigger's lock keeps the table's writers out, so that no number is given out while the
# sequence is brought to the last one.
FORWARD = """
CREATE SEQUENCE orders_order_number;

CREATE FUNCTION orders_number_by_sequence() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.last := nextval('orders_order_number');
    RETURN NEW;
END $$;

CREATE TRIGGER orders_number_by_sequence BEFORE UPDATE ON orders_numberseries
    FOR EACH ROW WHEN (NEW.name LIKE 'ORD-%') EXECUTE FUNCTION orders_number_by_sequence();

SELECT setval('orders_order_number', max(last)) FROM orders_numberseries
    WHERE name LIKE 'ORD-%' AND last > 0;
"""

BACKWARD = """
DROP TRIGGER orders_number_by_sequence ON orders_numberseries;
DROP FUNCTION orders_number_by_sequence();
UPDATE orders_numberseries SET last = greatest(last, numbers.last_value)
    FROM orders_order_number numbers WHERE name LIKE 'ORD-%';
DROP SEQUENCE orders_order_number;
"""


class Migration(migrations.Migration):
    harmless = (
        "The table has a row a year and series; its writers wait for a moment, and the version "
        "before is given the sequence's numbers by the trigger."
    )
    dependencies = [("orders", "0007_dispute_notes")]

    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
