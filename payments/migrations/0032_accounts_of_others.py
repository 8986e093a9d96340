from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """An account at Stripe that is another's than our row says is known as such, and not paid."""

    atomic = False

    dependencies = [("payments", "0031_movements_follow_causes")]

    operations = [
        migrations.AddField(
            model_name="payoutaccount",
            name="is_foreign",
            field=models.BooleanField(db_default=False, default=False),
        ),
        AddIndexConcurrently(
            model_name="payoutaccount",
            index=models.Index(
                condition=models.Q(("is_foreign", True)),
                fields=["id"],
                name="payout_account_foreign",
            ),
        ),
        migrations.AlterField(
            model_name="reconciliationdifference",
            name="kind",
            field=models.CharField(
                choices=[
                    ("missing_here", "Missing Here"),
                    ("missing_at_stripe", "Missing At Stripe"),
                    ("amount", "Amount"),
                    ("currency", "Currency"),
                    ("status", "Status"),
                    ("refunded", "Refunded"),
                    ("destination", "Destination"),
                    ("books", "Books"),
                ],
                max_length=20,
            ),
        ),
    ]
