"""Whose the money is, entry by entry: by the order's lines, and by the rules of giving back."""

from payments.books.invariant import Invariant, since
from payments.books.teaching import OF_OTHERS

_PAID = "(item.price_at_purchase - item.discount_amount + item.tax_amount)"

# Who holds what of a payment's money: the platform's losses stand for no line and are apart.
_HELD = """
    WITH shares AS (
        SELECT movement.payment_id, movement.id AS movement_id, movement.kind, movement.reference,
               entry.order_item_id, entry.account, entry.instructor_id, entry.amount
        FROM payments_ledgerentry entry
        JOIN payments_ledgertransaction movement ON movement.id = entry.transaction_id
        WHERE movement.payment_id IS NOT NULL
          AND entry.account IN ('instructor', 'platform', 'tax', 'buyers')
          AND (entry.account <> 'platform' OR entry.order_item_id IS NOT NULL)
    )
"""
# A line's money by account as it was sold, each movement that touched the line since, and how many
# there were: each may be a cent off, in the rounding of what is left.
_GIVEN_BACK = f"""
    {_HELD}, sold AS (
        SELECT order_item_id, account, instructor_id, -sum(amount) AS amount,
               sum(-sum(amount)) OVER (PARTITION BY order_item_id) AS of_line
        FROM shares WHERE kind = 'sale' GROUP BY order_item_id, account, instructor_id
    ), taken AS (
        SELECT movement_id, reference, order_item_id, account, instructor_id, sum(amount) AS amount
        FROM shares WHERE kind <> 'sale' AND order_item_id IS NOT NULL
        GROUP BY movement_id, reference, order_item_id, account, instructor_id
    ), touching AS (
        SELECT movement_id, reference, order_item_id, sum(amount) AS amount,
               count(*) OVER (PARTITION BY order_item_id) AS movements
        FROM taken GROUP BY movement_id, reference, order_item_id
    )
"""  # noqa: S608 (the text above)

SHARES = (
    Invariant(
        name="entry_has_its_owner",
        sentence="An entry stands for a line of its payment's order, and an instructor's is of who "
        "taught it, or of whose payout it is; only losses and undue money stand for no line.",
        query="""
            SELECT movement.reference AS subject, entry.account, entry.amount, entry.instructor_id,
                   entry.order_item_id
            FROM payments_ledgerentry entry
            JOIN payments_ledgertransaction movement ON movement.id = entry.transaction_id
            LEFT JOIN payments_payment payment ON payment.id = movement.payment_id
            LEFT JOIN orders_orderitem item ON item.id = entry.order_item_id
            LEFT JOIN payments_payout payout ON payout.id = movement.payout_id
            LEFT JOIN payments_payoutaccount account ON account.id = payout.account_id
            WHERE (entry.order_item_id IS NOT NULL
                   AND item.order_id IS DISTINCT FROM payment.order_id)
               OR CASE entry.account
                   WHEN 'instructor' THEN entry.instructor_id IS DISTINCT FROM
                        CASE WHEN movement.payout_id IS NULL THEN item.instructor_id
                             ELSE account.instructor_id END
                   WHEN 'tax' THEN entry.instructor_id IS NOT NULL OR entry.order_item_id IS NULL
                   WHEN 'platform' THEN entry.instructor_id IS NOT NULL
                        OR (entry.order_item_id IS NULL AND movement.kind = 'sale')
                   WHEN 'buyers' THEN entry.instructor_id IS NOT NULL
                        OR (entry.order_item_id IS NULL AND movement.kind = 'sale')
                   ELSE entry.instructor_id IS NOT NULL OR entry.order_item_id IS NOT NULL
               END
        """,
    ),
    Invariant(
        name="sale_follows_its_lines",
        sentence="A sale books to each line what was paid for it: the tax to the tax office and "
        "the rest to instructor and platform, or all to a buyer who owned the course.",
        query=f"""
            SELECT movement.reference AS subject, item.title_at_purchase AS line, {_PAID} AS paid,
                   item.tax_amount, booked.total, booked.tax, booked.buyers
            FROM payments_ledgertransaction movement
            JOIN payments_payment payment ON payment.id = movement.payment_id
            JOIN orders_orderitem item ON item.order_id = payment.order_id
            LEFT JOIN (
                SELECT transaction_id, order_item_id, -sum(amount) AS total, max(amount) AS highest,
                       -sum(amount) FILTER (WHERE account = 'tax') AS tax,
                       -sum(amount) FILTER (WHERE account = 'buyers') AS buyers
                FROM payments_ledgerentry WHERE order_item_id IS NOT NULL
                GROUP BY transaction_id, order_item_id
            ) booked ON booked.transaction_id = movement.id AND booked.order_item_id = item.id
            WHERE movement.kind = 'sale' AND (
                coalesce(booked.total, 0) <> {_PAID} OR booked.highest > 0
                OR CASE WHEN booked.buyers IS NULL
                   THEN coalesce(booked.tax, 0) <> item.tax_amount
                   ELSE booked.buyers <> {_PAID} OR item.state NOT IN ('canceled', 'refunded') END
            )
        """,  # noqa: S608 (the text above)
    ),
    Invariant(
        name="sale_is_what_was_agreed",
        sentence="A sale books each line as it was agreed when it was sold: whose the money is, "
        "the share by its percentage, and from when on it can be paid; each sale has that, of all "
        "of its lines, and nothing else has. What somebody taught is sold by a percentage.",
        given=f"WITH {OF_OTHERS}",
        query=f"""
            SELECT coalesce(movement.reference, line.id::text) AS subject,
                   item.title_at_purchase AS line, line.instructor_amount, booked.instructor,
                   line.available_at, booked.available_at AS booked_for
            FROM payments_ledgertransaction movement
            JOIN payments_payment payment ON payment.id = movement.payment_id
                 AND movement.kind = 'sale'
            JOIN orders_orderitem item ON item.order_id = payment.order_id
            FULL JOIN payments_saleline line
                 ON line.order_item_id = item.id AND line.payment_id = payment.id
            LEFT JOIN (
                SELECT transaction_id, order_item_id, min(available_at) AS available_at,
                       (array_agg(instructor_id) FILTER (WHERE account = 'instructor'))[1]
                           AS instructor_id,
                       -sum(amount) FILTER (WHERE account = 'instructor') AS instructor,
                       -sum(amount) FILTER (WHERE account = 'platform') AS platform,
                       -sum(amount) FILTER (WHERE account = 'tax') AS tax,
                       -sum(amount) FILTER (WHERE account = 'buyers') AS buyers
                FROM payments_ledgerentry WHERE order_item_id IS NOT NULL
                GROUP BY transaction_id, order_item_id
            ) booked ON booked.transaction_id = movement.id AND booked.order_item_id = item.id
            WHERE movement.id IS NULL
               OR (line.instructor_amount, line.platform_amount, line.tax_amount,
                   line.buyer_amount, line.instructor_id, line.available_at)
                  IS DISTINCT FROM
                  (coalesce(booked.instructor, 0), coalesce(booked.platform, 0),
                   coalesce(booked.tax, 0), coalesce(booked.buyers, 0), booked.instructor_id,
                   booked.available_at)
               OR line.instructor_amount + line.platform_amount + line.tax_amount
                  + line.buyer_amount <> {_PAID}
               OR line.instructor_amount <> round(
                   (line.instructor_amount + line.platform_amount) * line.percent / 100, 2)
               OR line.percent IS NULL AND line.instructor_amount + line.platform_amount > 0
                  AND (item.instructor_id IS NOT NULL OR item.id IN (SELECT id FROM of_others))
                  AND greatest(line.created_at, payment.succeeded_at) >= {since("sale_percent")}
        """,  # noqa: S608 (the text above)
    ),
    Invariant(
        name="held_earnings_stay_held",
        sentence="Nothing that is booked of a line counts for its instructor before what it earned "
        "can be paid.",
        query="""
            SELECT movement.reference AS subject, entry.amount, entry.available_at,
                   line.available_at AS agreed
            FROM payments_ledgerentry entry
            JOIN payments_ledgertransaction movement ON movement.id = entry.transaction_id
            JOIN payments_saleline line ON line.order_item_id = entry.order_item_id
            WHERE entry.account = 'instructor' AND entry.available_at < line.available_at
        """,
    ),
    Invariant(
        name="line_holds_what_it_was_sold_for",
        sentence="Of a payment each account holds, line by line, no more than it had of the sale "
        "and no less than nothing.",
        given=_HELD,
        query="""
            SELECT payment.stripe_payment_id AS subject, booked.order_item_id, booked.account,
                   booked.instructor_id, booked.held, booked.had
            FROM (
                SELECT payment_id, order_item_id, account, instructor_id, -sum(amount) AS held,
                       coalesce(-sum(amount) FILTER (WHERE kind IN ('sale', 'undue_payment')), 0)
                           AS had
                FROM shares GROUP BY payment_id, order_item_id, account, instructor_id
            ) booked
            JOIN payments_payment payment ON payment.id = booked.payment_id
            WHERE booked.held < 0 OR booked.held > booked.had
        """,
    ),
    Invariant(
        name="loss_is_what_nobody_holds",
        sentence="The platform bears of a payment only what no line holds any more.",
        given=_HELD,
        query="""
            SELECT payment.stripe_payment_id AS subject, lost.amount AS lost, held.amount AS held
            FROM (
                SELECT movement.payment_id, sum(entry.amount) AS amount
                FROM payments_ledgerentry entry
                JOIN payments_ledgertransaction movement ON movement.id = entry.transaction_id
                WHERE entry.account = 'platform' AND entry.order_item_id IS NULL
                  AND movement.payment_id IS NOT NULL
                GROUP BY movement.payment_id HAVING sum(entry.amount) <> 0
            ) lost
            JOIN payments_payment payment ON payment.id = lost.payment_id
            LEFT JOIN (
                SELECT payment_id, -sum(amount) AS amount FROM shares GROUP BY payment_id
            ) held ON held.payment_id = lost.payment_id
            WHERE lost.amount < 0 OR held.amount <> 0
        """,
    ),
    Invariant(
        name="line_gives_back_in_proportion",
        sentence="What is taken of a line, or comes back to it, is shared by its accounts in "
        "proportion to the sale, but for the cents of rounding.",
        given=_GIVEN_BACK,
        query="""
            SELECT touching.reference AS subject, sold.account, touching.amount AS of_line,
                   coalesce(taken.amount, 0) AS taken, sold.amount AS sold,
                   sold.of_line AS sold_in_all
            FROM touching
            JOIN sold ON sold.order_item_id = touching.order_item_id
            LEFT JOIN taken ON taken.movement_id = touching.movement_id
                 AND taken.order_item_id = sold.order_item_id AND taken.account = sold.account
                 AND taken.instructor_id IS NOT DISTINCT FROM sold.instructor_id
            WHERE abs(coalesce(taken.amount, 0) - touching.amount * sold.amount
                      / nullif(sold.of_line, 0))
                  > 0.01 * touching.movements * (touching.movements + 1)
        """,
    ),
    Invariant(
        name="named_line_gives_what_it_is_named_for",
        sentence="As long as all that went back of a payment was named by line, each refund took "
        "of each line what it names.",
        given=_HELD,
        query="""
            SELECT coalesce(refund.stripe_refund_id, refund.id::text) AS subject,
                   named.order_item_id,
                   named.amount AS named, coalesce(taken.amount, 0) AS taken
            FROM payments_refundline named
            JOIN payments_refund refund ON refund.id = named.refund_id
            JOIN payments_ledgertransaction movement
                 ON movement.refund_id = refund.id AND movement.kind = 'refund'
            LEFT JOIN (
                SELECT movement_id, order_item_id, sum(amount) AS amount FROM shares
                GROUP BY movement_id, order_item_id
            ) taken ON taken.movement_id = movement.id
                   AND taken.order_item_id = named.order_item_id
            WHERE coalesce(taken.amount, 0) <> named.amount
              AND NOT EXISTS (
                  SELECT FROM payments_ledgertransaction changed
                  WHERE changed.payment_id = refund.payment_id
                    AND changed.kind IN ('refund_failed', 'dispute', 'dispute_won')
              )
              AND NOT EXISTS (
                  SELECT FROM payments_refund other
                  WHERE other.payment_id = refund.payment_id AND other.applied_at IS NOT NULL
                    AND other.amount <> coalesce((
                        SELECT sum(line.amount) FROM payments_refundline line
                        WHERE line.refund_id = other.id
                    ), 0)
              )
        """,
    ),
)
