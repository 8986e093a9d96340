from django.db import migrations


class Migration(migrations.Migration):
    """Takes away what served lists before they had a table of their own (0004): no query uses it,
    and every course that was published or changed its price paid for it."""

    dependencies = [
        ("courses", "0006_search_words"),
    ]

    operations = [
        migrations.RemoveIndex(model_name="course", name="course_newest"),
        migrations.RemoveIndex(model_name="course", name="course_by_price"),
    ]
