"""What an order says of itself: its sums, its states, its coupon."""

from payments.books.invariant import Invariant

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
        sentence="A coupon isn't used more often than it may be. (A limit lowered afterwards "
        "takes nothing back.)",
        query="""
            SELECT coupon.code AS subject, coupon.max_redemptions, count(*) AS used
            FROM orders_coupon coupon
            JOIN orders_couponredemption redemption ON redemption.coupon_id = coupon.id
            WHERE coupon.max_redemptions IS NOT NULL
            GROUP BY coupon.id
            HAVING count(*) > coupon.max_redemptions
               AND max(redemption.created_at) > coupon.updated_at
        """,
    ),
    Invariant(
        name="coupon_within_a_persons_limit",
        sentence="Nobody uses a coupon more often than one person may.",
        query="""
            SELECT coupon.code AS subject, redemption.user_id,
                   coupon.max_redemptions_per_person, count(*) AS used
            FROM orders_coupon coupon
            JOIN orders_couponredemption redemption ON redemption.coupon_id = coupon.id
            WHERE coupon.max_redemptions_per_person IS NOT NULL AND redemption.user_id IS NOT NULL
            GROUP BY coupon.id, redemption.user_id
            HAVING count(*) > coupon.max_redemptions_per_person
               AND max(redemption.created_at) > coupon.updated_at
        """,
    ),
)
