import django.db.models.deletion
from django.db import migrations, models

# The clock of this moment: a transaction may set a price twice.
_RULES = """
CREATE FUNCTION courses_remember_price() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO courses_pricechange (course_id, price, changed_at)
    VALUES (NEW.id, NEW.price, clock_timestamp());
    RETURN NULL;
END $$;
CREATE FUNCTION courses_prices_stay() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'what a course once cost is never changed: % refused', TG_OP
        USING ERRCODE = 'restrict_violation';
END $$;

CREATE TRIGGER courses_remember_first_price AFTER INSERT ON courses_course
    FOR EACH ROW EXECUTE FUNCTION courses_remember_price();
CREATE TRIGGER courses_remember_price AFTER UPDATE OF price ON courses_course
    FOR EACH ROW WHEN (NEW.price <> OLD.price) EXECUTE FUNCTION courses_remember_price();
CREATE TRIGGER courses_prices_stay BEFORE UPDATE ON courses_pricechange
    FOR EACH ROW EXECUTE FUNCTION courses_prices_stay();
"""

_NO_RULES = """
DROP TRIGGER courses_prices_stay ON courses_pricechange;
DROP TRIGGER courses_remember_price ON courses_course;
DROP TRIGGER courses_remember_first_price ON courses_course;
DROP FUNCTION courses_remember_price(), courses_prices_stay();
"""


class Migration(migrations.Migration):
    """What courses cost from when on. What they cost by now follows in batches (0010)."""

    harmless = "The triggers only add rows to a table that the version before doesn't know."

    dependencies = [("courses", "0008_database_defaults")]

    operations = [
        migrations.CreateModel(
            name="PriceChange",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("price", models.DecimalField(decimal_places=2, max_digits=10)),
                ("changed_at", models.DateTimeField()),
                (
                    "course",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="price_changes",
                        to="courses.course",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["course", "changed_at"], name="price_change_of_course")
                ],
            },
        ),
        migrations.RunSQL(_RULES, _NO_RULES),
    ]
