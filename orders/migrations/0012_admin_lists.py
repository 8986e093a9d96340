from django.conf import settings
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """What the admin's lists are ordered and filtered by."""

    atomic = False

    dependencies = [
        ('orders', '0008_order_numbers'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        AddIndexConcurrently(
            model_name='couponredemption',
            index=models.Index(fields=['-created_at'], name='redemption_newest'),
        ),
        AddIndexConcurrently(
            model_name='creditnote',
            index=models.Index(fields=['-issued_at'], name='credit_note_newest'),
        ),
        AddIndexConcurrently(
            model_name='creditnote',
            index=models.Index(condition=models.Q(('voided_at__isnull', False)), fields=['-issued_at'], name='credit_note_void'),
        ),
        AddIndexConcurrently(
            model_name='invoice',
            index=models.Index(fields=['-issued_at'], name='invoice_newest'),
        ),
        AddIndexConcurrently(
            model_name='order',
            index=models.Index(condition=models.Q(('payment_id', ''), _negated=True), fields=['payment_id'], name='order_of_payment'),
        ),
        AddIndexConcurrently(
            model_name='order',
            index=models.Index(condition=models.Q(('transaction_id', ''), _negated=True), fields=['transaction_id'], name='order_of_charge'),
        ),
        AddIndexConcurrently(
            model_name='order',
            index=models.Index(condition=models.Q(('status', 'completed'), _negated=True), fields=['status', '-created_at'], name='order_unusual'),
        ),
        AddIndexConcurrently(
            model_name='order',
            index=models.Index(condition=models.Q(('failure_reason', ''), _negated=True), fields=['failure_reason', '-created_at'], name='order_failed'),
        ),
    ]
