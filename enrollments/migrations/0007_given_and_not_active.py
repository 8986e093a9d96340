from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """The few enrolments that were granted or taken for free and aren't active, to be looked
    through for what money may not take away."""

    atomic = False

    dependencies = [("enrollments", "0006_admin_lists")]

    operations = [
        AddIndexConcurrently(
            model_name="enrollment",
            index=models.Index(
                condition=models.Q(
                    models.Q(("status", "active"), _negated=True),
                    models.Q(("source", "purchase"), _negated=True),
                ),
                fields=["id"],
                name="enrollment_given_not_active",
            ),
        ),
    ]
