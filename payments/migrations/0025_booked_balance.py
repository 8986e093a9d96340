"""What moves on our balance at Stripe by itself is booked, each movement hung on a row of its own."""

import core.ids
import django.db.models.deletion
import django.db.models.expressions
from django.db import migrations, models

_COLUMN = """
ALTER TABLE payments_ledgertransaction ADD COLUMN balance_movement_id uuid NULL;
ALTER TABLE payments_ledgertransaction ADD CONSTRAINT ledger_of_balance_movement
    FOREIGN KEY (balance_movement_id) REFERENCES payments_balancemovement (id)
    DEFERRABLE INITIALLY DEFERRED NOT VALID;
ALTER TABLE payments_ledgertransaction VALIDATE CONSTRAINT ledger_of_balance_movement;
"""

# In one statement: at no moment is there none.
_CAUSE = """
ALTER TABLE payments_ledgertransaction DROP CONSTRAINT ledger_has_its_cause,
ADD CONSTRAINT ledger_has_its_cause CHECK (coalesce(
    CASE
        WHEN kind IN ('bank_payout', 'bank_payout_failed', 'top_up', 'top_up_reversed',
                      'stripe_charge', 'reserve', 'adjustment')
            THEN reference = kind || ':' || balance_movement_id
            AND num_nonnulls(payment_id, refund_id, dispute_id, payout_id) = 0
        WHEN balance_movement_id IS NOT NULL THEN false
        WHEN kind = 'sale' THEN reference = 'sale:' || payment_id
            AND num_nonnulls(refund_id, dispute_id, payout_id) = 0
        WHEN kind = 'undue_payment' THEN reference = 'undue:' || payment_id
            AND num_nonnulls(refund_id, dispute_id, payout_id) = 0
        WHEN kind = 'stripe_fee' THEN payment_id IS NOT NULL
            AND num_nonnulls(refund_id, payout_id) = 0
            AND CASE WHEN dispute_id IS NULL THEN reference = 'fee:' || payment_id
                ELSE reference ~ ('^dispute_fee(_back)?:' || dispute_id || '(:[0-9]+)?$') END
        WHEN kind = 'refund' THEN payment_id IS NOT NULL
            AND num_nonnulls(dispute_id, payout_id) = 0
            AND (reference || ':') LIKE 'refund:' || refund_id || ':%'
        WHEN kind = 'refund_failed' THEN payment_id IS NOT NULL
            AND num_nonnulls(dispute_id, payout_id) = 0
            AND reference = 'refund_failed:' || refund_id
        WHEN kind = 'dispute' THEN payment_id IS NOT NULL
            AND num_nonnulls(refund_id, payout_id) = 0
            AND (reference || ':') LIKE 'dispute:' || dispute_id || ':%'
        WHEN kind = 'dispute_won' THEN payment_id IS NOT NULL
            AND num_nonnulls(refund_id, payout_id) = 0
            AND reference = 'dispute_won:' || dispute_id
        WHEN kind = 'payout' THEN reference = 'payout:' || payout_id
            AND num_nonnulls(payment_id, refund_id, dispute_id) = 0
        WHEN kind = 'payout_paid' THEN reference = 'payout_paid:' || payout_id
            AND num_nonnulls(payment_id, refund_id, dispute_id) = 0
        WHEN kind = 'payout_failed' THEN (reference = 'payout_failed:' || payout_id
                OR reference ~ ('^payout_returned:' || payout_id || ':[0-9]+$'))
            AND num_nonnulls(payment_id, refund_id, dispute_id) = 0
        ELSE false
    END, false)) NOT VALID;
"""

# What Stripe said of a movement stays as it was said; only what it is booked as may be learned
# later, once.
_RULES = """
CREATE TRIGGER balance_movement_is_never_deleted BEFORE DELETE ON payments_balancemovement
    FOR EACH ROW EXECUTE FUNCTION payments_ledger_is_append_only();
CREATE TRIGGER balance_movement_is_never_changed BEFORE UPDATE ON payments_balancemovement
    FOR EACH ROW WHEN (OLD.booked_as <> '' OR OLD.stripe_id <> NEW.stripe_id
        OR OLD.type <> NEW.type OR OLD.amount <> NEW.amount OR OLD.fee <> NEW.fee
        OR OLD.net <> NEW.net OR OLD.currency <> NEW.currency
        OR OLD.happened_at <> NEW.happened_at)
    EXECUTE FUNCTION payments_ledger_is_append_only();
"""


class Migration(migrations.Migration):
    atomic = False
    harmless = "What the version before writes is of no balance movement, and keeps its rule."

    dependencies = [("payments", "0024_looked_at_accounts")]

    operations = [
        migrations.AlterField(
            model_name="ledgerentry",
            name="account",
            field=models.CharField(
                choices=[
                    ("stripe", "Stripe"),
                    ("platform", "Platform"),
                    ("instructor", "Instructor"),
                    ("tax", "Tax"),
                    ("stripe_fees", "Stripe Fees"),
                    ("buyers", "Buyers"),
                    ("payouts", "Payouts"),
                    ("bank", "Bank"),
                    ("reserved", "Reserved"),
                    ("adjustments", "Adjustments"),
                ],
                max_length=20,
            ),
        ),
        migrations.AlterField(
            model_name="ledgertransaction",
            name="kind",
            field=models.CharField(
                choices=[
                    ("sale", "Sale"),
                    ("undue_payment", "Undue Payment"),
                    ("stripe_fee", "Stripe Fee"),
                    ("refund", "Refund"),
                    ("refund_failed", "Refund Failed"),
                    ("dispute", "Dispute"),
                    ("dispute_won", "Dispute Won"),
                    ("payout", "Payout"),
                    ("payout_paid", "Payout Paid"),
                    ("payout_failed", "Payout Failed"),
                    ("bank_payout", "Bank Payout"),
                    ("bank_payout_failed", "Bank Payout Failed"),
                    ("top_up", "Top Up"),
                    ("top_up_reversed", "Top Up Reversed"),
                    ("stripe_charge", "Stripe Charge"),
                    ("reserve", "Reserve"),
                    ("adjustment", "Adjustment"),
                ],
                max_length=20,
            ),
        ),
        migrations.CreateModel(
            name="BalanceMovement",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=core.ids.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                ("stripe_id", models.CharField(max_length=255, unique=True)),
                ("type", models.CharField(max_length=50)),
                ("reporting_category", models.CharField(blank=True, max_length=60)),
                ("amount", models.DecimalField(decimal_places=2, max_digits=12)),
                ("fee", models.DecimalField(decimal_places=2, max_digits=12)),
                ("net", models.DecimalField(decimal_places=2, max_digits=12)),
                ("currency", models.CharField(max_length=3)),
                ("happened_at", models.DateTimeField()),
                ("available_on", models.DateTimeField()),
                ("description", models.CharField(blank=True, max_length=500)),
                ("source", models.CharField(blank=True, max_length=255)),
                (
                    "booked_as",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("bank_payout", "Bank Payout"),
                            ("bank_payout_failed", "Bank Payout Failed"),
                            ("top_up", "Top Up"),
                            ("top_up_reversed", "Top Up Reversed"),
                            ("stripe_charge", "Stripe Charge"),
                            ("reserve", "Reserve"),
                            ("adjustment", "Adjustment"),
                        ],
                        max_length=20,
                    ),
                ),
            ],
            options={
                "ordering": ["-happened_at", "-id"],
                "indexes": [
                    models.Index(fields=["-happened_at", "-id"], name="balance_movement_newest"),
                    models.Index(
                        condition=models.Q(("booked_as", ""), models.Q(("net", 0), _negated=True)),
                        fields=["happened_at"],
                        name="balance_movement_unbooked",
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "net",
                                django.db.models.expressions.CombinedExpression(
                                    models.F("amount"), "-", models.F("fee")
                                ),
                            )
                        ),
                        name="balance_movement_adds_up",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "booked_as__in",
                                [
                                    "",
                                    "bank_payout",
                                    "bank_payout_failed",
                                    "top_up",
                                    "top_up_reversed",
                                    "stripe_charge",
                                    "reserve",
                                    "adjustment",
                                ],
                            )
                        ),
                        name="balance_movement_booked_as_closed",
                    ),
                ],
            },
        ),
        migrations.AddField(
            model_name="reconciliationrun",
            name="balances",
            field=models.JSONField(blank=True, db_default={}, default=dict),
        ),
        migrations.RunSQL(
            _COLUMN,
            "ALTER TABLE payments_ledgertransaction DROP COLUMN balance_movement_id",
            state_operations=[
                migrations.AddField(
                    model_name="ledgertransaction",
                    name="balance_movement",
                    field=models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="payments.balancemovement",
                    ),
                ),
            ],
        ),
        migrations.RunSQL(_CAUSE, migrations.RunSQL.noop),
        migrations.RunSQL(
            "ALTER TABLE payments_ledgertransaction VALIDATE CONSTRAINT ledger_has_its_cause",
            migrations.RunSQL.noop,
        ),
        migrations.RunSQL(_RULES, migrations.RunSQL.noop),
    ]
