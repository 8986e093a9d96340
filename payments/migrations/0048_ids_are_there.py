from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations


class Migration(migrations.Migration):
    """Rows are read, and none is locked."""

    harmless = "Nothing changes for whoever writes."

    dependencies = [("payments", "0047_ids_of_what_was_made")]

    operations = [
        ValidateConstraint(model_name="payout", name="payout_paid_has_its_transfer"),
        ValidateConstraint(model_name="refund", name="refund_made_has_its_id"),
    ]
