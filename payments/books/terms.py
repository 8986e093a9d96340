"""Sales against the terms that were in force when they were made."""

from payments.books.invariant import Invariant, Scope

# Settings change process by process, and are written down by an hourly sweep.
_ABOUT = "interval '1 day'"
_TERMS = f"""
    WITH term AS (
        SELECT course_id, percent, hold, changed_at,
               coalesce(lead(changed_at) OVER (PARTITION BY course_id ORDER BY id), 'infinity')
                   + {_ABOUT} AS ended,
               changed_at - {_ABOUT} AS began
        FROM payments_term
    ), sold AS (
        SELECT line.*, item.course_id, item.title_at_purchase, payment.succeeded_at,
               line.percent IS NOT NULL
                   OR line.instructor_amount + line.platform_amount > 0
                      AND item.instructor_id IS NOT NULL AS is_shared,
               greatest(line.created_at, payment.succeeded_at) AS at
        FROM payments_saleline line
        JOIN payments_payment payment ON payment.id = line.payment_id
        JOIN orders_orderitem item ON item.id = line.order_item_id
    )
"""  # noqa: S608 (the text above)

TERMS = (
    Invariant(
        name="sale_follows_its_terms",
        sentence="An instructor's share of a line is the course's own, else the ordinary one, as "
        "it was when the line was sold, and so is how long it is held, as far as these are known.",
        # Lines of before say no percentage: their share is what one of then comes to.
        given=_TERMS,
        query="""
            SELECT sold.id AS subject, sold.title_at_purchase AS line, sold.percent, sold.at,
                   sold.available_at - sold.succeeded_at AS held
            FROM sold
            WHERE EXISTS (
                SELECT FROM term WHERE course_id IS NULL AND changed_at + ABOUT <= sold.at
            )
              AND (
                sold.is_shared AND NOT EXISTS (
                    SELECT FROM term
                    WHERE sold.at BETWEEN began AND ended AND coalesce(
                        term.percent = sold.percent,
                        sold.instructor_amount = round(
                            (sold.instructor_amount + sold.platform_amount) * term.percent / 100, 2)
                    ) AND (
                        term.course_id = sold.course_id OR term.course_id IS NULL AND NOT EXISTS (
                            SELECT FROM term own WHERE own.course_id = sold.course_id
                              AND own.percent IS NOT NULL AND own.changed_at < sold.at - ABOUT
                              AND own.ended - ABOUT > sold.at + ABOUT
                        ))
                )
                OR sold.available_at IS NOT NULL AND NOT EXISTS (
                    SELECT FROM term WHERE course_id IS NULL AND sold.at BETWEEN began AND ended
                      AND abs(extract(epoch FROM sold.available_at - sold.succeeded_at - hold)) < 1
                )
              )
        """.replace("ABOUT", _ABOUT),
    ),
    Invariant(
        name="shares_are_remembered",
        scope=Scope.WHOLE,
        sentence="A course's own share is its last term, and terms are in the order of their "
        "dates.",
        query="""
            SELECT coalesce(share.course_id, last.course_id) AS subject, share.percent,
                   last.percent AS remembered
            FROM payments_revenueshare share
            FULL JOIN (
                SELECT DISTINCT ON (course_id) course_id, percent FROM payments_term
                WHERE course_id IS NOT NULL ORDER BY course_id, id DESC
            ) last ON last.course_id = share.course_id
            WHERE share.percent IS DISTINCT FROM last.percent
            UNION ALL
            SELECT NULL, percent, NULL FROM (
                SELECT percent, changed_at, lag(changed_at) OVER (ORDER BY id) AS before
                FROM payments_term
            ) term WHERE changed_at < before - interval '1 minute'
        """,
    ),
)
