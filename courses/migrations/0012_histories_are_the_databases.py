from django.db import migrations, transaction

AT_ONCE = 500
REMEMBER = """
    INSERT INTO courses_instructorchange (course_id, instructor_id, changed_at)
    SELECT course.id, course.instructor_id, clock_timestamp()
    FROM (SELECT id, instructor_id FROM courses_course WHERE id = ANY(%s) FOR SHARE) course
    WHERE NOT EXISTS (
        SELECT FROM courses_instructorchange known WHERE known.course_id = course.id
    )
"""
# What is remembered is written by the triggers of a course, and goes with it: a course that is
# deleted takes its rows along in whatever order, hence only in the end is it seen whether it did.
_RULES = """
CREATE FUNCTION courses_history_is_remembered() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'what a course cost and who taught it is only remembered: % of % refused',
        TG_OP, TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
CREATE FUNCTION courses_history_goes_with_its_course() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM courses_course WHERE id = OLD.course_id) THEN
        RAISE EXCEPTION 'what is remembered of a course goes with it alone: % of % refused',
            TG_OP, TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER courses_prices_are_remembered BEFORE INSERT ON courses_pricechange
    FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION courses_history_is_remembered();
CREATE CONSTRAINT TRIGGER courses_prices_go_with_their_course AFTER DELETE ON courses_pricechange
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION courses_history_goes_with_its_course();
CREATE TRIGGER courses_instructors_stay BEFORE UPDATE ON courses_instructorchange
    FOR EACH ROW EXECUTE FUNCTION courses_history_is_remembered();
CREATE TRIGGER courses_instructors_are_remembered BEFORE INSERT ON courses_instructorchange
    FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION courses_history_is_remembered();
CREATE CONSTRAINT TRIGGER courses_instructors_go_with_their_course
    AFTER DELETE ON courses_instructorchange DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION courses_history_goes_with_its_course();
"""
_NO_RULES = """
DROP TRIGGER courses_instructors_go_with_their_course ON courses_instructorchange;
DROP TRIGGER courses_instructors_are_remembered ON courses_instructorchange;
DROP TRIGGER courses_instructors_stay ON courses_instructorchange;
DROP TRIGGER courses_prices_go_with_their_course ON courses_pricechange;
DROP TRIGGER courses_prices_are_remembered ON courses_pricechange;
DROP FUNCTION courses_history_is_remembered(), courses_history_goes_with_its_course();
"""


def remember_instructors(apps, schema_editor):
    """Write down who teaches each course by now, in batches by their key. Nobody gives one of a
    batch away meanwhile."""
    alias = schema_editor.connection.alias
    keys = apps.get_model("courses", "Course").objects.using(alias).order_by("id")
    last = "00000000-0000-0000-0000-000000000000"
    while ids := list(keys.filter(id__gt=last).values_list("id", flat=True)[:AT_ONCE]):
        with transaction.atomic(using=alias), schema_editor.connection.cursor() as cursor:
            cursor.execute(REMEMBER, [ids])
        last = ids[-1]


class Migration(migrations.Migration):
    """Who taught a course before this isn't known. From here on nobody adds to what is remembered
    of courses, or takes from it, but the courses' own triggers."""

    atomic = False
    harmless = (
        "The version before writes to neither table by itself, and deletes a course's prices only "
        "with the course."
    )

    dependencies = [("courses", "0011_instructor_changes")]

    operations = [
        migrations.RunPython(remember_instructors, migrations.RunPython.noop),
        migrations.RunSQL(_RULES, _NO_RULES),
    ]
