import django.db.models.functions.datetime
from django.db import migrations, models

_FOUND = r"""
-- What is undone, by the facts. Of one row it costs some index look-ups; of all, a while.
CREATE VIEW payments_looseend_now AS
    SELECT 'payment' AS kind, payment.id AS object_id, payment.succeeded_at AS since
    FROM payments_payment payment
    WHERE payment.status = 'succeeded' AND payment.amount > 0 AND NOT EXISTS (
        SELECT FROM payments_ledgertransaction booked WHERE booked.payment_id = payment.id
        AND booked.kind IN ('sale', 'undue_payment') AND booked.dispute_id IS NULL)
    UNION ALL
    SELECT 'fee', payment.id, payment.succeeded_at FROM payments_payment payment
    WHERE payment.status = 'succeeded' AND payment.fee_amount > 0 AND NOT EXISTS (
        SELECT FROM payments_ledgertransaction booked WHERE booked.payment_id = payment.id
        AND booked.kind = 'stripe_fee' AND booked.dispute_id IS NULL)
    UNION ALL
    SELECT 'refund', refund.id, refund.applied_at FROM payments_refund refund
    WHERE refund.status IN ('pending', 'succeeded') AND refund.applied_at IS NOT NULL
    AND refund.undone_at IS NULL AND NOT EXISTS (
        SELECT FROM payments_ledgertransaction booked
        WHERE booked.refund_id = refund.id AND booked.kind = 'refund')
    UNION ALL
    SELECT 'dispute', dispute.id, dispute.created_at FROM payments_dispute dispute
    WHERE dispute.status NOT LIKE 'warning\_%' AND (NOT EXISTS (
        SELECT FROM payments_ledgertransaction booked
        WHERE booked.dispute_id = dispute.id AND booked.kind = 'dispute'
    ) OR dispute.status = 'won' AND NOT EXISTS (
        SELECT FROM payments_ledgertransaction booked
        WHERE booked.dispute_id = dispute.id AND booked.kind = 'dispute_won'))
    UNION ALL
    SELECT 'note', dispute.id, dispute.created_at FROM payments_dispute dispute
    WHERE dispute.status IN ('lost', 'won') AND (dispute.status = 'won') = EXISTS (
        SELECT FROM orders_creditnote note
        WHERE note.dispute_id = dispute.id AND note.voided_at IS NULL)
    UNION ALL
    SELECT 'access', enrollment.id, enrollment.updated_at FROM enrollments_enrollment enrollment
    WHERE enrollment.status <> coalesce((
        SELECT CASE WHEN bool_or(hold.effect = 'revoked') THEN 'revoked' ELSE 'suspended' END
        FROM enrollments_accesshold hold
        WHERE hold.enrollment_id = enrollment.id AND hold.ended_at IS NULL HAVING count(*) > 0
    ), 'active');

-- Deferred to the commit: a fact and its booking come one after the other.
CREATE FUNCTION payments_note_loose_ends() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO payments_looseend (kind, object_id)
    SELECT kind, object_id FROM payments_looseend_now
    WHERE object_id = NEW.id AND kind = ANY (TG_ARGV);
    RETURN NULL;
END $$;

CREATE FUNCTION payments_note_loose_holds() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO payments_looseend (kind, object_id)
    SELECT kind, object_id FROM payments_looseend_now
    WHERE object_id = coalesce(NEW.enrollment_id, OLD.enrollment_id) AND kind = 'access';
    RETURN NULL;
END $$;
"""
_NOT_FOUND = """
DROP FUNCTION payments_note_loose_holds();
DROP FUNCTION payments_note_loose_ends();
DROP VIEW payments_looseend_now;
"""
# Table, trigger, what sets it off, when, and what is looked at then.
_TRIGGERS = (
    ("payments_payment", "loose_if_new", "INSERT", "NEW.status = 'succeeded'",
     "payments_note_loose_ends('payment', 'fee')"),
    ("payments_payment", "loose_if_changed", "UPDATE",
     "NEW.status = 'succeeded' AND (NEW.status, NEW.amount, NEW.fee_amount)"
     " IS DISTINCT FROM (OLD.status, OLD.amount, OLD.fee_amount)",
     "payments_note_loose_ends('payment', 'fee')"),
    ("payments_refund", "loose_if_new", "INSERT", "NEW.applied_at IS NOT NULL",
     "payments_note_loose_ends('refund')"),
    ("payments_refund", "loose_if_changed", "UPDATE",
     "NEW.applied_at IS NOT NULL AND (NEW.status, NEW.applied_at, NEW.undone_at)"
     " IS DISTINCT FROM (OLD.status, OLD.applied_at, OLD.undone_at)",
     "payments_note_loose_ends('refund')"),
    ("payments_dispute", "loose_if_new", "INSERT", "true",
     "payments_note_loose_ends('dispute', 'note')"),
    ("payments_dispute", "loose_if_changed", "UPDATE", "NEW.status <> OLD.status",
     "payments_note_loose_ends('dispute', 'note')"),
    ("enrollments_enrollment", "loose_if_new", "INSERT", "NEW.status <> 'active'",
     "payments_note_loose_ends('access')"),
    ("enrollments_enrollment", "loose_if_changed", "UPDATE", "NEW.status <> OLD.status",
     "payments_note_loose_ends('access')"),
    ("enrollments_accesshold", "loose_if_changed", "INSERT OR UPDATE OR DELETE", "true",
     "payments_note_loose_holds()"),
)  # fmt: skip


def _trigger(table, name, event, condition, call):
    return migrations.RunSQL(
        f"CREATE CONSTRAINT TRIGGER {name} AFTER {event} ON {table} "
        f"DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN ({condition}) EXECUTE FUNCTION {call}",
        f"DROP TRIGGER {name} ON {table}",
    )


class Migration(migrations.Migration):
    """One table's lock after the other, each for a moment. What is undone by then is noted last."""

    atomic = False
    harmless = (
        "The triggers refuse nothing: of what the version before leaves undone, as it doesn't know "
        "of it, they write down a row in a table that it doesn't know either."
    )

    dependencies = [
        ("enrollments", "0005_highest_progress"),
        ("orders", "0008_order_numbers"),
        ("payments", "0022_entries_by_booking"),
    ]

    operations = [
        migrations.CreateModel(
            name="LooseEnd",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("payment", "Payment"),
                            ("fee", "Fee"),
                            ("refund", "Refund"),
                            ("dispute", "Dispute"),
                            ("note", "credit note of a dispute"),
                            ("access", "reasons of an enrolment"),
                        ],
                        max_length=10,
                    ),
                ),
                ("object_id", models.UUIDField()),
                ("noted_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
            options={"indexes": [models.Index(fields=["kind", "id"], name="loose_end_of_kind")]},
        ),
        migrations.RunSQL(_FOUND, _NOT_FOUND),
        *(_trigger(*given) for given in _TRIGGERS),
        migrations.RunSQL(
            "INSERT INTO payments_looseend (kind, object_id) "
            "SELECT kind, object_id FROM payments_looseend_now ORDER BY since, object_id",
            migrations.RunSQL.noop,
        ),
    ]
