import django.contrib.postgres.indexes
import django.db.models.functions.text
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """What the admin's lists of people and sessions are filtered and searched by."""

    atomic = False

    dependencies = [
        ('users', '0002_instructor_names'),
    ]

    operations = [
        AddIndexConcurrently(
            model_name='user',
            index=models.Index(condition=models.Q(('is_active', False)), fields=['-created_at'], name='user_inactive'),
        ),
        AddIndexConcurrently(
            model_name='user',
            index=models.Index(condition=models.Q(('is_staff', True)), fields=['-created_at'], name='user_staff'),
        ),
        AddIndexConcurrently(
            model_name='user',
            index=models.Index(django.contrib.postgres.indexes.OpClass(django.db.models.functions.text.Upper('first_name'), 'varchar_pattern_ops'), name='user_first_name'),
        ),
        AddIndexConcurrently(
            model_name='user',
            index=models.Index(django.contrib.postgres.indexes.OpClass(django.db.models.functions.text.Upper('last_name'), 'varchar_pattern_ops'), name='user_last_name'),
        ),
        AddIndexConcurrently(
            model_name='session',
            index=models.Index(fields=['ip'], name='session_ip'),
        ),
        AddIndexConcurrently(
            model_name='session',
            index=models.Index(condition=models.Q(('end_reason', ''), _negated=True), fields=['end_reason', '-expires_at'], name='session_ended'),
        ),
    ]
