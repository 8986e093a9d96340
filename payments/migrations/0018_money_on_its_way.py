from django.db import migrations, models


class Migration(migrations.Migration):
    """Orders whose money is on its way already are noted as such."""

    harmless = (
        "The few open payments are found by an index, and only orders are written that a bank debit "
        "is paying; the version before doesn't read the column."
    )

    dependencies = [
        ("orders", "0006_one_open_order"),
        ("payments", "0017_transfers_compared"),
    ]

    operations = [
        migrations.AddField(
            model_name="payment",
            name="failed_charge_id",
            field=models.CharField(blank=True, db_default="", default="", max_length=255),
        ),
        migrations.RunSQL(
            "UPDATE orders_order SET payment_in_progress_since = payment.updated_at "
            "FROM payments_payment AS payment "
            "WHERE payment.order_id = orders_order.id AND payment.status = 'pending' "
            "AND payment.stripe_status = 'processing' AND orders_order.status = 'pending'",
            migrations.RunSQL.noop,
        ),
    ]
