from django.conf import settings
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """What the admin's list of notices is filtered by."""

    atomic = False

    dependencies = [
        ('notifications', '0006_admin_lists'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        AddIndexConcurrently(
            model_name='notification',
            index=models.Index(fields=['kind', '-id'], name='notification_kind'),
        ),
    ]
