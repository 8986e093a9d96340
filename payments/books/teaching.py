"""Who taught what was ordered, and lines that are nobody's though somebody taught their course."""

from payments.books.invariant import CLOCKS, made_at

# When a line was ordered: as its order says, and as its own key does.
ORDERED = f"""
    ordered AS (
        SELECT orders.order_number, item.id, item.title_at_purchase AS line, item.course_id,
               item.price_at_purchase, item.instructor_id, moment.at
        FROM orders_orderitem item JOIN orders_order orders ON orders.id = item.order_id
        CROSS JOIN LATERAL (VALUES (orders.created_at), ({made_at("item.id")})) moment(at)
    )
"""  # noqa: S608 (own texts)


def remembered(name: str, column: str, table: str) -> str:
    """Return a query, named `name`, of what a course had of something, from when to when at the
    most: what is first known of it has no beginning."""
    return f"""
        {name} AS (
            SELECT course_id, {column}, changed_at - {CLOCKS} AS earliest,
                   lead(changed_at) OVER (
                       PARTITION BY course_id ORDER BY changed_at, id
                   ) + {CLOCKS} AS latest
            FROM {table}
        )
    """  # noqa: S608 (own texts)


TEACHERS = remembered("teachers", "instructor_id", "courses_instructorchange")
# Lines of whoever didn't teach their course when it was ordered, as far as that is known. One is
# nobody's only where who taught it is erased.
OF_OTHERS = f"""
    {ORDERED}, {TEACHERS}, of_others AS (
        SELECT ordered.* FROM ordered
        WHERE EXISTS (
            SELECT FROM teachers WHERE teachers.course_id = ordered.course_id
            AND teachers.earliest <= ordered.at
        ) AND NOT EXISTS (
            SELECT FROM teachers WHERE teachers.course_id = ordered.course_id
            AND teachers.earliest <= ordered.at
            AND coalesce(teachers.latest, 'infinity') >= ordered.at
            AND (teachers.instructor_id = ordered.instructor_id
                 OR ordered.instructor_id IS NULL AND NOT EXISTS (
                     SELECT FROM users_user person WHERE person.id = teachers.instructor_id))
        )
    )
"""  # noqa: S608 (the text above)
