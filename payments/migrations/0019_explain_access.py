from django.db import migrations

AT_ONCE = 500

# As `payments.services.access_reasons` stood.
INSERT = """
    INSERT INTO enrollments_accesshold
        (id, created_at, updated_at, enrollment_id, cause, object_id, effect, note, actor_id)
    SELECT gen_random_uuid(), greatest(found.since, enrollment.enrolled_at), now(), enrollment.id,
           found.cause, found.object_id, found.effect, found.note, found.actor_id
    FROM enrollments_enrollment enrollment JOIN ({found}) found
      ON found.enrollment_id = enrollment.id
    WHERE enrollment.id = ANY(%(ids)s)
      AND enrollment.status IN ('revoked', found.effect)
      AND NOT EXISTS (
          SELECT FROM enrollments_accesshold hold
          WHERE hold.enrollment_id = enrollment.id AND hold.cause = found.cause
            AND hold.object_id IS NOT DISTINCT FROM found.object_id
            AND (hold.ended_at IS NULL OR hold.object_id IS NOT NULL))
    ON CONFLICT DO NOTHING
"""
# The line that each enrolment stands or stood on last, and the payment of its order.
LINES = """
    SELECT DISTINCT ON (item.enrollment_id) item.id, item.enrollment_id, item.state,
           payment.id AS payment_id
    FROM orders_orderitem item
    JOIN orders_order orders ON orders.id = item.order_id
    JOIN payments_payment payment ON payment.stripe_payment_id = orders.payment_id
                                 AND payment.order_id = orders.id
    WHERE item.enrollment_id = ANY(%(ids)s) AND item.state IN ('fulfilled', 'refunded')
    ORDER BY item.enrollment_id, orders.completed_at DESC
"""
DISPUTES = f"""
    SELECT line.enrollment_id, 'dispute' AS cause, dispute.id AS object_id, '' AS note,
           NULL::uuid AS actor_id, dispute.opened_at AS since,
           CASE WHEN dispute.status = 'lost' OR dispute.status LIKE 'appeal%%'
                     AND standing.status = 'revoked'
                THEN 'revoked' ELSE 'suspended' END AS effect
    FROM ({LINES}) line
    JOIN enrollments_enrollment standing ON standing.id = line.enrollment_id
    JOIN payments_dispute dispute ON dispute.payment_id = line.payment_id
    WHERE line.state = 'fulfilled'
      AND dispute.status IN ('lost', 'needs_response', 'under_review', 'appeal_needs_response',
                             'appeal_under_review')
"""  # noqa: S608 - of this module's own texts
REFUNDS = f"""
    SELECT DISTINCT ON (line.enrollment_id) line.enrollment_id, 'refund' AS cause,
           refund.id AS object_id, '' AS note, NULL::uuid AS actor_id,
           refund.applied_at AS since, 'revoked' AS effect
    FROM ({LINES}) line JOIN payments_refund refund ON refund.payment_id = line.payment_id
    WHERE line.state = 'refunded' AND refund.applied_at IS NOT NULL AND refund.undone_at IS NULL
    ORDER BY line.enrollment_id, EXISTS (
        SELECT FROM payments_refundline part
        WHERE part.refund_id = refund.id AND part.order_item_id = line.id
    ) DESC, refund.applied_at DESC
"""  # noqa: S608
STAFFS = """
    SELECT deed.*, split_part(deed.action, '.', 2) AS effect
    FROM (
        SELECT DISTINCT ON (entry.target_id) entry.target_id::uuid AS enrollment_id,
               'staff' AS cause, NULL::uuid AS object_id,
               coalesce(nullif(left(entry.details ->> 'reason', 500), ''), 'Said nothing') AS note,
               entry.actor_id, entry.created_at AS since, entry.action
        FROM core_auditentry entry
        JOIN enrollments_enrollment held ON held.id::text = entry.target_id
                                        AND held.enrolled_at <= entry.created_at
        WHERE entry.target_type = 'enrollment' AND entry.target_id = ANY(%(ids)s::uuid[]::text[])
          AND entry.actor_id IS NOT NULL
          AND entry.action IN ('enrollment.suspended', 'enrollment.revoked', 'enrollment.resumed')
        ORDER BY entry.target_id, entry.created_at DESC
    ) deed WHERE deed.action <> 'enrollment.resumed'
"""
# Whatever no fact explains was somebody's decision.
NOBODYS = """
    SELECT id AS enrollment_id, 'staff' AS cause, NULL::uuid AS object_id,
           'Decided before reasons were kept' AS note, NULL::uuid AS actor_id,
           updated_at AS since, status AS effect
    FROM enrollments_enrollment WHERE status <> 'active'
"""
ODD = """
    SELECT enrollment.id FROM enrollments_enrollment enrollment
    WHERE enrollment.id = ANY(%(ids)s) AND enrollment.status <> coalesce((
        SELECT CASE WHEN bool_or(effect = 'revoked') THEN 'revoked' ELSE 'suspended' END
        FROM enrollments_accesshold hold
        WHERE hold.enrollment_id = enrollment.id AND hold.ended_at IS NULL
        HAVING count(*) > 0
    ), 'active')
"""


def explain_access(apps, schema_editor):
    """Give each enrolment that rests or is revoked the reason that the facts show, in batches by
    key: those that the version before writes meanwhile are explained by the hourly repair."""
    alias = schema_editor.connection.alias
    closed = apps.get_model("enrollments", "Enrollment").objects.using(alias).exclude(status="active")
    last = None
    while ids := list(
        (closed.filter(id__gt=last) if last else closed)
        .order_by("id")
        .values_list("id", flat=True)[:AT_ONCE]
    ):
        with schema_editor.connection.cursor() as cursor:
            cursor.execute(ODD, {"ids": ids})
            odd = [row[0] for row in cursor.fetchall()]
            for found in (DISPUTES, REFUNDS, STAFFS):
                cursor.execute(INSERT.format(found=found), {"ids": odd})
            # Whatever no fact explains was somebody's decision.
            cursor.execute(ODD, {"ids": odd})
            left = [row[0] for row in cursor.fetchall()]
            cursor.execute(INSERT.format(found=NOBODYS), {"ids": left})
        last = ids[-1]


class Migration(migrations.Migration):
    """Why what rests or is revoked does so."""

    atomic = False
    harmless = "Adds rows to a table that the version before doesn't know, some hundreds at a time."

    dependencies = [
        ("payments", "0018_money_on_its_way"),
        ("orders", "0004_coupon_uses"),
        ("core", "0006_jobs_and_request_ids"),
        ("enrollments", "0004_enrollment_not_active"),
    ]

    operations = [
        migrations.RunPython(explain_access, migrations.RunPython.noop),
    ]
