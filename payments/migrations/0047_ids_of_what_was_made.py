from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models

PAID = models.CheckConstraint(
    condition=models.Q(("status", "paid"), _negated=True)
    | models.Q(("stripe_transfer_id__isnull", False)),
    name="payout_paid_has_its_transfer",
)
MADE = models.CheckConstraint(
    condition=models.Q(("status__in", ["pending", "succeeded"]), _negated=True)
    | models.Q(("stripe_refund_id__isnull", False)),
    name="refund_made_has_its_id",
)


class Migration(migrations.Migration):
    """What was made at Stripe has its id there. Rows of before are looked at by the next one."""

    harmless = (
        "The version before writes a transfer's and a refund's id together with their state, as "
        "both are of Stripe's answer."
    )

    dependencies = [("payments", "0046_marks_and_holds")]

    operations = [
        AddConstraintNotValid(model_name="payout", constraint=PAID),
        AddConstraintNotValid(model_name="refund", constraint=MADE),
    ]
