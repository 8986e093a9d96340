from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("orders", "0004_coupon_uses"),
    ]

    operations = [
        migrations.AddField(
            model_name="order",
            name="payment_in_progress_since",
            field=models.DateTimeField(blank=True, null=True),
        ),
    ]
