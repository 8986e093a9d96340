from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """Whose order a payment is of, and by which charge, is compared; and how many payments say that
    they were never made at this Stripe account is counted, at once."""

    atomic = False

    dependencies = [("payments", "0035_note_instructors")]

    operations = [
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
                    ("order", "Order"),
                    ("charge", "Charge"),
                    ("books", "Books"),
                ],
                max_length=20,
            ),
        ),
        AddIndexConcurrently(
            model_name="payment",
            index=models.Index(
                fields=["created_at"],
                condition=models.Q(("metadata__contains", {"at_stripe": False})),
                name="payment_elsewhere",
            ),
        ),
    ]
