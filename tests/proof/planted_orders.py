"""Lies in orders, documents and access."""

from tests.proof.planted_lie import FORGED, lie

_ORDER = "UPDATE orders_order SET {} WHERE id = '{{plain.order}}'"
_LINE = "UPDATE orders_orderitem SET {} WHERE id = '{{plain.line}}'"
ORDERS = (
    lie("an order is somebody else's", "paid_line_opens_its_course",
         _ORDER.format("user_id = '{ann}'")),
    lie("a pending order was paid", "order_was_paid_once",
         "UPDATE orders_order SET status = 'completed', completed_at = now() "
         "WHERE id = '{pending.order}'"),
    lie("an order is in another currency", "order_was_paid_once",
         _ORDER.format("currency = 'eur'")),
    lie("an order costs more", "order_adds_up",
         _ORDER.format("subtotal = subtotal + 5, total_amount = total_amount + 5")),
    lie("an order and its line cost more", "order_was_paid_once",
         _ORDER.format("subtotal = subtotal + 5, total_amount = total_amount + 5"),
         _LINE.format("price_at_purchase = price_at_purchase + 5")),
    lie("an order had less discount", "order_adds_up",
         _ORDER.format("discount_amount = discount_amount - 1, total_amount = total_amount + 1")),
    lie("an order bears more tax", "order_adds_up",
         _ORDER.format("tax_amount = tax_amount + 1, total_amount = total_amount + 1")),
    lie("an order names another tax", "order_says_its_taxes",
         _ORDER.format("tax_lines = jsonb_set(tax_lines, '{{0,amount}}', '\"1.00\"')")),
    lie("more of an order is back", "order_refunds_add_up",
         _ORDER.format("refunded_amount = 5")),
    lie("an order had no coupon", "coupon_uses_are_live_orders",
         _ORDER.format("coupon_id = NULL")),
    lie("an order is by another charge", "charge_is_its_payments",
         _ORDER.format("transaction_id = 'ch_other'")),
    lie("an order is by another payment", "order_was_paid_once",
         _ORDER.format("payment_id = '{early.intent}'")),
    lie("a paid order's money is still on its way", "money_on_its_way_keeps_its_order",
         _ORDER.format("payment_in_progress_since = now()")),
    lie("a pending order waits for nothing", "money_on_its_way_keeps_its_order",
         "UPDATE orders_order SET payment_in_progress_since = now() "
         "WHERE id = '{pending.order}'"),
    lie("a pending order waits for money that came", "money_on_its_way_keeps_its_order",
         "UPDATE orders_order SET payment_in_progress_since = now() "
         "WHERE id = '{pending.order}'",
         "UPDATE payments_payment SET order_id = '{pending.order}' WHERE id = '{late.payment}'"),
    lie("an order may be closed while its money is on its way", "money_on_its_way_keeps_its_order",
         "UPDATE payments_payment SET status = 'pending', stripe_status = 'processing', "
         "order_id = '{pending.order}' WHERE id = '{plain.payment}'"),
    lie("a line is another order's", "order_adds_up",
         _LINE.format("order_id = '{early.order}', "
                      "course_id = (SELECT id FROM courses_course WHERE price = 19.99)")),
    lie("a line is of another course", "paid_line_opens_its_course",
         _LINE.format("course_id = (SELECT id FROM courses_course WHERE price = 33.33)")),
    lie("a line has another's enrolment", "paid_line_opens_its_course",
         _LINE.format("enrollment_id = '{free_enrollment}'")),
    lie("a line is taught by somebody else", "entry_has_its_owner",
         _LINE.format("instructor_id = '{bob}'")),
    lie("a line is taught by nobody", "entry_has_its_owner",
         _LINE.format("instructor_id = NULL")),
    lie("price and discount moved between lines", "sale_follows_its_lines",
         _LINE.format("price_at_purchase = price_at_purchase + 5"),
         "UPDATE orders_orderitem SET price_at_purchase = price_at_purchase - 5 "
         "WHERE id = '{plain.other_line}'"),
    lie("a line had more discount", "order_adds_up",
         _LINE.format("discount_amount = discount_amount + 1")),
    lie("tax moved between lines", "sale_follows_its_lines",
         _LINE.format("tax_amount = tax_amount + 1"),
         "UPDATE orders_orderitem SET tax_amount = tax_amount - 1 "
         "WHERE id = '{plain.other_line}'"),
    lie("what is back of a line moved to another", "line_is_back_when_its_money_is",
         "UPDATE orders_orderitem SET refunded_amount = 0, state = 'fulfilled' "
         "WHERE id = '{by_line.line}'",
         "UPDATE orders_orderitem SET refunded_amount = 10 WHERE id = '{by_line.other_line}'"),
    lie("a line is refunded and its access gone, and no money is back",
         "line_is_back_when_its_money_is",
         _LINE.format("state = 'refunded'"),
         "UPDATE enrollments_enrollment SET status = 'revoked' WHERE id = (SELECT enrollment_id "
         "FROM orders_orderitem WHERE id = '{plain.line}')",
         "UPDATE courses_coursestats SET student_count = student_count - 1 "
         "WHERE course_id = '{plain.course}'"),
    lie("a line was never fulfilled", "lines_follow_their_order",
         _LINE.format("state = 'pending'")),
    lie("the money of a course owned already is kept", "owned_course_is_given_back",
         "UPDATE payments_refund SET status = 'canceled' WHERE payment_id = '{owned.payment}'"),
    lie("late money stays", "payment_stands_for_an_order_or_goes_back",
         "UPDATE payments_payment SET refunding_amount = 0 WHERE id = '{late.payment}'"),
    lie("a coupon is used more than it may be", "coupon_within_its_limit",
         "UPDATE orders_coupon SET max_redemptions = 0, updated_at = now() + interval '1 day' "
         "WHERE id = '{coupon}'"),
    lie("a coupon is used more by one person than it may be", "coupon_within_a_persons_limit",
         "UPDATE orders_coupon SET max_redemptions_per_person = 0, "
         "updated_at = now() + interval '1 day' WHERE id = '{coupon}'"),
    lie("a coupon was used less", "coupon_uses_are_counted",
        "UPDATE orders_coupon SET used_count = used_count - 1 WHERE id = '{coupon}'"),
    lie("a redemption is of another coupon", "coupon_uses_are_live_orders",
         "INSERT INTO orders_coupon (id, created_at, updated_at, code, percent_off, is_active) "
         f"VALUES ('{FORGED}', now(), now(), 'FORGED', 5, true)",
         f"UPDATE orders_couponredemption SET coupon_id = '{FORGED}' "
         "WHERE order_id = '{plain.order}'"),
    lie("a redemption is of another order", "coupon_uses_are_live_orders",
         "UPDATE orders_couponredemption SET order_id = '{early.order}' "
         "WHERE order_id = '{plain.order}'"),
    lie("a redemption is somebody else's", "coupon_uses_are_live_orders",
         "UPDATE orders_couponredemption SET user_id = '{ann}' WHERE order_id = '{plain.order}'"),
)  # fmt: skip

_INVOICE = "UPDATE orders_invoice SET {} WHERE order_id = '{{plain.order}}'"
_NOTE = (
    "UPDATE orders_creditnote SET {} WHERE refund_id = (SELECT id FROM payments_refund WHERE "
    "payment_id = '{{by_line.payment}}')"
)
DOCUMENTS = (
    lie("an invoice is another order's", "order_has_its_invoice",
         _INVOICE.format("order_id = '{pending.order}'")),
    lie("an invoice has another number", "invoices_are_gapless",
         _INVOICE.format("number = left(number, 9) || '00999'")),
    lie("an invoice is over more", "order_has_its_invoice",
         _INVOICE.format("total_amount = total_amount + 5")),
    lie("an invoice is in another currency", "order_has_its_invoice",
         _INVOICE.format("currency = 'eur'")),
    lie("an invoice has less tax", "invoice_says_its_orders_tax",
         _INVOICE.format("tax_amount = tax_amount - 5")),
    lie("an invoice names another tax", "invoice_says_its_orders_tax",
         _INVOICE.format("tax_lines = jsonb_set(tax_lines, '{{0,rate}}', '\"7\"')")),
    lie("an invoice's line has another price", "invoice_lists_its_orders_lines",
         _INVOICE.format("lines = jsonb_set(lines, '{{0,price}}', '\"1.00\"')")),
    lie("an invoice's line has another tax", "invoice_lists_its_orders_lines",
         _INVOICE.format("lines = jsonb_set(lines, '{{1,tax}}', '\"1.00\"')")),
    lie("an invoice lists one line less", "invoice_lists_its_orders_lines",
         _INVOICE.format("lines = lines - 0")),
    lie("a credit note is of another invoice", "credit_note_has_its_refund",
         _NOTE.format("invoice_id = (SELECT id FROM orders_invoice WHERE "
                      "order_id = '{plain.order}')")),
    lie("a credit note has another number", "credit_notes_are_gapless",
         _NOTE.format("number = left(number, 8) || '00999'")),
    lie("a credit note is of another refund", "credit_note_has_its_refund",
         _NOTE.format("refund_id = gen_random_uuid()")),
    lie("a credit note is void", "credit_note_has_its_refund", _NOTE.format("voided_at = now()")),
    lie("a credit note is over less", "credit_note_has_its_refund",
         _NOTE.format("total_amount = total_amount - 1")),
    lie("more is credited than was invoiced", "no_more_is_credited_than_invoiced",
         _NOTE.format("total_amount = total_amount + 500")),
    lie("a line is credited for more than it cost", "no_more_is_credited_than_invoiced",
         _NOTE.format("lines = jsonb_set(lines, '{{0,amount}}', "
                      "to_jsonb(((lines #>> '{{0,amount}}')::numeric + 1)::text))")),
    lie("a credit note has less tax", "credit_note_adds_up",
         _NOTE.format("tax_amount = tax_amount - 1")),
    lie("a credit note and its line have less tax", "credit_notes_give_back_the_tax",
         _NOTE.format("tax_amount = 1, lines = jsonb_set(lines, '{{0,tax}}', '\"1.00\"')")),
    lie("a credit note has a cent less tax than the ledger", "credit_note_has_the_booked_tax",
         _NOTE.format("tax_amount = tax_amount - 0.01, lines = jsonb_set(lines, '{{0,tax}}', "
                      "to_jsonb((tax_amount - 0.01)::text))")),
    lie("a cent of a credit note's tax is another line's", "credit_note_has_the_booked_tax",
         "UPDATE orders_creditnote SET lines = jsonb_set(jsonb_set(lines, '{{0,tax}}', "
         "to_jsonb(((lines #>> '{{0,tax}}')::numeric - 0.01)::text)), '{{1,tax}}', "
         "to_jsonb(((lines #>> '{{1,tax}}')::numeric + 0.01)::text)) WHERE refund_id = "
         "(SELECT id FROM payments_refund WHERE payment_id = '{whole.payment}')"),
    lie("a lost dispute's credit note has a cent more tax", "credit_note_has_the_booked_tax",
         "UPDATE orders_creditnote SET tax_amount = tax_amount + 0.01, lines = jsonb_set(lines, "
         "'{{0,tax}}', to_jsonb(((lines #>> '{{0,tax}}')::numeric + 0.01)::text)) "
         "WHERE dispute_id IS NOT NULL"),
    lie("a credit note is in another currency", "credit_note_adds_up",
         _NOTE.format("currency = 'eur'")),
    lie("a credit note lists another course", "credit_note_lists_its_refunds_lines",
         _NOTE.format("lines = jsonb_set(lines, '{{0,course_id}}', '\"x\"')")),
    lie("a lost dispute's credit note is another's", "lost_dispute_is_credited",
         "UPDATE orders_creditnote SET dispute_id = gen_random_uuid() "
         "WHERE dispute_id IS NOT NULL"),
    lie("a refund has no credit note", "refund_has_its_credit_note",
         "DELETE FROM orders_creditnote WHERE refund_id = (SELECT id FROM payments_refund WHERE "
         "payment_id = '{by_line.payment}')"),
    lie("an invoice is of another month", "invoice_is_dated_as_its_order",
         _INVOICE.format("issued_at = issued_at - interval '40 days'")),
    lie("an invoice is of another year", "invoice_is_dated_as_its_order",
         _INVOICE.format("issued_at = issued_at - interval '1 year'")),
    lie("an invoice and its order are of another month", "order_is_dated_as_it_was_paid",
         _INVOICE.format("issued_at = issued_at - interval '40 days'"),
         "UPDATE orders_order SET completed_at = completed_at - interval '40 days' "
         "WHERE id = '{plain.order}'"),
    lie("all of a purchase is of a month before", "documents_are_numbered_by_date",
         _INVOICE.format("issued_at = issued_at - interval '40 days'"),
         "UPDATE orders_order SET completed_at = completed_at - interval '40 days' "
         "WHERE id = '{plain.order}'",
         "UPDATE payments_payment SET succeeded_at = succeeded_at - interval '40 days' "
         "WHERE order_id = '{plain.order}'"),
    lie("an invoice lists a line twice", "invoice_lists_each_line_once",
         _INVOICE.format("lines = lines || jsonb_build_array(lines -> 0)")),
    lie("an invoice's line has another title", "invoice_lists_each_line_once",
         _INVOICE.format("lines = jsonb_set(lines, '{{0,title}}', '\"Advice\"')")),
    lie("a line has another title", "invoice_lists_each_line_once",
         "UPDATE orders_orderitem SET title_at_purchase = 'Advice' "
         "WHERE order_id = '{plain.order}'"),
    lie("an invoice is made out to another", "invoice_names_its_buyer",
         _INVOICE.format("billing_address = jsonb_set(billing_address, '{{country}}', '\"US\"')")),
    lie("an order has another billing address", "invoice_names_its_buyer",
         "UPDATE orders_order SET billing_address = jsonb_set(billing_address, '{{country}}', "
         "'\"US\"') WHERE id = '{plain.order}'"),
    lie("a credit note is of another month", "credit_note_has_its_date",
         _NOTE.format("issued_at = issued_at - interval '40 days'")),
    lie("a credit note and its row are of another month", "credit_note_has_its_date",
         _NOTE.format("issued_at = issued_at - interval '40 days', "
                      "created_at = created_at - interval '40 days'")),
    lie("a void credit note has another title", "credit_note_names_its_lines",
         "UPDATE orders_creditnote SET lines = jsonb_set(lines, '{{0,title}}', '\"Advice\"') "
         "WHERE voided_at IS NOT NULL"),
    lie("a series of a year to come has begun", "invoices_are_gapless",
         "INSERT INTO orders_numberseries (name, last) VALUES ('INV-2999', 500)"),
    lie("a series is ahead of its invoices", "invoices_are_gapless",
         "UPDATE orders_numberseries SET last = last + 1 WHERE name LIKE 'INV-%'"),
    lie("a series has another name", "credit_notes_are_gapless",
         "UPDATE orders_numberseries SET name = 'CN-1999' WHERE name LIKE 'CN-%'"),
)  # fmt: skip

_BOUGHT = "WHERE id = (SELECT enrollment_id FROM orders_orderitem WHERE id = '{plain.line}')"
ACCESS = (
    lie("a bought enrolment is somebody else's", "paid_line_opens_its_course",
         f"UPDATE enrollments_enrollment SET user_id = '{{ann}}' {_BOUGHT}"),
    lie("a bought enrolment is in another course", "paid_line_opens_its_course",
         "UPDATE enrollments_enrollment SET course_id = (SELECT id FROM courses_course WHERE "
         f"price = 19.99) {_BOUGHT}"),
    lie("a course is paid twice by one person", "course_is_paid_once",
        "UPDATE orders_order SET user_id = '{plain.user}' WHERE id = '{early.order}'"),
    lie("what was paid for is closed", "paid_line_opens_its_course",
         f"UPDATE enrollments_enrollment SET status = 'suspended' {_BOUGHT}"),
    lie("a course is open that nobody paid for", "bought_access_is_paid",
         "UPDATE enrollments_enrollment SET source = 'purchase' WHERE id = '{free_enrollment}'"),
    lie("a course that costs something was free", "free_access_was_free",
        f"UPDATE enrollments_enrollment SET source = 'free' {_BOUGHT}"),
    lie("a price was another", "prices_are_remembered",
        "UPDATE courses_pricechange SET price = 0 WHERE course_id = '{plain.course}'"),
    lie("refunded access is open again", "bought_access_is_paid",
         "UPDATE enrollments_enrollment SET status = 'active' WHERE id = (SELECT enrollment_id "
         "FROM orders_orderitem WHERE id = '{whole.line}')"),
    lie("a reason against access is another enrolment's", "access_follows_its_reasons",
         "UPDATE enrollments_accesshold SET enrollment_id = (SELECT enrollment_id "
         "FROM orders_orderitem WHERE id = '{plain.line}') WHERE enrollment_id = (SELECT "
         "enrollment_id FROM orders_orderitem WHERE id = '{whole.line}') AND ended_at IS NULL"),
    lie("what a refund revoked only rests", "access_follows_its_reasons",
         "UPDATE enrollments_accesshold SET effect = 'suspended' WHERE cause = 'refund'"),
    lie("a reason is over that isn't", "access_follows_its_reasons",
         "UPDATE enrollments_accesshold SET ended_at = now() WHERE cause = 'dispute'"),
    lie("a reason is another dispute", "reason_against_access_stands",
         "UPDATE enrollments_accesshold SET object_id = gen_random_uuid() "
         "WHERE cause = 'dispute'"),
    lie("a refund's reason is a dispute's", "reason_against_access_stands",
         "UPDATE enrollments_accesshold SET cause = 'dispute' WHERE cause = 'refund'"),
    lie("a refund took what staff granted since", "reason_against_access_stands",
         "UPDATE enrollments_enrollment SET source = 'staff' WHERE id IN "
         "(SELECT enrollment_id FROM enrollments_accesshold WHERE cause = 'refund')"),
    lie("a course counts one student more", "students_are_counted",
         "UPDATE courses_coursestats SET student_count = student_count + 1 "
         "WHERE course_id = '{plain.course}'"),
    lie("a course counts a rating that nobody gave", "ratings_are_counted",
         "UPDATE courses_coursestats SET rating_count = 1, rating_sum = 5, rating_5 = 1 "
         "WHERE course_id = '{plain.course}'"),
)  # fmt: skip
