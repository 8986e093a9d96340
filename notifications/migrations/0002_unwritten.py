from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models


class Migration(migrations.Migration):
    """Mails whose words are made when they are sent, and mails that were to be sent no more."""

    dependencies = [
        ("notifications", "0001_initial"),
    ]

    operations = [
        migrations.AlterField(
            model_name="email",
            name="status",
            field=models.CharField(
                choices=[
                    ("pending", "Pending"), ("unwritten", "Unwritten"), ("sent", "Sent"),
                    ("dead", "Dead"), ("dropped", "Dropped"),
                ],
                default="pending",
                max_length=10,
            ),
        ),
        migrations.AlterField(
            model_name="email",
            name="subject",
            field=models.CharField(blank=True, max_length=300),
        ),
        migrations.AlterField(
            model_name="email",
            name="text",
            field=models.TextField(blank=True),
        ),
        migrations.AlterField(
            model_name="email",
            name="html",
            field=models.TextField(blank=True),
        ),
        migrations.RemoveConstraint(model_name="email", name="email_status_closed"),
        # Looked through by the next migration, without keeping anybody waiting.
        AddConstraintNotValid(
            model_name="email",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("status__in", ["pending", "unwritten", "sent", "dead", "dropped"])
                ),
                name="email_status_known",
            ),
        ),
    ]
