from django.conf import settings
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """What the admin's list is ordered and filtered by."""

    atomic = False

    dependencies = [
        ('courses', '0012_histories_are_the_databases'),
        ('reviews', '0001_initial'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        AddIndexConcurrently(
            model_name='review',
            index=models.Index(fields=['-created_at'], name='review_newest'),
        ),
        AddIndexConcurrently(
            model_name='review',
            index=models.Index(fields=['rating', '-created_at'], name='review_of_rating'),
        ),
    ]
