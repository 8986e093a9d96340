from django.contrib.postgres.operations import AddConstraintNotValid, ValidateConstraint
from django.db import migrations, models

CAUSE = models.Q(
    models.Q(("dispute_id__isnull", False), ("refund_id", None)),
    models.Q(("dispute_id", None), ("refund_id__isnull", False)),
    _connector="OR",
)


class Migration(migrations.Migration):
    """Credit notes of disputes that were lost. The version before goes on to write those of
    refunds, which name their refund."""

    atomic = False

    dependencies = [("orders", "0006_one_open_order")]

    operations = [
        migrations.AddField(
            model_name="creditnote",
            name="dispute_id",
            field=models.UUIDField(null=True),
        ),
        migrations.AlterField(
            model_name="creditnote",
            name="refund_id",
            field=models.UUIDField(null=True, unique=True),
        ),
        AddConstraintNotValid(
            model_name="creditnote",
            constraint=models.CheckConstraint(condition=CAUSE, name="credit_note_has_one_cause"),
        ),
        ValidateConstraint(model_name="creditnote", name="credit_note_has_one_cause"),
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(
                    """
                    CREATE UNIQUE INDEX CONCURRENTLY credit_note_one_of_a_dispute
                    ON orders_creditnote (dispute_id)
                    WHERE dispute_id IS NOT NULL AND voided_at IS NULL
                    """,
                    "DROP INDEX CONCURRENTLY credit_note_one_of_a_dispute",
                )
            ],
            state_operations=[
                migrations.AddConstraint(
                    model_name="creditnote",
                    constraint=models.UniqueConstraint(
                        condition=models.Q(("dispute_id__isnull", False), ("voided_at", None)),
                        fields=("dispute_id",),
                        name="credit_note_one_of_a_dispute",
                    ),
                )
            ],
        ),
    ]
