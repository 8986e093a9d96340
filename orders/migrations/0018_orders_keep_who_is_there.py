"""An order stops being its buyer's, and a line its instructor's, only as they are deleted: Django
takes them out of it first, so that this is asked in the end. A line that is nobody's is nobody's for
good."""

from django.db import migrations

_RULES = """
CREATE FUNCTION orders_lose_who_is_gone() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM users_user WHERE id = (to_jsonb(OLD) ->> TG_ARGV[0])::uuid) THEN
        RAISE EXCEPTION 'whose it is stays as long as they are there: % of % refused',
            TG_OP, TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER orders_order_loses_who_is_gone AFTER UPDATE ON orders_order
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (OLD.user_id IS NOT NULL AND NEW.user_id IS NULL)
    EXECUTE FUNCTION orders_lose_who_is_gone('user_id');
CREATE CONSTRAINT TRIGGER orders_line_loses_who_is_gone AFTER UPDATE ON orders_orderitem
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (OLD.instructor_id IS NOT NULL AND NEW.instructor_id IS NULL)
    EXECUTE FUNCTION orders_lose_who_is_gone('instructor_id');

DROP TRIGGER orders_line_keeps_its_instructor ON orders_orderitem;
CREATE TRIGGER orders_line_keeps_its_instructor BEFORE UPDATE ON orders_orderitem
    FOR EACH ROW WHEN (NEW.instructor_id IS DISTINCT FROM OLD.instructor_id)
    EXECUTE FUNCTION orders_line_keeps_its_instructor();
"""

_NO_RULES = """
DROP TRIGGER orders_line_keeps_its_instructor ON orders_orderitem;
CREATE TRIGGER orders_line_keeps_its_instructor BEFORE UPDATE ON orders_orderitem
    FOR EACH ROW WHEN (
        OLD.instructor_id IS NOT NULL AND NEW.instructor_id IS DISTINCT FROM OLD.instructor_id
    ) EXECUTE FUNCTION orders_line_keeps_its_instructor();
DROP TRIGGER orders_line_loses_who_is_gone ON orders_orderitem;
DROP TRIGGER orders_order_loses_who_is_gone ON orders_order;
DROP FUNCTION orders_lose_who_is_gone();
"""


class Migration(migrations.Migration):
    harmless = (
        "The version before takes nobody out of an order or a line but who is deleted, in one "
        "transaction, and makes no line somebody's later. Writers wait while the triggers are "
        "made, a moment."
    )

    dependencies = [("orders", "0017_order_completed"), ("users", "0003_admin_lists")]

    operations = [migrations.RunSQL(_RULES, _NO_RULES)]
