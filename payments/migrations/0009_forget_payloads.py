from django.db import migrations

AT_ONCE = 1000

# As `payments.stripe_payloads` stood: what is kept of an event, and of the object it is about.
EVENT = ["id", "object", "type", "created", "api_version", "livemode", "account"]
OBJECT = [
    "id", "object", "created", "status", "amount", "amount_received", "amount_refunded",
    "amount_reversed", "currency", "payment_intent", "charge", "latest_charge", "refunded",
    "disputed", "reason", "failure_reason", "failure_code", "cancellation_reason",
    "charges_enabled", "payouts_enabled", "details_submitted", "destination", "reversed",
]
FORGET = """
    UPDATE payments_stripeevent AS event SET payload = (
        SELECT coalesce(jsonb_object_agg(part.key, part.value), '{}')
        FROM jsonb_each(event.payload) AS part
        WHERE part.key = ANY(%(event)s) AND jsonb_typeof(part.value) NOT IN ('object', 'array')
    ) || CASE WHEN jsonb_typeof(event.payload #> '{data,object}') = 'object' THEN
        jsonb_build_object('data', jsonb_build_object('object', (
            SELECT coalesce(jsonb_object_agg(part.key, part.value), '{}')
            FROM jsonb_each(event.payload #> '{data,object}') AS part
            WHERE part.key = ANY(%(object)s) AND jsonb_typeof(part.value) NOT IN ('object', 'array')
        ))) ELSE '{}' END
    WHERE id = ANY(%(ids)s) AND jsonb_typeof(event.payload) = 'object'
"""


def forget_payloads(apps, schema_editor):
    """Reduce the payloads in batches by their key: events come in meanwhile. What the version
    before still stores goes with its event, after 90 days."""
    events = apps.get_model("payments", "StripeEvent").objects.using(schema_editor.connection.alias)
    last = ""
    while ids := list(events.filter(id__gt=last).order_by("id").values_list("id", flat=True)[:AT_ONCE]):
        with schema_editor.connection.cursor() as cursor:
            cursor.execute(FORGET, {"event": EVENT, "object": OBJECT, "ids": ids})
        last = ids[-1]


class Migration(migrations.Migration):
    """Client secrets, and the names and addresses of buyers, go from events that are stored."""

    atomic = False

    dependencies = [
        ("payments", "0008_database_defaults"),
    ]

    operations = [
        migrations.RunPython(forget_payloads, migrations.RunPython.noop),
    ]
