from django.conf import settings
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """What the admin's lists are ordered and filtered by."""

    atomic = False

    dependencies = [
        ('orders', '0008_order_numbers'),
        ('payments', '0026_touched_books'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        AddIndexConcurrently(
            model_name='dispute',
            index=models.Index(fields=['-opened_at'], name='dispute_newest'),
        ),
        AddIndexConcurrently(
            model_name='dispute',
            index=models.Index(fields=['status', '-opened_at'], name='dispute_by_status'),
        ),
        AddIndexConcurrently(
            model_name='dispute',
            index=models.Index(fields=['reason', '-opened_at'], name='dispute_by_reason'),
        ),
        AddIndexConcurrently(
            model_name='dispute',
            index=models.Index(condition=models.Q(('closed_at', None)), fields=['-opened_at'], name='dispute_open'),
        ),
        AddIndexConcurrently(
            model_name='ledgerentry',
            index=models.Index(condition=models.Q(('account__in', ['buyers', 'payouts'])), fields=['account', '-id'], name='ledger_entry_unusual'),
        ),
        AddIndexConcurrently(
            model_name='ledgertransaction',
            index=models.Index(condition=models.Q(('kind__in', ['sale', 'stripe_fee']), _negated=True), fields=['kind', '-occurred_at'], name='ledger_unusual'),
        ),
        AddIndexConcurrently(
            model_name='payment',
            index=models.Index(fields=['-created_at'], name='payment_newest'),
        ),
        AddIndexConcurrently(
            model_name='payment',
            index=models.Index(condition=models.Q(('status', 'succeeded'), _negated=True), fields=['status', '-created_at'], name='payment_unusual'),
        ),
        AddIndexConcurrently(
            model_name='payout',
            index=models.Index(fields=['-created_at'], name='payout_newest'),
        ),
        AddIndexConcurrently(
            model_name='payout',
            index=models.Index(fields=['status', '-created_at'], name='payout_by_status'),
        ),
        AddIndexConcurrently(
            model_name='payout',
            index=models.Index(condition=models.Q(('last_error', ''), _negated=True), fields=['-created_at'], name='payout_trouble'),
        ),
        AddIndexConcurrently(
            model_name='refund',
            index=models.Index(fields=['-created_at'], name='refund_newest'),
        ),
        AddIndexConcurrently(
            model_name='refund',
            index=models.Index(fields=['status', '-created_at'], name='refund_by_status'),
        ),
        AddIndexConcurrently(
            model_name='refund',
            index=models.Index(fields=['reason', '-created_at'], name='refund_by_reason'),
        ),
        AddIndexConcurrently(
            model_name='refundrequest',
            index=models.Index(fields=['-created_at'], name='refund_request_newest'),
        ),
        AddIndexConcurrently(
            model_name='refundrequest',
            index=models.Index(fields=['status', '-created_at'], name='refund_request_by_status'),
        ),
        AddIndexConcurrently(
            model_name='stripeevent',
            index=models.Index(condition=models.Q(('status', 'handled'), _negated=True), fields=['status', '-received_at'], name='stripe_event_unusual'),
        ),
        AddIndexConcurrently(
            model_name='stripeevent',
            index=models.Index(fields=['type', '-received_at'], name='stripe_event_by_type'),
        ),
    ]
