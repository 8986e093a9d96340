from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations, models
from django.db.models import Q

SECRET_KINDS = ["verification", "password-reset"]
AT_ONCE = 1000


def forget_links(apps, schema_editor):
    """Blank the links of mails that are out; what a worker of the version before still writes, an
    hourly task blanks."""
    emails = apps.get_model("notifications", "Email").objects.using(schema_editor.connection.alias)
    told = emails.filter(kind__in=SECRET_KINDS, status__in=["sent", "dead"]).exclude(text="")
    while ids := list(told.values_list("id", flat=True)[:AT_ONCE]):
        emails.filter(id__in=ids).update(text="", html="")


def index(name, columns, condition, state):
    """Return what makes an index beside running processes, also after having been killed at it."""
    return [
        migrations.RunSQL(f"DROP INDEX CONCURRENTLY IF EXISTS {name}", migrations.RunSQL.noop),
        migrations.RunSQL(
            f"CREATE INDEX CONCURRENTLY {name} ON notifications_email ({columns}) "
            f"WHERE {condition}",
            f"DROP INDEX CONCURRENTLY IF EXISTS {name}",
            state_operations=[migrations.AddIndex(model_name="email", index=state)],
        ),
    ]


class Migration(migrations.Migration):
    """Indexes for the new states, and the links of mails that are out are forgotten. Each step on
    its own and in batches: sending goes on meanwhile."""

    atomic = False

    dependencies = [
        ("notifications", "0002_unwritten"),
    ]

    operations = [
        ValidateConstraint(model_name="email", name="email_status_known"),
        *index(
            "email_waiting",
            "next_attempt_at",
            "status IN ('pending', 'unwritten')",
            models.Index(
                fields=["next_attempt_at"],
                name="email_waiting",
                condition=Q(("status__in", ["pending", "unwritten"])),
            ),
        ),
        *index(
            "email_secret",
            "kind",
            "kind IN ('verification', 'password-reset') AND NOT (text = '')",
            models.Index(
                fields=["kind"],
                name="email_secret",
                condition=Q(("kind__in", SECRET_KINDS), ~Q(("text", ""))),
            ),
        ),
        migrations.RunPython(forget_links, migrations.RunPython.noop),
        migrations.RunSQL(
            "DROP INDEX CONCURRENTLY IF EXISTS email_due",
            migrations.RunSQL.noop,
            state_operations=[migrations.RemoveIndex(model_name="email", name="email_due")],
        ),
    ]
