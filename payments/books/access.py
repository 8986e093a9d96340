"""Who may learn what, against what was paid; and what is counted of it."""

from payments.books.invariant import Invariant

# The lines of completed orders that give access. One whose payment is disputed, or was lost that
# way, gives none, nor does one whose enrolment staff took away since (audited).
_STANDING = """
    WITH standing AS (
        SELECT item.id, item.course_id, item.enrollment_id, item.title_at_purchase AS line,
               orders.order_number, orders.user_id
        FROM orders_orderitem item JOIN orders_order orders ON orders.id = item.order_id
        WHERE item.state = 'fulfilled' AND orders.status = 'completed'
          AND orders.user_id IS NOT NULL
          AND NOT EXISTS (
              SELECT FROM payments_dispute dispute
              JOIN payments_payment payment ON payment.id = dispute.payment_id
              WHERE payment.stripe_payment_id = orders.payment_id
                AND payment.order_id = orders.id
                AND (dispute.status = 'lost'
                     OR dispute.closed_at IS NULL AND dispute.status NOT LIKE 'warning%')
          )
          AND NOT EXISTS (
              SELECT FROM core_auditentry deed
              WHERE deed.target_type = 'enrollment' AND deed.target_id = item.enrollment_id::text
                AND deed.action IN ('enrollment.revoked', 'enrollment.suspended')
                AND deed.actor_id IS NOT NULL AND deed.created_at >= orders.completed_at
          )
    )
"""

ACCESS = (
    Invariant(
        name="paid_line_opens_its_course",
        sentence="Each fulfilled line of a completed order has the buyer's active enrolment in its "
        "course, unless the money is disputed or staff took the course away.",
        given=_STANDING,
        query="""
            SELECT standing.order_number AS subject, standing.line, enrollment.status,
                   enrollment.id AS enrollment
            FROM standing
            LEFT JOIN enrollments_enrollment enrollment
                   ON enrollment.id = standing.enrollment_id
                  AND enrollment.user_id = standing.user_id
                  AND enrollment.course_id = standing.course_id
            WHERE enrollment.status IS DISTINCT FROM 'active'
        """,
    ),
    Invariant(
        name="bought_access_is_paid",
        sentence="Each active enrolment that was bought stands on a fulfilled line.",
        query="""
            SELECT enrollment.id AS subject, enrollment.user_id, enrollment.course_id
            FROM enrollments_enrollment enrollment
            WHERE enrollment.status = 'active' AND enrollment.source = 'purchase'
              AND NOT EXISTS (
                  SELECT FROM orders_orderitem item
                  JOIN orders_order orders ON orders.id = item.order_id
                  WHERE item.enrollment_id = enrollment.id AND item.state = 'fulfilled'
                    AND orders.status = 'completed'
              )
        """,
    ),
    Invariant(
        name="course_is_paid_once",
        sentence="Nobody has paid twice for a course and is kept charged.",
        given=_STANDING,
        query="""
            SELECT standing.user_id AS subject, standing.course_id, count(*) AS lines,
                   string_agg(standing.order_number, ', ' ORDER BY standing.order_number) AS orders
            FROM standing GROUP BY standing.user_id, standing.course_id HAVING count(*) > 1
        """,
    ),
    Invariant(
        name="students_are_counted",
        sentence="A course's number of students is that of its active enrolments.",
        query="""
            SELECT course.slug AS subject, coalesce(stats.student_count, 0) AS stored,
                   coalesce(counted.students, 0) AS counted
            FROM courses_course course
            LEFT JOIN courses_coursestats stats ON stats.course_id = course.id
            LEFT JOIN (
                SELECT course_id, count(*) AS students FROM enrollments_enrollment
                WHERE status = 'active' GROUP BY course_id
            ) counted ON counted.course_id = course.id
            WHERE coalesce(stats.student_count, 0) <> coalesce(counted.students, 0)
        """,
    ),
    Invariant(
        name="ratings_are_counted",
        sentence="A course's number and sum of ratings are those of its reviews.",
        query="""
            SELECT course.slug AS subject, stats.rating_count, stats.rating_sum,
                   counted.ratings, counted.stars
            FROM courses_course course
            LEFT JOIN courses_coursestats stats ON stats.course_id = course.id
            LEFT JOIN (
                SELECT course_id, count(*) AS ratings, sum(rating) AS stars
                FROM reviews_review GROUP BY course_id
            ) counted ON counted.course_id = course.id
            WHERE (coalesce(stats.rating_count, 0), coalesce(stats.rating_sum, 0))
                  <> (coalesce(counted.ratings, 0), coalesce(counted.stars, 0))
        """,
    ),
)
