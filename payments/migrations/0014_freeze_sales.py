from django.db import migrations

AT_ONCE = 500
FREEZE = """
    INSERT INTO payments_saleline (
        id, created_at, updated_at, payment_id, order_item_id, instructor_id, instructor_amount,
        platform_amount, tax_amount, buyer_amount, available_at
    )
    SELECT gen_random_uuid(), sale.booked_at, sale.booked_at, sale.payment_id, sale.order_item_id,
           sale.instructor_id, sale.instructor_amount, sale.platform_amount, sale.tax_amount,
           sale.buyer_amount, sale.available_at
    FROM payments_sale_as_booked(%s) sale
    ON CONFLICT (order_item_id) DO NOTHING
"""


def freeze_sales(apps, schema_editor):
    """Write down whose the money of each line sold so far is, by what was booked, in batches by the
    movements' key: sales come in meanwhile, and write their own."""
    movements = apps.get_model("payments", "LedgerTransaction").objects.using(
        schema_editor.connection.alias
    )
    sales = movements.filter(kind="sale").order_by("id").values_list("id", flat=True)
    last = "00000000-0000-0000-0000-000000000000"
    while ids := list(sales.filter(id__gt=last)[:AT_ONCE]):
        with schema_editor.connection.cursor() as cursor:
            cursor.execute(FREEZE, [ids])
        last = ids[-1]


class Migration(migrations.Migration):
    """Of a sale of before the percentage isn't known, as it was never written down."""

    atomic = False
    harmless = "It only adds rows to a table that the version before doesn't know, a few at a time."

    dependencies = [("payments", "0013_sale_lines")]

    operations = [migrations.RunPython(freeze_sales, migrations.RunPython.noop)]
