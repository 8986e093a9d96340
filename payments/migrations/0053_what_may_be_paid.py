from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """Reconciliation finds second intents of an order, too. The version before asks for what is
    pending, which the new index holds as well."""

    atomic = False

    dependencies = [("payments", "0052_guards_ask_less")]

    operations = [
        AddIndexConcurrently(
            model_name="payment",
            index=models.Index(
                fields=["next_check_at"],
                name="payment_may_be_paid",
                condition=models.Q(
                    ("status", "pending"),
                    models.Q(
                        ("status", "failed"),
                        models.Q(("stripe_status__in", ("", "canceled")), _negated=True),
                    ),
                    _connector="OR",
                ),
            ),
        ),
        RemoveIndexConcurrently(model_name="payment", name="payment_open"),
    ]
