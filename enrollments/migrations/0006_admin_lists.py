from django.conf import settings
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """What the admin's lists are ordered and filtered by."""

    atomic = False

    dependencies = [
        ('courses', '0010_prices_by_now'),
        ('enrollments', '0005_highest_progress'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        AddIndexConcurrently(
            model_name='certificate',
            index=models.Index(fields=['-issued_at'], name='certificate_newest'),
        ),
        AddIndexConcurrently(
            model_name='certificate',
            index=models.Index(condition=models.Q(('revoked_because', ''), _negated=True), fields=['-issued_at'], name='certificate_revoked'),
        ),
        AddIndexConcurrently(
            model_name='enrollment',
            index=models.Index(fields=['-enrolled_at'], name='enrollment_newest'),
        ),
        AddIndexConcurrently(
            model_name='enrollment',
            index=models.Index(condition=models.Q(('status', 'active'), _negated=True), fields=['status', '-enrolled_at'], name='enrollment_unusual'),
        ),
        AddIndexConcurrently(
            model_name='enrollment',
            index=models.Index(condition=models.Q(('source', 'purchase'), _negated=True), fields=['source', '-enrolled_at'], name='enrollment_not_bought'),
        ),
        AddIndexConcurrently(
            model_name='enrollment',
            index=models.Index(condition=models.Q(('is_completed', True)), fields=['-enrolled_at'], name='enrollment_completed'),
        ),
    ]
