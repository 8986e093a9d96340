from django.db import migrations

# Left in place when this is undone: the catalogue needs them too.
EXTENSIONS = "CREATE EXTENSION IF NOT EXISTS pg_trgm; CREATE EXTENSION IF NOT EXISTS unaccent;"
# `unaccent` may change with its rules, so PostgreSQL indexes it only behind a promise.
FOLD = """
CREATE FUNCTION users_fold(words text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN lower(unaccent('unaccent', words));
"""
# By trigrams, with a blank before each word: finds the beginnings of first and last names.
INDEX = """
CREATE INDEX user_instructor_names ON users_user
USING gin ((' ' || users_fold(first_name || ' ' || last_name)) gin_trgm_ops)
WHERE is_instructor AND is_active;
"""


class Migration(migrations.Migration):

    dependencies = [
        ('users', '0001_initial'),
    ]

    operations = [
        migrations.RunSQL(EXTENSIONS, migrations.RunSQL.noop),
        migrations.RunSQL(FOLD, "DROP FUNCTION users_fold(text)"),
        migrations.RunSQL(INDEX, "DROP INDEX user_instructor_names"),
    ]
