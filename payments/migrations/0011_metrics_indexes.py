from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("payments", "0010_event_request_id"),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="payout",
            index=models.Index(
                condition=models.Q(("status", "failed")),
                fields=["updated_at"],
                name="payout_failed",
            ),
        ),
        AddIndexConcurrently(
            model_name="reconciliationrun",
            index=models.Index(
                condition=models.Q(("error", ""), ("finished_at__isnull", False)),
                fields=["-finished_at"],
                name="reconciliation_run_done",
            ),
        ),
        AddIndexConcurrently(
            model_name="stripeevent",
            index=models.Index(
                condition=models.Q(("status", "dead")),
                fields=["received_at"],
                name="stripe_event_dead",
            ),
        ),
    ]
