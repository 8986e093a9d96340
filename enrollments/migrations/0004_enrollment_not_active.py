from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """The few enrolments that rest or are revoked, to be compared with their reasons."""

    atomic = False

    dependencies = [("enrollments", "0003_access_holds")]

    operations = [
        AddIndexConcurrently(
            model_name="enrollment",
            index=models.Index(
                condition=models.Q(("status", "active"), _negated=True),
                fields=["id"],
                name="enrollment_not_active",
            ),
        ),
    ]
