from django.db import migrations, models, transaction

_COUNT = """
CREATE FUNCTION orders_coupon_counts_its_uses() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        UPDATE orders_coupon SET used_count = used_count - 1 WHERE id = OLD.coupon_id;
    END IF;
    IF TG_OP <> 'DELETE' THEN
        UPDATE orders_coupon SET used_count = used_count + 1
        WHERE id = NEW.coupon_id
          AND (max_redemptions IS NULL OR used_count < max_redemptions);
        IF NOT FOUND AND EXISTS (SELECT FROM orders_coupon WHERE id = NEW.coupon_id) THEN
            RAISE EXCEPTION 'coupon % is used up', NEW.coupon_id USING ERRCODE = 'check_violation';
        END IF;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER coupon_counts_its_uses
    AFTER INSERT OR DELETE OR UPDATE OF coupon_id ON orders_couponredemption
    FOR EACH ROW EXECUTE FUNCTION orders_coupon_counts_its_uses();
"""

_NO_COUNT = """
DROP TRIGGER coupon_counts_its_uses ON orders_couponredemption;
DROP FUNCTION orders_coupon_counts_its_uses();
"""

# Whoever saves a coupon read a while ago would take uses back that came since.
_KEEP = """
CREATE FUNCTION orders_coupon_keeps_its_uses() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.used_count := OLD.used_count;
    RETURN NEW;
END $$;
CREATE TRIGGER coupon_keeps_its_uses BEFORE UPDATE ON orders_coupon
    FOR EACH ROW WHEN (NEW.used_count <> OLD.used_count AND pg_trigger_depth() = 0)
    EXECUTE FUNCTION orders_coupon_keeps_its_uses();
"""

_NO_KEEP = """
DROP TRIGGER coupon_keeps_its_uses ON orders_coupon;
DROP FUNCTION orders_coupon_keeps_its_uses();
"""

# A limit that was lowered below what was used is at what was used: nothing more, as before.
_TAKE_OVER = """
    UPDATE orders_coupon coupon SET
        used_count = used.times,
        max_redemptions = CASE WHEN coupon.max_redemptions < used.times
            THEN used.times ELSE coupon.max_redemptions END,
        max_redemptions_per_person = CASE WHEN coupon.max_redemptions_per_person < used.most
            THEN used.most ELSE coupon.max_redemptions_per_person END
    FROM (
        SELECT coalesce(sum(of_person.times), 0) AS times,
               max(of_person.times) FILTER (WHERE of_person.user_id IS NOT NULL) AS most
        FROM (
            SELECT user_id, count(*) AS times FROM orders_couponredemption
            WHERE coupon_id = %(coupon)s GROUP BY user_id
        ) of_person
    ) used
    WHERE coupon.id = %(coupon)s
"""


def count_uses(apps, schema_editor):
    """Count each coupon's uses under its lock, which whoever uses it or gives it back waits for."""
    alias = schema_editor.connection.alias
    coupons = apps.get_model("orders", "Coupon").objects.using(alias)
    for coupon_id in coupons.order_by("id").values_list("id", flat=True):
        with transaction.atomic(using=alias), schema_editor.connection.cursor() as cursor:
            cursor.execute("SELECT FROM orders_coupon WHERE id = %s FOR NO KEY UPDATE", [coupon_id])
            cursor.execute(_TAKE_OVER, {"coupon": coupon_id})


class Migration(migrations.Migration):
    """A coupon counts its uses by itself. The order matters: nothing is missed between counting
    what was and what comes, and only then does nobody else write the count."""

    atomic = False
    harmless = (
        "The triggers add to a column that the version before doesn't know. It takes no redemption "
        "beyond a limit either, and waits for the lock it would take itself."
    )

    dependencies = [("orders", "0003_database_defaults")]

    operations = [
        migrations.AddField(
            model_name="coupon",
            name="used_count",
            field=models.IntegerField(db_default=0, default=0, editable=False),
        ),
        migrations.RunSQL(_COUNT, _NO_COUNT),
        migrations.RunPython(count_uses, migrations.RunPython.noop),
        migrations.RunSQL(_KEEP, _NO_KEEP),
    ]
