"""What instructors' shares and the hold were from when on: written down when they change, and dated
by the database. Who changes a sale in all copies alike doesn't change these."""

from django.db import migrations, models

_RULES = """
CREATE FUNCTION payments_remember_share() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' AND (TG_OP = 'DELETE' OR OLD.course_id <> NEW.course_id) THEN
        INSERT INTO payments_term (course_id, changed_at) VALUES (OLD.course_id, now());
    END IF;
    IF TG_OP <> 'DELETE' THEN
        INSERT INTO payments_term (course_id, percent, changed_at)
        VALUES (NEW.course_id, NEW.percent, now());
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION payments_terms_stay() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' AND (NEW.course_id IS NULL OR pg_trigger_depth() > 1) THEN
        NEW.changed_at := clock_timestamp();
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'terms are remembered as they were: % refused', TG_OP
        USING ERRCODE = 'restrict_violation';
END $$;

CREATE TRIGGER shares_are_remembered AFTER INSERT OR UPDATE OR DELETE ON payments_revenueshare
    FOR EACH ROW EXECUTE FUNCTION payments_remember_share();
LOCK TABLE payments_revenueshare IN SHARE MODE;
INSERT INTO payments_term (course_id, percent, changed_at)
SELECT course_id, percent, now() FROM payments_revenueshare;
CREATE TRIGGER terms_stay BEFORE INSERT OR UPDATE OR DELETE ON payments_term
    FOR EACH ROW EXECUTE FUNCTION payments_terms_stay();
CREATE TRIGGER terms_are_never_emptied BEFORE TRUNCATE ON payments_term
    FOR EACH STATEMENT EXECUTE FUNCTION payments_terms_stay();
"""
_NO_RULES = """
DROP TRIGGER terms_are_never_emptied ON payments_term;
DROP TRIGGER terms_stay ON payments_term;
DROP TRIGGER shares_are_remembered ON payments_revenueshare;
DROP FUNCTION payments_terms_stay(), payments_remember_share();
"""


class Migration(migrations.Migration):
    harmless = (
        "The version before doesn't know the table. Whoever changes a share waits a moment, as the "
        "shares there are are written down."
    )

    dependencies = [("payments", "0048_ids_are_there")]

    operations = [
        migrations.CreateModel(
            name="Term",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("course_id", models.UUIDField(null=True)),
                ("percent", models.PositiveSmallIntegerField(null=True)),
                ("hold", models.DurationField(null=True)),
                ("changed_at", models.DateTimeField()),
            ],
            options={
                "indexes": [
                    models.Index(fields=["course_id", "changed_at"], name="term_of_course")
                ],
            },
        ),
        migrations.RunSQL(_RULES, _NO_RULES),
    ]
