import django.utils.timezone
from django.contrib.postgres.operations import (
    AddConstraintNotValid,
    AddIndexConcurrently,
    ValidateConstraint,
)
from django.db import migrations, models
from django.db.models import Q
from django.db.models.functions import Now


class Migration(migrations.Migration):
    atomic = False
    harmless = "The version before writes no trouble but these."

    dependencies = [("payments", "0023_loose_ends")]

    operations = [
        migrations.AddField(
            model_name="payoutaccount",
            name="next_look_at",
            field=models.DateTimeField(db_default=Now(), default=django.utils.timezone.now),
        ),
        AddIndexConcurrently(
            model_name="payoutaccount",
            index=models.Index(
                fields=["next_look_at"],
                name="payout_account_looked_at",
                condition=Q(stripe_account_id__isnull=False),
            ),
        ),
        AddConstraintNotValid(
            model_name="payoutaccount",
            constraint=models.CheckConstraint(
                condition=Q(trouble__in=["", "restricted", "rejected", "gone"]),
                name="payout_account_trouble_closed",
            ),
        ),
        ValidateConstraint(model_name="payoutaccount", name="payout_account_trouble_closed"),
    ]
