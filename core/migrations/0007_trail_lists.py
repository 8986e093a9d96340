from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """What the admin's list of the audit trail is filtered and searched by."""

    atomic = False

    dependencies = [
        ('core', '0006_jobs_and_request_ids'),
    ]

    operations = [
        AddIndexConcurrently(
            model_name='auditentry',
            index=models.Index(fields=['target_id'], name='audit_target_id'),
        ),
        AddIndexConcurrently(
            model_name='auditentry',
            index=models.Index(fields=['actor_id', '-id'], name='audit_actor'),
        ),
        AddIndexConcurrently(
            model_name='auditentry',
            index=models.Index(fields=['action', '-id'], name='audit_action'),
        ),
    ]
