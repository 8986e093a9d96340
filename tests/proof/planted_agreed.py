"""Lies about what was agreed when something was ordered, told of all copies alike."""

from tests.proof.planted_lie import lie

_CHEAP = (
    "UPDATE orders_orderitem SET price_at_purchase = 0.50 WHERE order_id = '{pending.order}'",
    "UPDATE orders_order SET subtotal = 0.50, tax_amount = 0, tax_lines = '[]', "
    "total_amount = 0.50 WHERE id = '{pending.order}'",
)
# The sides of a line's sale become what was agreed of it.
_BOOKED = (
    "UPDATE payments_ledgerentry entry SET amount = CASE account WHEN 'instructor' "
    "THEN -line.instructor_amount ELSE -line.platform_amount END FROM payments_saleline line "
    "WHERE line.order_item_id = entry.order_item_id AND entry.order_item_id = '{plain.line}' "
    "AND account IN ('instructor', 'platform')"
)
# Ann's share of a line, 70 % of it, becomes 90 % in all copies.
_MORE = (
    "UPDATE payments_saleline SET percent = 90, platform_amount = platform_amount "
    "- round((instructor_amount + platform_amount) * 0.9, 2) + instructor_amount, "
    "instructor_amount = round((instructor_amount + platform_amount) * 0.9, 2) "
    "WHERE order_item_id = '{plain.line}'",
    _BOOKED,
)
# … or 5.00 more, by no percentage.
_BY_NONE = (
    "UPDATE payments_saleline SET percent = NULL, instructor_amount = instructor_amount + 5, "
    "platform_amount = platform_amount - 5 WHERE order_item_id = '{plain.line}'",
    _BOOKED,
)
# … or nothing, and nobody's.
_NOTHING = (
    "DELETE FROM payments_ledgerentry WHERE order_item_id = '{plain.line}' "
    "AND account = 'instructor'",
    "UPDATE payments_saleline SET percent = NULL, instructor_id = NULL, available_at = NULL, "
    "platform_amount = platform_amount + instructor_amount, instructor_amount = 0 "
    "WHERE order_item_id = '{plain.line}'",
    _BOOKED,
)
_NOBODYS = "UPDATE orders_orderitem SET instructor_id = NULL WHERE id = '{plain.line}'"
# As if what is there were of before sales said their percentage.
_BEFORE = (
    "UPDATE payments_bookmark SET until = now() + interval '1 hour' "
    "WHERE name = 'since:sale_percent'"
)
# A course that was refunded is open, as a gift.
_GIVEN = (
    "UPDATE enrollments_enrollment SET status = 'active', source = 'staff' "
    "WHERE id = (SELECT enrollment_id FROM orders_orderitem WHERE id = '{given.line}')",
    "UPDATE enrollments_accesshold SET ended_at = now() WHERE ended_at IS NULL AND "
    "enrollment_id = (SELECT enrollment_id FROM orders_orderitem WHERE id = '{given.line}')",
    "UPDATE courses_coursestats SET student_count = student_count + 1 "
    "WHERE course_id = '{given.course}'",
)
OFFERED = (
    lie("an instructor had a larger share", "sale_follows_its_terms", *_MORE),
    lie("an instructor had 5.00 more, by no percentage", "sale_is_what_was_agreed", *_BY_NONE),
    lie("an instructor had nothing, by no percentage", "sale_is_what_was_agreed", *_NOTHING),
    lie("an instructor had 5.00 more, before percentages", "sale_follows_its_terms",
        _BEFORE, *_BY_NONE),
    lie("an instructor had nothing, before percentages", "sale_follows_its_terms",
        _BEFORE, *_NOTHING),
    lie("a share is dated before percentages", "sale_is_what_was_agreed",
        *_BY_NONE,
        "UPDATE payments_bookmark SET until = now() - interval '1 hour' "
        "WHERE name = 'since:sale_percent'",
        "UPDATE payments_saleline SET created_at = '2020-01-01' "
        "WHERE order_item_id = '{plain.line}'"),
    lie("earnings were held for less long", "sale_follows_its_terms",
        "UPDATE payments_saleline SET available_at = available_at - interval '10 days' "
        "WHERE order_item_id = '{plain.line}'",
        "UPDATE payments_ledgerentry SET available_at = available_at - interval '10 days' "
        "WHERE order_item_id = '{plain.line}' AND available_at IS NOT NULL"),
    lie("a course's share was another", "shares_are_remembered",
        "UPDATE payments_term SET percent = 90 WHERE course_id IS NOT NULL"),
    lie("a course has another share", "shares_are_remembered",
        "UPDATE payments_revenueshare SET percent = 90"),
    lie("terms are of another day", "shares_are_remembered",
        "UPDATE payments_term SET changed_at = changed_at - interval '9 days' "
        "WHERE id = (SELECT max(id) FROM payments_term)"),
    lie("a term is added to the past", "shares_are_remembered",
        "INSERT INTO payments_term (percent, hold, changed_at) "
        "VALUES (90, interval '0', now() - interval '9 days')"),
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
    lie("a pending order's course is taught by nobody", "line_is_of_who_taught_its_course",
        "UPDATE orders_orderitem SET instructor_id = NULL WHERE order_id = '{pending.order}'"),
    lie("what an instructor sold was nobody's", "line_is_of_who_taught_its_course",
        *_NOTHING, _NOBODYS),
    lie("what was nobody's is sold by no percentage", "sale_is_what_was_agreed",
        *_NOTHING, _NOBODYS),
    lie("what was nobody's was ordered long ago", "line_is_of_who_taught_its_course",
        *_NOTHING, _NOBODYS,
        "UPDATE orders_order SET created_at = '2020-01-01' WHERE id = '{plain.order}'"),
    lie("what somebody bought is nobody's order", "order_of_nobody_opens_nothing",
        "UPDATE orders_order SET user_id = NULL WHERE id = '{plain.order}'"),
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
    lie("refunded access was a gift, which staff took back before it was bought",
        "staffs_grant_is_audited", *_GIVEN),
    lie("a gift that staff took back, of before it was bought, stands", "staffs_grant_is_audited",
        *_GIVEN,
        "UPDATE core_auditentry SET created_at = created_at - interval '1 hour' "
        "WHERE action = 'enrollment.granted'",
        "UPDATE enrollments_enrollment enrollment SET enrolled_at = deed.created_at "
        "FROM core_auditentry deed WHERE deed.action = 'enrollment.granted' "
        "AND deed.target_id = enrollment.id::text"),
    lie("a gift was given another day", "staffs_grant_is_audited",
        "UPDATE enrollments_enrollment SET enrolled_at = enrolled_at - interval '1 day' "
        "WHERE source = 'staff'"),
    lie("what a refund took is held by staff", "staffs_reason_is_audited",
        "UPDATE enrollments_accesshold SET cause = 'staff', object_id = NULL, note = 'So', "
        "actor_id = '{ann}' WHERE cause = 'refund'"),
    lie("what a refund took is held by staff, who did so before it was bought",
        "staffs_reason_is_audited",
        "UPDATE enrollments_accesshold hold SET cause = 'staff', object_id = NULL, note = 'So', "
        "actor_id = deed.actor_id FROM core_auditentry deed "
        "WHERE deed.action = 'enrollment.revoked' AND deed.actor_id IS NOT NULL "
        "AND deed.target_id = hold.enrollment_id::text AND hold.cause = 'refund'"),
)  # fmt: skip
