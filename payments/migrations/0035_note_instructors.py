from django.db import migrations

_RULES = """
CREATE FUNCTION payments_note_courses_instructorchange() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO payments_booktouch (kind, key)
    SELECT DISTINCT 'course', written.course_id::text FROM written;
    RETURN NULL;
END $$;
CREATE TRIGGER books_note_insert AFTER INSERT ON courses_instructorchange
    REFERENCING NEW TABLE AS written
    FOR EACH STATEMENT EXECUTE FUNCTION payments_note_courses_instructorchange();
CREATE TRIGGER books_note_update AFTER UPDATE ON courses_instructorchange
    REFERENCING NEW TABLE AS written
    FOR EACH STATEMENT EXECUTE FUNCTION payments_note_courses_instructorchange();
CREATE TRIGGER books_note_delete AFTER DELETE ON courses_instructorchange
    REFERENCING OLD TABLE AS written
    FOR EACH STATEMENT EXECUTE FUNCTION payments_note_courses_instructorchange();
CREATE TRIGGER books_note_instructor AFTER UPDATE ON courses_course
    FOR EACH ROW WHEN (OLD.instructor_id IS DISTINCT FROM NEW.instructor_id)
    EXECUTE FUNCTION payments_note_courses_course_row();
"""

_NO_RULES = """
DROP TRIGGER books_note_instructor ON courses_course;
DROP TRIGGER books_note_delete ON courses_instructorchange;
DROP TRIGGER books_note_update ON courses_instructorchange;
DROP TRIGGER books_note_insert ON courses_instructorchange;
DROP FUNCTION payments_note_courses_instructorchange();
"""


class Migration(migrations.Migration):
    """Who taught a course is of the books: what is written to it is noted."""

    harmless = "The triggers only add rows to a table that the version before adds to likewise."

    dependencies = [
        ("payments", "0032_accounts_of_others"),
        ("courses", "0012_histories_are_the_databases"),
    ]

    operations = [migrations.RunSQL(_RULES, _NO_RULES)]
