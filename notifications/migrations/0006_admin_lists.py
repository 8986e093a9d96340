from django.conf import settings
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """What the admin's lists are ordered and filtered by."""

    atomic = False

    dependencies = [
        ('notifications', '0005_email_dead'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        AddIndexConcurrently(
            model_name='email',
            index=models.Index(fields=['-created_at'], name='email_newest'),
        ),
        AddIndexConcurrently(
            model_name='email',
            index=models.Index(condition=models.Q(('status', 'sent'), _negated=True), fields=['status', '-created_at'], name='email_unusual'),
        ),
        AddIndexConcurrently(
            model_name='email',
            index=models.Index(fields=['to'], name='email_to'),
        ),
    ]
