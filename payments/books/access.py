"""Who may learn what, against what was paid; and what is counted of it."""

from payments.books.invariant import CLOCKS, Invariant, Scope

# The lines of completed orders that give access. One whose payment is disputed, or was lost that
# way, gives none.
_STANDING = """
    WITH standing AS (
        SELECT item.id, item.course_id, item.enrollment_id, item.title_at_purchase AS line,
               orders.order_number, orders.user_id, orders.completed_at
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
    )
"""

ACCESS = (
    Invariant(
        name="paid_line_opens_its_course",
        sentence="Each fulfilled line of a completed order has the buyer's active enrolment in its "
        "course, unless the money is disputed or staff hold it.",
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
              AND NOT EXISTS (
                  SELECT FROM enrollments_accesshold hold
                  WHERE hold.enrollment_id = enrollment.id AND hold.cause = 'staff'
                    AND hold.ended_at IS NULL
              )
        """,
    ),
    Invariant(
        name="order_of_nobody_opens_nothing",
        sentence="An order is nobody's only once its buyer is erased, with whatever it opened.",
        query="""
            SELECT orders.order_number AS subject, item.title_at_purchase AS line,
                   item.enrollment_id AS enrollment
            FROM orders_orderitem item JOIN orders_order orders ON orders.id = item.order_id
            WHERE orders.user_id IS NULL AND item.enrollment_id IS NOT NULL
        """,
    ),
    Invariant(
        name="access_follows_its_reasons",
        sentence="An enrolment is revoked when one of its open reasons revokes it, else suspended "
        "when there is one, and active without any.",
        query="""
            SELECT enrollment.id AS subject, enrollment.status,
                   coalesce(open.reasons, '') AS reasons
            FROM enrollments_enrollment enrollment
            LEFT JOIN (
                SELECT enrollment_id, bool_or(effect = 'revoked') AS revokes,
                       string_agg(cause || ': ' || effect, ', ' ORDER BY created_at) AS reasons
                FROM enrollments_accesshold WHERE ended_at IS NULL GROUP BY enrollment_id
            ) open ON open.enrollment_id = enrollment.id
            WHERE enrollment.status <> CASE
                WHEN open.enrollment_id IS NULL THEN 'active'
                WHEN open.revokes THEN 'revoked' ELSE 'suspended'
            END
        """,
    ),
    Invariant(
        name="reason_against_access_stands",
        sentence="What a dispute or a refund holds ends with it: the dispute is open or lost, the "
        "refund was made and isn't undone, and both are of an order that opened the course, which "
        "was neither granted nor taken for free since.",
        query="""
            SELECT hold.enrollment_id AS subject, hold.cause, hold.object_id,
                   coalesce(dispute.status, refund.status) AS status
            FROM enrollments_accesshold hold
            JOIN enrollments_enrollment enrollment ON enrollment.id = hold.enrollment_id
            LEFT JOIN payments_dispute dispute
                   ON hold.cause = 'dispute' AND dispute.id = hold.object_id
                  AND dispute.status <> 'won' AND dispute.status NOT LIKE 'warning%'
            LEFT JOIN payments_refund refund
                   ON hold.cause = 'refund' AND refund.id = hold.object_id
                  AND refund.applied_at IS NOT NULL AND refund.undone_at IS NULL
            WHERE hold.cause <> 'staff' AND hold.ended_at IS NULL
              AND (enrollment.source <> 'purchase' OR NOT EXISTS (
                  SELECT FROM payments_payment payment
                  JOIN orders_orderitem item ON item.order_id = payment.order_id
                  WHERE payment.id IN (dispute.payment_id, refund.payment_id)
                    AND item.enrollment_id = hold.enrollment_id
              ))
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
        name="free_access_was_free",
        sentence="Whoever enrolled for free did so while the course cost nothing, as far as its "
        "prices are known.",
        given=f"""
            WITH prices AS (
                SELECT course_id, price, changed_at - {CLOCKS} AS earliest,
                       lead(changed_at) OVER (
                           PARTITION BY course_id ORDER BY changed_at, id
                       ) + {CLOCKS} AS latest
                FROM courses_pricechange
            )
        """,  # noqa: S608 (the text above)
        query="""
            SELECT enrollment.id AS subject, enrollment.user_id, course.slug, enrollment.at
            FROM (
                SELECT enrolled.*, moment.at FROM enrollments_enrollment enrolled
                CROSS JOIN LATERAL (
                    -- One that came back has another date than its row.
                    VALUES (enrolled.enrolled_at), (CASE WHEN enrolled.enrolled_at
                        <= enrolled.created_at THEN enrolled.created_at END)
                ) moment(at) WHERE enrolled.source = 'free'
            ) enrollment
            JOIN courses_course course ON course.id = enrollment.course_id
            WHERE EXISTS (
                SELECT FROM prices WHERE prices.course_id = enrollment.course_id
                AND prices.earliest <= enrollment.at
            )
              AND NOT EXISTS (
                  SELECT FROM prices WHERE prices.course_id = enrollment.course_id
                  AND prices.price = 0 AND prices.earliest <= enrollment.at
                  AND coalesce(prices.latest, 'infinity') >= enrollment.at
              )
        """,
    ),
    Invariant(
        name="staffs_grant_is_audited",
        sentence="Whoever was given a course by staff was given it by a deed of somebody in the "
        "audit trail, of when they were enrolled and of after what opened it before was paid.",
        # A deed of long ago would else stand for whatever became of it since. One clock dates
        # enrolment and deed, in this order.
        query=f"""
            SELECT enrollment.id AS subject, enrollment.user_id, enrollment.status,
                   enrollment.enrolled_at
            FROM enrollments_enrollment enrollment
            WHERE enrollment.source = 'staff' AND NOT EXISTS (
                SELECT FROM core_auditentry deed
                WHERE deed.target_type = 'enrollment' AND deed.target_id = enrollment.id::text
                  AND deed.action = 'enrollment.granted' AND deed.actor_id IS NOT NULL
                  AND deed.created_at BETWEEN enrollment.enrolled_at
                      AND enrollment.enrolled_at + {CLOCKS}
                  AND NOT EXISTS (
                      SELECT FROM orders_orderitem item
                      JOIN orders_order orders ON orders.id = item.order_id
                      WHERE item.enrollment_id = enrollment.id
                        AND orders.completed_at > deed.created_at + {CLOCKS}
                  )
            )
        """,  # noqa: S608 (the text above)
    ),
    Invariant(
        name="staffs_reason_is_audited",
        sentence="What somebody of staff holds against access is a deed of theirs in the audit "
        "trail, of when it began.",
        query=f"""
            SELECT hold.enrollment_id AS subject, hold.effect, hold.actor_id, hold.created_at
            FROM enrollments_accesshold hold
            WHERE hold.cause = 'staff' AND hold.ended_at IS NULL AND hold.actor_id IS NOT NULL
              AND NOT EXISTS (
                  SELECT FROM core_auditentry deed
                  WHERE deed.target_type = 'enrollment'
                    AND deed.target_id = hold.enrollment_id::text
                    AND deed.action = 'enrollment.' || hold.effect
                    AND deed.actor_id = hold.actor_id
                    AND deed.created_at BETWEEN hold.created_at AND hold.created_at + {CLOCKS}
              )
        """,  # noqa: S608 (the text above)
    ),
    Invariant(
        name="prices_are_remembered",
        sentence="A course costs what its last change of price says.",
        query="""
            SELECT course.slug AS subject, course.price, last.price AS remembered
            FROM courses_course course
            JOIN (
                SELECT DISTINCT ON (course_id) course_id, price FROM courses_pricechange
                ORDER BY course_id, changed_at DESC, id DESC
            ) last ON last.course_id = course.id
            WHERE last.price <> course.price
        """,
    ),
    Invariant(
        name="course_is_paid_once",
        sentence="Nobody has paid twice for a course and is kept charged, unless staff took it "
        "away in between.",
        given=_STANDING,
        query="""
            SELECT standing.user_id AS subject, standing.course_id, count(*) AS lines,
                   string_agg(standing.order_number, ', ' ORDER BY standing.order_number) AS orders
            FROM standing
            WHERE NOT EXISTS (
                SELECT FROM core_auditentry deed
                WHERE deed.target_type = 'enrollment'
                  AND deed.target_id = standing.enrollment_id::text
                  AND deed.action IN ('enrollment.revoked', 'enrollment.suspended')
                  AND deed.actor_id IS NOT NULL AND deed.created_at >= standing.completed_at
            )
            GROUP BY standing.user_id, standing.course_id HAVING count(*) > 1
        """,
    ),
    Invariant(
        name="students_are_counted",
        scope=Scope.COUNT,
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
        scope=Scope.COUNT,
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
