"""Lies about what was agreed when something was ordered, told of all copies alike."""

from tests.proof.planted_lie import lie

_CHEAP = (
    "UPDATE orders_orderitem SET price_at_purchase = 0.50 WHERE order_id = '{pending.order}'",
    "UPDATE orders_order SET subtotal = 0.50, tax_amount = 0, tax_lines = '[]', "
    "total_amount = 0.50 WHERE id = '{pending.order}'",
)
OFFERED = (
    lie("a course is sold for less than it costs", "line_costs_what_its_course_did", *_CHEAP),
    lie("a course is sold for less, in an order of long ago", "line_costs_what_its_course_did",
        *_CHEAP,
        "UPDATE orders_order SET created_at = '2020-01-01' WHERE id = '{pending.order}'"),
    lie("a course is sold for what it cost later", "line_costs_what_its_course_did",
        "UPDATE orders_orderitem SET price_at_purchase = 0.50 WHERE order_id = '{pending.order}'",
        "INSERT INTO courses_pricechange (course_id, price, changed_at) "
        "VALUES ('{pending.course}', 0.50, now() + interval '3 minutes')"),
    lie("a pending order's course is taught by another", "line_is_of_who_taught_its_course",
        "UPDATE orders_orderitem SET instructor_id = '{bob}' WHERE order_id = '{pending.order}'"),
    lie("a course was taught by another", "instructors_are_remembered",
        "UPDATE courses_instructorchange SET instructor_id = '{bob}' "
        "WHERE course_id = '{plain.course}'"),
    lie("a tax is of another rate", "tax_is_by_its_rate",
        "UPDATE orders_order SET tax_lines = jsonb_set(tax_lines, '{{0,rate}}', '\"7\"') "
        "WHERE id = '{plain.order}'",
        "UPDATE orders_invoice SET tax_lines = jsonb_set(tax_lines, '{{0,rate}}', '\"7\"') "
        "WHERE order_id = '{plain.order}'"),
    lie("tax was price", "tax_is_by_its_rate",
        "UPDATE orders_order SET subtotal = subtotal + 2, tax_amount = tax_amount - 2, "
        "tax_lines = jsonb_set(tax_lines, '{{0,amount}}', to_jsonb((tax_amount - 2)::text)) "
        "WHERE id = '{plain.order}'",
        "UPDATE orders_orderitem SET price_at_purchase = price_at_purchase + 2, "
        "tax_amount = tax_amount - 2 WHERE id = '{plain.line}'"),
    lie("tax moved between lines in all copies", "line_bears_its_part_of_the_tax",
        "UPDATE orders_orderitem SET tax_amount = tax_amount + 0.03 WHERE id = '{plain.line}'",
        "UPDATE orders_orderitem SET tax_amount = tax_amount - 0.03 "
        "WHERE id = '{plain.other_line}'"),
    lie("price moved between lines in all copies", "line_costs_what_its_course_did",
        "UPDATE orders_orderitem SET price_at_purchase = price_at_purchase + 5 "
        "WHERE id = '{plain.line}'",
        "UPDATE orders_orderitem SET price_at_purchase = price_at_purchase - 5 "
        "WHERE id = '{plain.other_line}'"),
    lie("a discount is nobody's", "discount_is_a_coupons",
        "DELETE FROM orders_couponredemption WHERE order_id = '{plain.order}'",
        "UPDATE orders_coupon SET used_count = used_count - 1 WHERE id = '{coupon}'",
        "UPDATE orders_order SET coupon_id = NULL WHERE id = '{plain.order}'"),
    lie("a course that costs something was free, long ago", "free_access_was_free",
        "UPDATE enrollments_enrollment SET source = 'free', enrolled_at = '2020-01-01' "
        "WHERE id = (SELECT enrollment_id FROM orders_orderitem WHERE id = '{plain.line}')"),
    lie("refunded access was a gift", "staffs_grant_is_audited",
        "UPDATE enrollments_enrollment SET status = 'active', source = 'staff' "
        "WHERE id = (SELECT enrollment_id FROM orders_orderitem WHERE id = '{whole.line}')",
        "UPDATE enrollments_accesshold SET ended_at = now() WHERE enrollment_id = "
        "(SELECT enrollment_id FROM orders_orderitem WHERE id = '{whole.line}')"),
    lie("what a refund took is held by staff", "staffs_reason_is_audited",
        "UPDATE enrollments_accesshold SET cause = 'staff', object_id = NULL, note = 'So', "
        "actor_id = '{ann}' WHERE cause = 'refund'"),
)  # fmt: skip
