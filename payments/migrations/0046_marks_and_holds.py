from django.db import migrations, models


class Migration(migrations.Migration):
    """Up to where running balances were verified, and whose payouts a difference holds."""

    harmless = "The version before knows neither the table nor the column, which has a default."

    dependencies = [("payments", "0045_payouts_of_what_is_payable")]

    operations = [
        migrations.AddField(
            model_name="reconciliationdifference",
            name="earners",
            field=models.JSONField(blank=True, db_default=[], default=list),
        ),
        migrations.CreateModel(
            name="BalanceMark",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("currency", models.CharField(max_length=3)),
                ("account", models.CharField(max_length=20)),
                ("instructor_id", models.UUIDField(null=True)),
                ("course_id", models.UUIDField(null=True)),
                ("amount", models.DecimalField(decimal_places=2, max_digits=14)),
                ("entries", models.BigIntegerField()),
                ("sales", models.BigIntegerField()),
                ("sold", models.DecimalField(decimal_places=2, max_digits=14)),
                ("sent", models.DecimalField(decimal_places=2, max_digits=14)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("currency", "account", "instructor_id", "course_id"),
                        name="balance_mark_once",
                        nulls_distinct=False,
                    )
                ],
            },
        ),
    ]
