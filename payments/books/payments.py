"""Whose a payment's money is, and what goes back."""

from payments.books.invariant import Invariant, made_at, since

# Payments whose trouble staff was shown, whether or not they have dealt with it since (audited).
_SHOWN = """
    WITH shown AS (
        SELECT id::text FROM payments_payment WHERE needs_attention <> ''
        UNION
        SELECT target_id FROM core_auditentry
        WHERE target_type = 'payment' AND action = 'payment.attention_cleared'
    )
"""

# Who decided which refund of which order; and of refunds for courses owned already, what they name
# and whether it is such: booked as the buyer's, or of an order whose money a dispute had taken and
# whose course another order opened, too. (A line of a person who was erased opens nothing.)
_DECIDED = f"""
    {_SHOWN}, deed AS (
        SELECT details ->> 'refund' AS refund_id, target_id AS order_id, actor_id
        FROM core_auditentry WHERE action = 'order.refund_planned' AND target_type = 'order'
        UNION ALL
        SELECT deed.details ->> 'refund', request.order_id::text, deed.actor_id
        FROM core_auditentry deed
        JOIN payments_refundrequest request ON request.id::text = deed.target_id
        WHERE deed.action = 'refund_request.approved' AND deed.target_type = 'refund_request'
    ), again AS (
        SELECT item.id FROM payments_dispute dispute
        JOIN payments_payment payment ON payment.id = dispute.payment_id
        JOIN orders_orderitem item ON item.order_id = payment.order_id
        LEFT JOIN orders_orderitem other
             ON other.enrollment_id = item.enrollment_id AND other.order_id <> item.order_id
        WHERE item.enrollment_id IS NULL OR other.id IS NOT NULL
    ), named AS (
        SELECT line.refund_id, sum(line.amount) AS amount,
               bool_and(coalesce(sold.buyer_amount, 0) > 0
                        OR line.order_item_id IN (SELECT id FROM again)) AS are_owned
        FROM payments_refundline line
        JOIN payments_refund refund ON refund.id = line.refund_id
             AND refund.reason = 'already_owned'
        LEFT JOIN payments_saleline sold ON sold.order_item_id = line.order_item_id
        GROUP BY line.refund_id
    )
"""  # noqa: S608 (the text above)

PAYMENTS = (
    Invariant(
        name="payment_stands_for_an_order_or_goes_back",
        sentence="Each succeeded payment paid exactly one order, or all of it goes back, or staff "
        "was shown why it can't.",
        given=_SHOWN,
        query="""
            SELECT payment.stripe_payment_id AS subject, orders.order_number, orders.status,
                   payment.amount, payment.refunding_amount, payment.needs_attention
            FROM payments_payment payment JOIN orders_order orders ON orders.id = payment.order_id
            WHERE payment.status = 'succeeded'
              AND NOT (orders.payment_id = payment.stripe_payment_id
                       AND orders.status IN ('completed', 'refunded'))
              AND payment.refunding_amount <> payment.amount
              AND NOT (payment.id::text IN (SELECT id FROM shown) AND EXISTS (
                  SELECT FROM payments_refund refund
                  WHERE refund.payment_id = payment.id AND refund.status IN ('failed', 'canceled')
              ))
        """,
    ),
    Invariant(
        name="order_was_paid_once",
        sentence="Each completed or refunded order that cost something was paid by one succeeded "
        "payment of its own, in its amount and currency; no other order names a payment.",
        query="""
            SELECT orders.order_number AS subject, orders.status, orders.payment_id,
                   orders.total_amount, orders.currency, payment.amount,
                   payment.currency AS paid_in, payment.status AS payment_status
            FROM orders_order orders
            LEFT JOIN payments_payment payment
                   ON payment.stripe_payment_id = orders.payment_id
                  AND payment.order_id = orders.id
            WHERE CASE
                WHEN orders.status IN ('completed', 'refunded') AND orders.total_amount > 0
                THEN (payment.status, payment.amount, payment.currency)
                     IS DISTINCT FROM ('succeeded', orders.total_amount, orders.currency)
                ELSE orders.payment_id <> ''
            END
        """,
    ),
    Invariant(
        name="charge_is_its_payments",
        sentence="A succeeded payment has its charge; an order names that of the payment that paid "
        "it, and no two payments have the same.",
        query="""
            SELECT payment.stripe_payment_id AS subject, payment.stripe_charge_id,
                   orders.order_number, orders.transaction_id
            FROM payments_payment payment JOIN orders_order orders ON orders.id = payment.order_id
            LEFT JOIN (
                SELECT stripe_charge_id FROM payments_payment
                WHERE stripe_charge_id <> '' GROUP BY stripe_charge_id HAVING count(*) > 1
            ) shared ON shared.stripe_charge_id = payment.stripe_charge_id
            WHERE shared.stripe_charge_id IS NOT NULL
               OR (payment.status = 'succeeded' AND payment.stripe_charge_id = '')
               OR (orders.payment_id = payment.stripe_payment_id
                   AND orders.transaction_id <> payment.stripe_charge_id)
        """,
    ),
    Invariant(
        name="refunds_are_reserved",
        sentence="What is reserved of a payment for refunds is the sum of those due, pending and "
        "succeeded, and never more than the payment.",
        query="""
            SELECT payment.stripe_payment_id AS subject, payment.amount,
                   payment.refunding_amount, coalesce(live.amount, 0) AS refunds
            FROM payments_payment payment
            LEFT JOIN (
                SELECT payment_id, sum(amount) AS amount FROM payments_refund
                WHERE status IN ('due', 'pending', 'succeeded') GROUP BY payment_id
            ) live ON live.payment_id = payment.id
            WHERE payment.refunding_amount <> coalesce(live.amount, 0)
               OR payment.refunding_amount > payment.amount
        """,
    ),
    Invariant(
        name="refund_is_taken_into_account",
        sentence="A refund that Stripe has taken on was applied and isn't undone; one that failed "
        "isn't applied, or is undone.",
        query="""
            SELECT coalesce(refund.stripe_refund_id, refund.id::text) AS subject, refund.status,
                   refund.amount, refund.applied_at, refund.undone_at
            FROM payments_refund refund
            WHERE CASE
                WHEN refund.status IN ('pending', 'succeeded')
                THEN refund.applied_at IS NULL OR refund.undone_at IS NOT NULL
                ELSE refund.applied_at IS NOT NULL AND refund.undone_at IS NULL
            END
        """,
    ),
    Invariant(
        name="refund_lines_are_its_orders",
        sentence="A refund names lines of the order its payment is of, for no more than it gives.",
        query="""
            SELECT coalesce(refund.stripe_refund_id, refund.id::text) AS subject, refund.amount,
                   sum(line.amount) AS lines,
                   bool_and(item.order_id = payment.order_id) AS of_its_order
            FROM payments_refund refund
            JOIN payments_payment payment ON payment.id = refund.payment_id
            JOIN payments_refundline line ON line.refund_id = refund.id
            JOIN orders_orderitem item ON item.id = line.order_item_id
            GROUP BY refund.id
            HAVING sum(line.amount) > refund.amount
                OR NOT bool_and(item.order_id = payment.order_id)
        """,
    ),
    Invariant(
        name="refund_has_its_reason",
        sentence="Money goes back as late, twice or of the wrong amount only where it stands for "
        "no order, and for a course owned already only where it does.",
        query="""
            SELECT coalesce(refund.stripe_refund_id, refund.id::text) AS subject, refund.reason,
                   orders.order_number, orders.payment_id
            FROM payments_refund refund
            JOIN payments_payment payment ON payment.id = refund.payment_id
            JOIN orders_order orders ON orders.id = payment.order_id
            WHERE CASE
                WHEN orders.payment_id = payment.stripe_payment_id
                THEN refund.reason IN ('late_payment', 'duplicate_payment', 'amount_mismatch')
                ELSE refund.reason = 'already_owned'
            END
        """,
    ),
    Invariant(
        name="refund_was_decided",
        sentence="A refund is by somebody's decision in the audit trail, which names it, was made "
        "at Stripe, or is what the rules give back by themselves: undue money, lines of which the "
        "buyer owned the course or bought it again while a dispute had taken the money, or what "
        "staff was shown of such.",
        given=_DECIDED,
        query=f"""
            SELECT coalesce(refund.stripe_refund_id, refund.id::text) AS subject, refund.reason,
                   refund.amount, refund.requested_by_id
            FROM payments_refund refund
            JOIN payments_payment payment ON payment.id = refund.payment_id
            LEFT JOIN deed ON deed.refund_id = refund.id::text
                 AND deed.order_id = payment.order_id::text
                 AND deed.actor_id = coalesce(refund.requested_by_id, deed.actor_id)
            LEFT JOIN named ON named.refund_id = refund.id
            WHERE (refund.created_at > {since("refund_decided")}
                   OR refund.created_at < payment.created_at) AND NOT CASE
                WHEN refund.reason = 'requested' THEN deed.refund_id IS NOT NULL
                WHEN refund.requested_by_id IS NOT NULL THEN false
                WHEN refund.reason = 'at_stripe' THEN refund.stripe_refund_id IS NOT NULL
                WHEN refund.reason = 'already_owned' AND refund.status IN ('failed', 'canceled')
                THEN true
                WHEN refund.reason = 'already_owned' AND named.refund_id IS NULL
                THEN payment.id::text IN (SELECT id FROM shown)
                     AND payment.id IN (SELECT payment_id FROM payments_dispute)
                WHEN refund.reason = 'already_owned'
                THEN named.amount = refund.amount AND named.are_owned
                ELSE refund.reason IN ('late_payment', 'duplicate_payment', 'amount_mismatch')
            END
        """,  # noqa: S608 (the text above)
    ),
    Invariant(
        name="refund_request_is_of_its_order",
        sentence="A request asks for lines of its order, and the refund that answers it is of the "
        "same order; one that was granted or declined says when, and only a granted one has a "
        "refund that has gone.",
        query="""
            SELECT request.id AS subject, request.status, orders.order_number
            FROM payments_refundrequest request
            JOIN orders_order orders ON orders.id = request.order_id
            LEFT JOIN payments_refund refund ON refund.id = request.refund_id
            LEFT JOIN payments_payment payment ON payment.id = refund.payment_id
            WHERE payment.order_id <> request.order_id
               OR request.user_id <> orders.user_id
               OR (request.status = 'open') <> (request.decided_at IS NULL)
               OR (request.status = 'open' AND refund.applied_at IS NOT NULL)
               OR (request.status = 'declined' AND refund.status NOT IN ('failed', 'canceled'))
               OR EXISTS (
                   SELECT FROM payments_refundrequest_order_items wanted
                   JOIN orders_orderitem item ON item.id = wanted.orderitem_id
                   WHERE wanted.refundrequest_id = request.id
                     AND item.order_id <> request.order_id
               )
        """,
    ),
    Invariant(
        name="dispute_is_of_its_payment",
        sentence="A dispute is in its payment's currency, of a payment that succeeded, and closed "
        "exactly when it is decided.",
        query="""
            SELECT dispute.stripe_dispute_id AS subject, dispute.status, dispute.closed_at,
                   dispute.currency, payment.currency AS paid_in, payment.status AS payment
            FROM payments_dispute dispute
            JOIN payments_payment payment ON payment.id = dispute.payment_id
            WHERE dispute.currency <> payment.currency OR payment.status <> 'succeeded'
               OR (dispute.closed_at IS NULL)
                  = (dispute.status IN ('won', 'lost', 'warning_closed'))
        """,
    ),
    Invariant(
        name="owned_course_is_given_back",
        sentence="The money of a line whose course the buyer had already goes back, or staff was "
        "shown why it can't.",
        given=_SHOWN,
        query="""
            SELECT orders.order_number AS subject, item.title_at_purchase AS line,
                   item.price_at_purchase - item.discount_amount + item.tax_amount AS paid,
                   coalesce(back.amount, 0) AS going_back
            FROM orders_orderitem item
            JOIN orders_order orders ON orders.id = item.order_id
            JOIN payments_payment payment ON payment.stripe_payment_id = orders.payment_id
            LEFT JOIN (
                SELECT line.order_item_id, sum(line.amount) AS amount
                FROM payments_refundline line
                JOIN payments_refund refund ON refund.id = line.refund_id
                WHERE refund.status IN ('due', 'pending', 'succeeded')
                GROUP BY line.order_item_id
            ) back ON back.order_item_id = item.id
            WHERE orders.status = 'completed' AND item.state = 'canceled'
              AND item.price_at_purchase - item.discount_amount + item.tax_amount
                  > coalesce(back.amount, 0)
              AND payment.refunding_amount <> payment.amount
              AND NOT EXISTS (SELECT FROM shown WHERE shown.id = payment.id::text)
        """,
    ),
    Invariant(
        name="what_may_be_paid_is_looked_at",
        sentence="What may be paid is to be looked at within the day, and no debit for an order "
        "that isn't pending is under way for longer than any takes.",
        # The next look is an hour ahead at the most, by the clock of whoever plans it; a debit
        # takes three weeks, and a second one of an order that is paid or closed is rare.
        query=f"""
            SELECT payment.stripe_payment_id AS subject, payment.status, payment.stripe_status,
                   payment.next_check_at
            FROM payments_payment payment JOIN orders_order orders ON orders.id = payment.order_id
            WHERE (payment.status = 'pending'
                   OR payment.status = 'failed' AND payment.stripe_status NOT IN ('', 'canceled'))
              AND (payment.next_check_at > now() + interval '1 day'
                   OR payment.stripe_status = 'processing' AND orders.status <> 'pending'
                      AND {made_at("payment.id")} < now() - interval '90 days')
        """,  # noqa: S608 (the text above)
    ),
)
