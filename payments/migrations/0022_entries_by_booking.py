from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("payments", "0021_balances_of_before"),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="ledgerentry",
            index=models.Index(
                condition=models.Q(("account", "instructor")),
                fields=["instructor", "-created_at", "-id"],
                name="ledger_of_instructor_newest",
            ),
        ),
    ]
