"""What was agreed when something was ordered, against what was on offer then."""

from payments.books.invariant import Invariant
from payments.books.teaching import OF_OTHERS, ORDERED, remembered

AGREED = (
    Invariant(
        name="line_costs_what_its_course_did",
        sentence="A line has a price that its course had when it was ordered, as far as its "
        "prices are known.",
        given=f"WITH {ORDERED}, {remembered('prices', 'price', 'courses_pricechange')}",
        query="""
            SELECT ordered.order_number AS subject, ordered.line, ordered.price_at_purchase,
                   ordered.at
            FROM ordered
            WHERE EXISTS (
                SELECT FROM prices WHERE prices.course_id = ordered.course_id
                AND prices.earliest <= ordered.at
            ) AND NOT EXISTS (
                SELECT FROM prices WHERE prices.course_id = ordered.course_id
                AND prices.price = ordered.price_at_purchase AND prices.earliest <= ordered.at
                AND coalesce(prices.latest, 'infinity') >= ordered.at
            )
        """,
    ),
    Invariant(
        name="line_is_of_who_taught_its_course",
        sentence="A line is of who taught its course when it was ordered, as far as that is known, "
        "and nobody's only once they are erased.",
        given=f"WITH {OF_OTHERS}",
        query="SELECT order_number AS subject, line, instructor_id, at FROM of_others",
    ),
    Invariant(
        name="instructors_are_remembered",
        sentence="A course is taught by whom its last change of instructor names.",
        query="""
            SELECT course.slug AS subject, course.instructor_id, last.instructor_id AS remembered
            FROM courses_course course
            JOIN (
                SELECT DISTINCT ON (course_id) course_id, instructor_id
                FROM courses_instructorchange ORDER BY course_id, changed_at DESC, id DESC
            ) last ON last.course_id = course.id
            WHERE last.instructor_id <> course.instructor_id
        """,
    ),
    Invariant(
        name="tax_is_by_its_rate",
        sentence="Each tax that an order names is its rate of what the order costs less its "
        "discount, to the cent.",
        query="""
            SELECT orders.order_number AS subject, tax.line ->> 'name' AS tax,
                   tax.line ->> 'rate' AS rate, tax.line ->> 'amount' AS amount, costs.net
            FROM orders_order orders
            CROSS JOIN LATERAL (VALUES (orders.subtotal - orders.discount_amount)) costs(net)
            CROSS JOIN LATERAL jsonb_array_elements(orders.tax_lines) tax(line)
            WHERE (tax.line ->> 'amount')::numeric
                  <> round(costs.net * (tax.line ->> 'rate')::numeric / 100, 2)
        """,
    ),
    Invariant(
        name="line_bears_its_part_of_the_tax",
        sentence="A line bears of each of its order's taxes the part that it is of the order, but "
        "for a cent of rounding.",
        query="""
            SELECT orders.order_number AS subject, item.title_at_purchase AS line, item.tax_amount,
                   item.price_at_purchase - item.discount_amount AS net,
                   orders.tax_amount AS of_order
            FROM orders_orderitem item JOIN orders_order orders ON orders.id = item.order_id
            WHERE abs(item.tax_amount - orders.tax_amount
                      * (item.price_at_purchase - item.discount_amount)
                      / nullif(orders.subtotal - orders.discount_amount, 0))
                  > 0.01 * jsonb_array_length(orders.tax_lines)
        """,
    ),
    Invariant(
        name="discount_is_a_coupons",
        sentence="An order has a discount only by a coupon.",
        query="""
            SELECT orders.order_number AS subject, orders.status, orders.discount_amount
            FROM orders_order orders
            WHERE orders.discount_amount > 0 AND orders.coupon_id IS NULL
        """,
    ),
)
