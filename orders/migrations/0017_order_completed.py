from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """What the sales of the last days are counted by."""

    atomic = False

    dependencies = [
        ("orders", "0016_freeze_orders"),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="order",
            index=models.Index(
                condition=models.Q(("completed_at__isnull", False)),
                fields=["completed_at"],
                name="order_completed",
            ),
        ),
    ]
