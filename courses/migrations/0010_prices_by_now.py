from django.db import migrations, transaction

AT_ONCE = 500
REMEMBER = """
    INSERT INTO courses_pricechange (course_id, price, changed_at)
    SELECT course.id, course.price, clock_timestamp()
    FROM (SELECT id, price FROM courses_course WHERE id = ANY(%s) FOR SHARE) course
    WHERE NOT EXISTS (SELECT FROM courses_pricechange known WHERE known.course_id = course.id)
"""


def remember_prices(apps, schema_editor):
    """Write down what each course costs by now, in batches by their key. Nobody changes the price of
    one of a batch meanwhile."""
    alias = schema_editor.connection.alias
    keys = apps.get_model("courses", "Course").objects.using(alias).order_by("id")
    last = "00000000-0000-0000-0000-000000000000"
    while ids := list(keys.filter(id__gt=last).values_list("id", flat=True)[:AT_ONCE]):
        with transaction.atomic(using=alias), schema_editor.connection.cursor() as cursor:
            cursor.execute(REMEMBER, [ids])
        last = ids[-1]


class Migration(migrations.Migration):
    """What a course cost before this isn't known."""

    atomic = False
    harmless = "It adds rows to a table that the version before doesn't know, a few at a time."

    dependencies = [("courses", "0009_price_changes")]

    operations = [migrations.RunPython(remember_prices, migrations.RunPython.noop)]
