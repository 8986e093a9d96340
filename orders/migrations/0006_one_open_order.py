from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    """An order whose money is on its way is beside the one open order that a person may have. Made
    beside running processes, also after having been killed at it, and before the old index goes.
    To the version before, which notes nobody's money, the new one means what the old one did."""

    atomic = False

    dependencies = [
        ("orders", "0005_payment_in_progress"),
    ]

    operations = [
        migrations.RunSQL(
            "DROP INDEX CONCURRENTLY IF EXISTS order_one_open_per_user", migrations.RunSQL.noop
        ),
        migrations.RunSQL(
            "CREATE UNIQUE INDEX CONCURRENTLY order_one_open_per_user ON orders_order (user_id) "
            "WHERE payment_in_progress_since IS NULL AND status = 'pending'",
            "DROP INDEX CONCURRENTLY IF EXISTS order_one_open_per_user",
            state_operations=[
                migrations.AddConstraint(
                    model_name="order",
                    constraint=models.UniqueConstraint(
                        condition=Q(("payment_in_progress_since", None), ("status", "pending")),
                        fields=("user",),
                        name="order_one_open_per_user",
                    ),
                ),
            ],
        ),
        migrations.RunSQL(
            "DROP INDEX CONCURRENTLY IF EXISTS order_one_pending_per_user",
            migrations.RunSQL.noop,
            state_operations=[
                migrations.RemoveConstraint(
                    model_name="order", name="order_one_pending_per_user"
                ),
            ],
        ),
    ]
