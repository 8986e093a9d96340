"""What an order says of itself: its sums, its states, its coupon."""

from payments.books.invariant import Invariant, Scope

_PAID = "(item.price_at_purchase - item.discount_amount + item.tax_amount)"

ORDERS = (
    Invariant(
        name="order_adds_up",
        sentence="An order's total is subtotal less discount with tax, and what its lines cost.",
        query="""
            SELECT orders.order_number AS subject, orders.subtotal, orders.discount_amount,
                   orders.tax_amount, orders.total_amount, lines.price, lines.discount, lines.tax
            FROM orders_order orders
            LEFT JOIN (
                SELECT order_id, sum(price_at_purchase) AS price, sum(discount_amount) AS discount,
                       sum(tax_amount) AS tax
                FROM orders_orderitem GROUP BY order_id
            ) lines ON lines.order_id = orders.id
            WHERE orders.total_amount
                  <> orders.subtotal - orders.discount_amount + orders.tax_amount
               OR (orders.subtotal, orders.discount_amount, orders.tax_amount)
                  IS DISTINCT FROM (lines.price, lines.discount, lines.tax)
        """,
    ),
    Invariant(
        name="lines_follow_their_order",
        sentence="A pending order has pending lines, a failed one canceled, a refunded one "
        "refunded, a completed one none that is pending.",
        query="""
            SELECT orders.order_number AS subject, orders.status, item.state,
                   item.title_at_purchase AS line
            FROM orders_orderitem item JOIN orders_order orders ON orders.id = item.order_id
            WHERE NOT CASE orders.status
                WHEN 'pending' THEN item.state = 'pending'
                WHEN 'failed' THEN item.state = 'canceled'
                WHEN 'refunded' THEN item.state = 'refunded'
                ELSE item.state <> 'pending'
            END
        """,
    ),
    Invariant(
        name="order_refunds_add_up",
        sentence="An order's refunded amount is what was refunded of the payment that paid it, and "
        "its lines' refunded amounts are within it.",
        query="""
            SELECT orders.order_number AS subject, orders.status, orders.refunded_amount,
                   coalesce(refunds.amount, 0) AS refunds, coalesce(lines.amount, 0) AS lines
            FROM orders_order orders
            LEFT JOIN (
                SELECT payment.stripe_payment_id, payment.order_id, sum(refund.amount) AS amount
                FROM payments_refund refund
                JOIN payments_payment payment ON payment.id = refund.payment_id
                WHERE refund.applied_at IS NOT NULL AND refund.undone_at IS NULL
                GROUP BY payment.id
            ) refunds ON refunds.stripe_payment_id = orders.payment_id
                     AND refunds.order_id = orders.id
            LEFT JOIN (
                SELECT order_id, sum(refunded_amount) AS amount
                FROM orders_orderitem GROUP BY order_id
            ) lines ON lines.order_id = orders.id
            WHERE orders.refunded_amount <> coalesce(refunds.amount, 0)
               OR coalesce(lines.amount, 0) > orders.refunded_amount
               OR (orders.status = 'refunded' AND orders.refunded_amount <> orders.total_amount)
               OR (orders.status = 'completed' AND orders.total_amount > 0
                   AND orders.refunded_amount = orders.total_amount)
        """,
    ),
    Invariant(
        name="order_says_its_taxes",
        sentence="The taxes that an order names add up to its tax.",
        query="""
            SELECT orders.order_number AS subject, orders.tax_amount, named.amount AS named
            FROM orders_order orders CROSS JOIN LATERAL (
                SELECT coalesce(sum((line ->> 'amount')::numeric), 0) AS amount
                FROM jsonb_array_elements(orders.tax_lines) line
            ) named
            WHERE named.amount <> orders.tax_amount
        """,
    ),
    Invariant(
        name="money_on_its_way_keeps_its_order",
        sentence="A pending order is left alone as long as a payment of it is on its way, and only "
        "a pending order with a payment that may still bring money is.",
        query="""
            SELECT orders.order_number AS subject, orders.status, orders.payment_in_progress_since
            FROM orders_order orders
            WHERE (orders.payment_in_progress_since IS NOT NULL AND (
                    orders.status <> 'pending' OR NOT EXISTS (
                        SELECT FROM payments_payment payment WHERE payment.order_id = orders.id
                        AND payment.stripe_status NOT IN ('', 'canceled', 'succeeded')
                    )))
               OR (orders.status = 'pending' AND orders.payment_in_progress_since IS NULL
                   AND orders.id IN (
                       SELECT order_id FROM payments_payment WHERE stripe_status = 'processing'
                   ))
        """,
    ),
    Invariant(
        name="line_is_back_when_its_money_is",
        sentence="Of a line went back what the order's refunds name it for, or all once the order "
        "is wholly back; it is refunded exactly when all that was paid for it is back.",
        query=f"""
            SELECT orders.order_number AS subject, item.title_at_purchase AS line, item.state,
                   item.refunded_amount, {_PAID} AS paid, coalesce(back.amount, 0) AS back
            FROM orders_orderitem item
            JOIN orders_order orders ON orders.id = item.order_id
            LEFT JOIN (
                SELECT line.order_item_id, payment.stripe_payment_id, sum(line.amount) AS amount
                FROM payments_refundline line
                JOIN payments_refund refund ON refund.id = line.refund_id
                JOIN payments_payment payment ON payment.id = refund.payment_id
                WHERE refund.applied_at IS NOT NULL AND refund.undone_at IS NULL
                GROUP BY line.order_item_id, payment.stripe_payment_id
            ) back ON back.order_item_id = item.id
                  AND back.stripe_payment_id = orders.payment_id
            WHERE item.refunded_amount <> CASE orders.status
                    WHEN 'refunded' THEN {_PAID} ELSE coalesce(back.amount, 0) END
               OR (item.state = 'refunded' AND item.refunded_amount <> {_PAID})
               OR (item.state <> 'refunded' AND item.refunded_amount = {_PAID} AND {_PAID} > 0)
        """,  # noqa: S608 (the text above)
    ),
    Invariant(
        name="coupon_uses_are_live_orders",
        sentence="A coupon is used by exactly the orders that carry it and are pending, completed "
        "or refunded.",
        query="""
            SELECT coalesce(orders.order_number, redemption.id::text) AS subject, orders.status,
                   orders.coupon_id AS of_order, redemption.coupon_id AS of_redemption
            FROM (SELECT * FROM orders_order
                  WHERE coupon_id IS NOT NULL AND status <> 'failed') orders
            FULL JOIN orders_couponredemption redemption ON redemption.order_id = orders.id
            WHERE orders.coupon_id IS DISTINCT FROM redemption.coupon_id
               OR orders.user_id IS DISTINCT FROM redemption.user_id
        """,
    ),
    Invariant(
        name="coupon_within_its_limit",
        sentence="A coupon isn't used more often than it may be.",
        query="""
            SELECT coupon.code AS subject, coupon.max_redemptions, coupon.used_count
            FROM orders_coupon coupon WHERE coupon.used_count > coupon.max_redemptions
        """,
    ),
    Invariant(
        name="coupon_uses_are_counted",
        scope=Scope.COUNT,
        sentence="A coupon counts as many uses as it has redemptions.",
        query="""
            SELECT coupon.code AS subject, coupon.used_count, coalesce(used.times, 0) AS redemptions
            FROM orders_coupon coupon
            LEFT JOIN (
                SELECT coupon_id, count(*) AS times FROM orders_couponredemption GROUP BY coupon_id
            ) used ON used.coupon_id = coupon.id
            WHERE coupon.used_count <> coalesce(used.times, 0)
        """,
    ),
    Invariant(
        name="coupon_within_a_persons_limit",
        scope=Scope.PEOPLE,
        sentence="Nobody uses a coupon more often than one person may.",
        query="""
            SELECT coupon.code AS subject, redemption.user_id,
                   coupon.max_redemptions_per_person, count(*) AS used
            FROM orders_coupon coupon
            JOIN orders_couponredemption redemption ON redemption.coupon_id = coupon.id
            WHERE coupon.max_redemptions_per_person IS NOT NULL AND redemption.user_id IS NOT NULL
            GROUP BY coupon.id, redemption.user_id
            HAVING count(*) > coupon.max_redemptions_per_person
        """,
    ),
)
