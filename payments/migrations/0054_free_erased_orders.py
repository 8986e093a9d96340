from django.db import migrations


class Migration(migrations.Migration):
    """Orders whose buyer was erased while a debit was under way whose money has come, and goes back:
    nothing is on its way any more, and they close as their time is over."""

    harmless = "Only orders of nobody are written; the version before closes them as this one does."

    dependencies = [
        ("orders", "0016_freeze_orders"),
        ("payments", "0053_what_may_be_paid"),
    ]

    operations = [
        migrations.RunSQL(
            "UPDATE orders_order SET payment_in_progress_since = NULL "
            "WHERE status = 'pending' AND user_id IS NULL "
            "AND payment_in_progress_since IS NOT NULL AND NOT EXISTS ("
            "SELECT FROM payments_payment payment WHERE payment.order_id = orders_order.id "
            "AND payment.stripe_status NOT IN ('', 'canceled', 'succeeded'))",
            migrations.RunSQL.noop,
        ),
    ]
