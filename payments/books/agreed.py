"""What was agreed when something was ordered, against what was on offer then."""

from payments.books.invariant import CLOCKS, Invariant

# When a line was ordered: as its order says, and as its own key does (a UUIDv7, whose first 48 bits
# are milliseconds).
_ORDERED = """
    ordered AS (
        SELECT orders.order_number, item.title_at_purchase AS line, item.course_id,
               item.price_at_purchase, item.instructor_id, moment.at
        FROM orders_orderitem item JOIN orders_order orders ON orders.id = item.order_id
        CROSS JOIN LATERAL (VALUES (orders.created_at), (to_timestamp((
            'x' || left(replace(item.id::text, '-', ''), 12))::bit(48)::bigint / 1000.0)
        )) moment(at)
    )
"""


def _remembered(name: str, column: str, table: str) -> str:
    """What a course had of something, from when to when at the most: what is first known of it has
    no beginning."""
    return f"""
        {name} AS (
            SELECT course_id, {column}, changed_at - {CLOCKS} AS earliest,
                   lead(changed_at) OVER (
                       PARTITION BY course_id ORDER BY changed_at, id
                   ) + {CLOCKS} AS latest
            FROM {table}
        )
    """  # noqa: S608 (own texts)


AGREED = (
    Invariant(
        name="line_costs_what_its_course_did",
        sentence="A line has a price that its course had when it was ordered, as far as its "
        "prices are known.",
        given=f"WITH {_ORDERED}, {_remembered('prices', 'price', 'courses_pricechange')}",
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
        sentence="A line is of nobody else than who taught its course when it was ordered, as far "
        "as that is known.",
        given=f"WITH {_ORDERED}, "
        f"{_remembered('teachers', 'instructor_id', 'courses_instructorchange')}",
        query="""
            SELECT ordered.order_number AS subject, ordered.line, ordered.instructor_id, ordered.at
            FROM ordered
            WHERE ordered.instructor_id IS NOT NULL AND EXISTS (
                SELECT FROM teachers WHERE teachers.course_id = ordered.course_id
                AND teachers.earliest <= ordered.at
            ) AND NOT EXISTS (
                SELECT FROM teachers WHERE teachers.course_id = ordered.course_id
                AND teachers.instructor_id = ordered.instructor_id
                AND teachers.earliest <= ordered.at
                AND coalesce(teachers.latest, 'infinity') >= ordered.at
            )
        """,
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
