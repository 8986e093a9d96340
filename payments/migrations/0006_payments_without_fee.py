from django.db import migrations, models


class Migration(migrations.Migration):
    """The few payments of which Stripe hasn't told what it kept."""

    dependencies = [("payments", "0007_reconciliation")]

    operations = [
        migrations.AddIndex(
            model_name="payment",
            index=models.Index(
                condition=models.Q(("fee_amount", None), ("status", "succeeded")),
                fields=["succeeded_at"],
                name="payment_without_fee",
            ),
        ),
    ]
