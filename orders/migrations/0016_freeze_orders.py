from django.db import migrations

# Beside what is agreed an order has its state, what came and went back, and the buyer's address.
# A person who is deleted is taken out; whoever teaches a course can't be.
_RULES = """
CREATE FUNCTION orders_are_as_agreed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'what was ordered, by whom and at what price, stays: % of % refused',
        TG_OP, TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
CREATE FUNCTION orders_line_keeps_its_instructor() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.instructor_id IS NOT NULL OR EXISTS (
        SELECT FROM courses_course WHERE id = OLD.course_id AND instructor_id = OLD.instructor_id
    ) THEN
        RAISE EXCEPTION 'whose a line is stays: % of % refused', TG_OP, TG_TABLE_NAME
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER orders_order_stays BEFORE UPDATE ON orders_order
    FOR EACH ROW WHEN (
        (NEW.order_number, NEW.currency, NEW.subtotal, NEW.discount_amount, NEW.tax_amount,
         NEW.tax_lines, NEW.total_amount)
        IS DISTINCT FROM
        (OLD.order_number, OLD.currency, OLD.subtotal, OLD.discount_amount, OLD.tax_amount,
         OLD.tax_lines, OLD.total_amount)
        OR (NEW.user_id IS NOT NULL AND NEW.user_id IS DISTINCT FROM OLD.user_id)
        OR (OLD.coupon_id IS NOT NULL AND NEW.coupon_id IS DISTINCT FROM OLD.coupon_id)
    ) EXECUTE FUNCTION orders_are_as_agreed();
CREATE TRIGGER orders_line_stays BEFORE UPDATE ON orders_orderitem
    FOR EACH ROW WHEN (
        (NEW.order_id, NEW.course_id, NEW.title_at_purchase, NEW.price_at_purchase,
         NEW.discount_amount, NEW.tax_amount)
        IS DISTINCT FROM
        (OLD.order_id, OLD.course_id, OLD.title_at_purchase, OLD.price_at_purchase,
         OLD.discount_amount, OLD.tax_amount)
    ) EXECUTE FUNCTION orders_are_as_agreed();
CREATE TRIGGER orders_line_keeps_its_instructor BEFORE UPDATE ON orders_orderitem
    FOR EACH ROW WHEN (
        OLD.instructor_id IS NOT NULL AND NEW.instructor_id IS DISTINCT FROM OLD.instructor_id
    ) EXECUTE FUNCTION orders_line_keeps_its_instructor();
CREATE TRIGGER orders_line_is_not_deleted BEFORE DELETE ON orders_orderitem
    FOR EACH ROW EXECUTE FUNCTION orders_are_as_agreed();
"""

_NO_RULES = """
DROP TRIGGER orders_line_is_not_deleted ON orders_orderitem;
DROP TRIGGER orders_line_keeps_its_instructor ON orders_orderitem;
DROP TRIGGER orders_line_stays ON orders_orderitem;
DROP TRIGGER orders_order_stays ON orders_order;
DROP FUNCTION orders_are_as_agreed(), orders_line_keeps_its_instructor();
"""


class Migration(migrations.Migration):
    """What an order is of is decided once. Another wish is another order."""

    harmless = (
        "The version before replaces a pending order by another one, and never changes what one "
        "is of. Writers wait while the triggers are made, a moment."
    )

    dependencies = [("orders", "0013_documents_stay"), ("courses", "0012_histories_are_the_databases")]

    operations = [migrations.RunSQL(_RULES, _NO_RULES)]
