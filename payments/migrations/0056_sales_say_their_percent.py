"""A line that somebody taught is sold by a percentage: a sale of which nobody wrote that down is
refused. Lines of before have none; where there are such, the rule holds from the day after on."""

from importlib import import_module

from django.db import migrations

_BEFORE = import_module("payments.migrations.0052_guards_ask_less")
_SALES = import_module("payments.migrations.0037_guards_by_index")
_replaced = import_module("payments.migrations.0051_disputes_make_room")._replaced

_NAME = "payments_sale_is_as_agreed()"
_SALE = _replaced(
    _SALES._SALE,
    ("item.id AS order_item_id,", "item.id AS order_item_id, item.instructor_id AS teacher_id,"),
)
# Since when it holds is looked up only where a line lacks it.
_AGREED = _replaced(
    _BEFORE._AGREED.replace(_SALES._SALE, _SALE),
    (
        """sale.tax_amount, sale.buyer_amount, sale.available_at)
        ) THEN""",
        """sale.tax_amount, sale.buyer_amount, sale.available_at)
               OR line.percent IS NULL AND line.instructor_amount + line.platform_amount > 0
                  AND sale.teacher_id IS NOT NULL AND now() >= coalesce((
                      SELECT until FROM payments_bookmark WHERE name = 'since:sale_percent'
                  ), '-infinity')
        ) THEN""",
    ),
)
# A function that is replaced forgets how it looks for rows (0037).
_BY_INDEX = "".join(
    f"ALTER FUNCTION {_NAME} SET {setting} = off;\n" for setting in _SALES._SETTINGS
)
_MARK = """
INSERT INTO payments_bookmark (name, until, amount)
SELECT 'since:sale_percent', CASE WHEN EXISTS (
    SELECT FROM payments_saleline line JOIN orders_orderitem item ON item.id = line.order_item_id
    WHERE line.percent IS NULL AND line.instructor_amount + line.platform_amount > 0
      AND item.instructor_id IS NOT NULL
) THEN now() + interval '1 day' ELSE '1970-01-01' END, 0
ON CONFLICT (name) DO NOTHING;
"""


class Migration(migrations.Migration):
    harmless = "The version before writes down the percentage of each line that it sells."

    dependencies = [("payments", "0055_reading_by_pages")]

    operations = [
        # The mark is never changed, so the way back leaves it.
        migrations.RunSQL(_MARK + _AGREED + _BY_INDEX, _BEFORE._AGREED + _BY_INDEX)
    ]
