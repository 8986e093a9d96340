from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    # Deliveries are written all the time: the index is built beside them.
    atomic = False

    dependencies = [
        ("core", "0003_outbox_queue"),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="outboxdelivery",
            index=models.Index(
                condition=models.Q(("status", "pending")),
                fields=["queue", "next_attempt_at"],
                name="outbox_due_in_queue",
            ),
        ),
    ]
