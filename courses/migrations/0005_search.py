import django.contrib.postgres.indexes
import django.contrib.postgres.search
import django.db.models.deletion
from django.db import migrations, models

# Stemmers for the languages that courses are written in most; any other is searched by its words.
LANGUAGES = [
    "english", "spanish", "portuguese", "french", "german", "italian", "dutch", "russian",
]

# What is compared: lower case, no accents, and names that a parser would tear apart or take for
# others in one piece: C++, C#, .NET, Node.js, O'Connor, e-mail. Their parts stay beside them where
# people look for those as well.
WORDS = r"""
CREATE FUNCTION courses_search_words(words text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN translate(
    regexp_replace(
    regexp_replace(
    regexp_replace(
    regexp_replace(
    regexp_replace(
    regexp_replace(
        lower(unaccent('unaccent', words)),
        '([[:alnum:]])[+][+]', '\1plusplus', 'g'),
        '\m([[:alpha:]])#', '\1sharp', 'g'),
        '(^|[^[:alnum:]]|\masp)[.]net\M', '\1 dotnet', 'g'),
        '\m([[:alnum:]]+)[.]js\M', '\1 js \1js', 'g'),
        '\m([[:alpha:]])''([[:alpha:]]+)', '\1\2 \2', 'g'),
        '\m([[:alpha:]])-([[:alpha:]]+)', '\1\2 \1-\2', 'g'),
    './_', '   ')
"""


def _configurations(template: str) -> str:
    return "".join(
        template.format(name=name, dictionary="simple" if name == "simple" else f"{name}_stem")
        for name in ["simple", *LANGUAGES]
    )


CONFIGURE = _configurations("""
CREATE TEXT SEARCH CONFIGURATION courses_{name} (COPY = pg_catalog.{name});
ALTER TEXT SEARCH CONFIGURATION courses_{name}
    ALTER MAPPING FOR hword, hword_part, word WITH unaccent, {dictionary};
""")
UNCONFIGURE = _configurations("DROP TEXT SEARCH CONFIGURATION courses_{name};\n")

class Migration(migrations.Migration):

    dependencies = [
        ('courses', '0004_listing'),
    ]

    operations = [
        migrations.RunSQL(WORDS, "DROP FUNCTION courses_search_words(text)"),
        migrations.RunSQL(CONFIGURE, UNCONFIGURE),
        migrations.CreateModel(
            name='SearchBatch',
            fields=[
                ('id', models.UUIDField(primary_key=True, serialize=False)),
                ('added_at', models.DateTimeField(auto_now_add=True)),
            ],
        ),
        migrations.CreateModel(
            name='SearchCount',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('query', models.CharField(max_length=60)),
                ('day', models.DateField()),
                ('found', models.PositiveIntegerField(default=0)),
                ('not_found', models.PositiveIntegerField(default=0)),
            ],
            options={
                'indexes': [models.Index(fields=['day', 'query'], name='search_count_by_day')],
                'constraints': [models.UniqueConstraint(fields=('query', 'day'), name='search_count_once_a_day')],
            },
        ),
        migrations.CreateModel(
            name='SearchEntry',
            fields=[
                ('course', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='search_entry', serialize=False, to='courses.course')),
                ('title', django.contrib.postgres.search.SearchVectorField(help_text="The title's stems in its language, and its plain words")),
                ('document', django.contrib.postgres.search.SearchVectorField(help_text='The same of everything, weighted')),
                ('popularity', models.PositiveSmallIntegerField(default=0, help_text='Logarithm of the learners')),
                ('fingerprint', models.CharField(help_text='Of the words this was made from', max_length=32)),
            ],
            options={
                'verbose_name_plural': 'search entries',
                'indexes': [
                    django.contrib.postgres.indexes.GinIndex(fields=['document'], fastupdate=False, name='search_document'),
                    django.contrib.postgres.indexes.GinIndex(fields=['title'], fastupdate=False, name='search_title'),
                    models.Index(fields=['-popularity', '-course'], name='search_popular'),
                ],
            },
        ),
        migrations.CreateModel(
            name='SearchTerm',
            fields=[
                ('term', models.CharField(max_length=40, primary_key=True, serialize=False)),
                ('courses', models.PositiveIntegerField(default=0)),
            ],
            options={
                'indexes': [django.contrib.postgres.indexes.GistIndex(fields=['term'], name='term_nearest', opclasses=['gist_trgm_ops'])],
            },
        ),
        migrations.RemoveIndex(
            model_name='course',
            name='course_search',
        ),
        migrations.RemoveIndex(
            model_name='course',
            name='course_trigrams',
        ),
        migrations.RemoveField(
            model_name='course',
            name='search_document',
        ),
        migrations.RemoveField(
            model_name='course',
            name='search_text',
        ),
    ]
