import django.db.models.deletion
from django.db import migrations, models

# The clock of this moment: a transaction may give a course away twice.
_RULES = """
ALTER TABLE courses_instructorchange ADD CONSTRAINT courses_instructorchange_course
    FOREIGN KEY (course_id) REFERENCES courses_course (id) ON DELETE CASCADE;

CREATE FUNCTION courses_remember_instructor() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO courses_instructorchange (course_id, instructor_id, changed_at)
    VALUES (NEW.id, NEW.instructor_id, clock_timestamp());
    RETURN NULL;
END $$;
CREATE TRIGGER courses_remember_first_instructor AFTER INSERT ON courses_course
    FOR EACH ROW EXECUTE FUNCTION courses_remember_instructor();
CREATE TRIGGER courses_remember_instructor AFTER UPDATE OF instructor_id ON courses_course
    FOR EACH ROW WHEN (NEW.instructor_id <> OLD.instructor_id)
    EXECUTE FUNCTION courses_remember_instructor();
"""

_NO_RULES = """
DROP TRIGGER courses_remember_instructor ON courses_course;
DROP TRIGGER courses_remember_first_instructor ON courses_course;
DROP FUNCTION courses_remember_instructor();
"""


class Migration(migrations.Migration):
    """Who taught courses from when on. Who teaches them by now follows in batches (0012)."""

    harmless = (
        "The triggers only add rows to a table that the version before doesn't know, and a course "
        "that it deletes takes its rows with it."
    )

    dependencies = [("courses", "0010_prices_by_now")]

    operations = [
        migrations.CreateModel(
            name="InstructorChange",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("instructor_id", models.UUIDField()),
                ("changed_at", models.DateTimeField()),
                (
                    "course",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="courses.course",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["course", "changed_at"], name="teacher_change_of_course")
                ],
            },
        ),
        migrations.RunSQL(_RULES, _NO_RULES),
    ]
