"""Invoices and credit notes: one for each cause, numbered without gaps."""

from payments.books.invariant import Invariant, Scope, since

# Credit notes whose tax is the ledger's, and what that took of each line. Not those of before, nor
# where no line had the money any more: that loss is the platform's, and in proportion (below). Nor
# a void one of a dispute that took anew: another took its place.
_BOOKED_NOTES = f"""
    WITH note AS (
        SELECT note.id, note.number, note.lines, note.tax_amount, invoice.order_id,
               coalesce(note.refund_id, note.dispute_id) AS cause_id
        FROM orders_creditnote note
        JOIN orders_invoice invoice ON invoice.id = note.invoice_id
        JOIN payments_ledgertransaction movement ON movement.reference = CASE
             WHEN note.dispute_id IS NULL THEN 'refund:' || note.refund_id
             ELSE 'dispute:' || note.dispute_id END
        WHERE NOT EXISTS (
            SELECT FROM orders_creditnote former
            WHERE former.invoice_id = note.invoice_id
              AND former.created_at <= {since("booked_tax")}
        ) AND movement.payment_id IS NOT NULL AND NOT EXISTS (
            SELECT FROM payments_ledgertransaction lost
            JOIN payments_ledgerentry entry ON entry.transaction_id = lost.id
            WHERE lost.payment_id = movement.payment_id
              AND entry.account = 'platform' AND entry.order_item_id IS NULL
        ) AND (note.voided_at IS NULL OR note.dispute_id IS NULL OR NOT EXISTS (
            SELECT FROM payments_ledgertransaction anew
            WHERE anew.dispute_id = note.dispute_id AND anew.kind = 'dispute'
              AND anew.reference LIKE '%:%:%'
        ))
    ), taken AS (
        SELECT coalesce(movement.refund_id, movement.dispute_id) AS cause_id,
               entry.order_item_id, sum(entry.amount) AS amount,
               coalesce(sum(entry.amount) FILTER (WHERE entry.account = 'tax'), 0) AS tax,
               coalesce(sum(entry.amount) FILTER (WHERE entry.account = 'buyers'), 0) AS owned
        FROM payments_ledgertransaction movement
        JOIN payments_ledgerentry entry ON entry.transaction_id = movement.id
        WHERE movement.kind IN ('refund', 'dispute') AND entry.order_item_id IS NOT NULL
        GROUP BY cause_id, entry.order_item_id
    ), line AS (
        SELECT note.id, note.number, item.title_at_purchase, (line ->> 'tax')::numeric AS tax,
               taken.tax AS booked, taken.owned,
               taken.amount IS NOT DISTINCT FROM (line ->> 'amount')::numeric AS gave_all
        FROM note CROSS JOIN LATERAL jsonb_array_elements(note.lines) line
        JOIN orders_orderitem item
             ON item.order_id = note.order_id AND item.course_id::text = line ->> 'course_id'
        LEFT JOIN taken
             ON taken.cause_id = note.cause_id AND taken.order_item_id = item.id
    )
"""  # noqa: S608 (the text above)


def _gapless(name: str, what: str, table: str, prefix: str) -> Invariant:
    return Invariant(
        name=name,
        scope=Scope.COUNT,
        sentence=f"{what} of a year are numbered from 1 without a gap, up to the last number given "
        "out.",
        query=f"""
            SELECT coalesce(given.series, series.name) AS subject, given.lowest, given.highest,
                   given.count, series.last
            FROM (
                SELECT regexp_replace(number, '-[0-9]+$', '') AS series, count(*) AS count,
                       min(substring(number FROM '[0-9]+$')::int) AS lowest,
                       max(substring(number FROM '[0-9]+$')::int) AS highest
                FROM {table} GROUP BY 1
            ) given
            FULL JOIN (
                SELECT * FROM orders_numberseries WHERE name LIKE '{prefix}-%'
            ) series ON series.name = given.series
            WHERE CASE WHEN given.series IS NULL THEN series.last <> 0
                ELSE (given.lowest, given.highest, given.count)
                     IS DISTINCT FROM (1, series.last, series.last::bigint)
            END
        """,  # noqa: S608 (the table is named below)
    )


DOCUMENTS = (
    Invariant(
        name="order_has_its_invoice",
        sentence="Each completed or refunded order has an invoice over its total, and no other "
        "order has one.",
        query="""
            SELECT orders.order_number AS subject, orders.status, orders.total_amount,
                   invoice.number, invoice.total_amount AS invoiced
            FROM orders_order orders LEFT JOIN orders_invoice invoice
                 ON invoice.order_id = orders.id
            WHERE CASE
                WHEN orders.status IN ('completed', 'refunded')
                THEN (invoice.total_amount, invoice.currency)
                     IS DISTINCT FROM (orders.total_amount, orders.currency)
                ELSE invoice.id IS NOT NULL
            END
        """,
    ),
    Invariant(
        name="invoice_says_its_orders_tax",
        sentence="An invoice has its order's tax, and names the same taxes.",
        query="""
            SELECT invoice.number AS subject, orders.order_number, invoice.tax_amount,
                   orders.tax_amount AS of_order
            FROM orders_invoice invoice JOIN orders_order orders ON orders.id = invoice.order_id
            WHERE (invoice.tax_amount, invoice.tax_lines)
                  IS DISTINCT FROM (orders.tax_amount, orders.tax_lines)
        """,
    ),
    Invariant(
        name="invoice_lists_its_orders_lines",
        sentence="An invoice lists each line of its order at its price, discount and tax, unless "
        "it is older than that.",
        query="""
            SELECT coalesce(listed.number, item.number) AS subject, item.title_at_purchase AS line,
                   item.price_at_purchase, listed.price, item.tax_amount, listed.tax
            FROM (
                SELECT invoice.number, invoice.order_id, line.*
                FROM orders_invoice invoice CROSS JOIN LATERAL jsonb_to_recordset(invoice.lines)
                     AS line(course_id uuid, price numeric, discount numeric, amount numeric,
                             tax numeric)
                WHERE invoice.seller <> '{}'
            ) listed
            FULL JOIN (
                SELECT invoice.number, item.*
                FROM orders_orderitem item
                JOIN orders_invoice invoice ON invoice.order_id = item.order_id
                WHERE invoice.seller <> '{}'
            ) item ON item.order_id = listed.order_id AND item.course_id = listed.course_id
            WHERE (listed.price, listed.discount, listed.amount, listed.tax) IS DISTINCT FROM
                  (item.price_at_purchase, item.discount_amount,
                   item.price_at_purchase - item.discount_amount, item.tax_amount)
        """,
    ),
    _gapless("invoices_are_gapless", "Invoices", "orders_invoice", "INV"),
    _gapless("credit_notes_are_gapless", "Credit notes", "orders_creditnote", "CN"),
    Invariant(
        name="credit_note_has_its_refund",
        sentence="A credit note of no dispute is of a refund that was applied to its order, over "
        "its amount, and void exactly when that is undone.",
        query="""
            SELECT note.number AS subject, note.total_amount, note.voided_at, refund.amount,
                   refund.applied_at, refund.undone_at
            FROM orders_creditnote note
            JOIN orders_invoice invoice ON invoice.id = note.invoice_id
            LEFT JOIN (
                SELECT refund.*, payment.order_id FROM payments_refund refund
                JOIN payments_payment payment ON payment.id = refund.payment_id
            ) refund ON refund.id = note.refund_id AND refund.order_id = invoice.order_id
            WHERE note.dispute_id IS NULL
              AND (refund.applied_at IS NULL OR refund.amount <> note.total_amount
                   OR (refund.undone_at IS NULL) <> (note.voided_at IS NULL))
        """,
    ),
    Invariant(
        name="refund_has_its_credit_note",
        sentence="A refund that was applied to its order has a credit note, unless the order was "
        "invoiced before there were any.",
        query="""
            SELECT coalesce(refund.stripe_refund_id, refund.id::text) AS subject, refund.amount,
                   orders.order_number
            FROM payments_refund refund
            JOIN payments_payment payment ON payment.id = refund.payment_id
            JOIN orders_order orders ON orders.id = payment.order_id
                 AND orders.payment_id = payment.stripe_payment_id
            JOIN orders_invoice invoice ON invoice.order_id = orders.id
                 AND invoice.seller <> '{}'
            LEFT JOIN orders_creditnote note ON note.refund_id = refund.id
            WHERE refund.applied_at IS NOT NULL AND note.id IS NULL
        """,
    ),
    Invariant(
        name="credit_note_adds_up",
        sentence="A credit note is in its invoice's currency, and its amount and tax are those of "
        "its lines.",
        query="""
            SELECT note.number AS subject, note.total_amount, note.tax_amount, lines.amount,
                   lines.tax
            FROM orders_creditnote note
            JOIN orders_invoice invoice ON invoice.id = note.invoice_id
            CROSS JOIN LATERAL (
                SELECT sum((line ->> 'amount')::numeric) AS amount,
                       sum((line ->> 'tax')::numeric) AS tax
                FROM jsonb_array_elements(note.lines) line
            ) lines
            WHERE note.currency <> invoice.currency
               OR (note.total_amount, note.tax_amount) IS DISTINCT FROM (lines.amount, lines.tax)
        """,
    ),
    Invariant(
        name="credit_note_lists_its_refunds_lines",
        sentence="A refund's credit note lists what that names lines for, and the rest as of no "
        "line.",
        query="""
            SELECT coalesce(listed.number, named.number) AS subject, named.amount AS refunded,
                   listed.amount AS credited
            FROM (
                SELECT note.id, note.number, line ->> 'course_id' AS course_id,
                       sum((line ->> 'amount')::numeric) AS amount
                FROM orders_creditnote note
                CROSS JOIN LATERAL jsonb_array_elements(note.lines) line
                WHERE line ->> 'course_id' IS NOT NULL AND note.dispute_id IS NULL
                GROUP BY note.id, line ->> 'course_id'
                HAVING sum((line ->> 'amount')::numeric) <> 0
            ) listed
            FULL JOIN (
                SELECT note.id, note.number, item.course_id::text AS course_id, line.amount
                FROM orders_creditnote note
                JOIN payments_refundline line ON line.refund_id = note.refund_id
                JOIN orders_orderitem item ON item.id = line.order_item_id
                WHERE line.amount <> 0
            ) named ON named.id = listed.id AND named.course_id = listed.course_id
            WHERE named.amount IS DISTINCT FROM listed.amount
        """,
    ),
    Invariant(
        name="no_more_is_credited_than_invoiced",
        sentence="The credit notes of an invoice that aren't void are together over no more than "
        "the invoice, and name no line for more than was paid for it.",
        query="""
            SELECT invoice.number AS subject, NULL AS line, sum(note.total_amount) AS credited,
                   invoice.total_amount AS invoiced
            FROM orders_invoice invoice
            JOIN orders_creditnote note ON note.invoice_id = invoice.id AND note.voided_at IS NULL
            GROUP BY invoice.id, invoice.number, invoice.total_amount
            HAVING sum(note.total_amount) > invoice.total_amount
            UNION ALL
            SELECT named.number, item.title_at_purchase, named.amount,
                   item.price_at_purchase - item.discount_amount + item.tax_amount
            FROM (
                SELECT invoice.number, invoice.order_id, line ->> 'course_id' AS course_id,
                       sum((line ->> 'amount')::numeric) AS amount
                FROM orders_invoice invoice
                JOIN orders_creditnote note
                     ON note.invoice_id = invoice.id AND note.voided_at IS NULL
                CROSS JOIN LATERAL jsonb_array_elements(note.lines) line
                WHERE line ->> 'course_id' IS NOT NULL
                GROUP BY invoice.id, invoice.number, invoice.order_id, line ->> 'course_id'
            ) named
            JOIN orders_orderitem item
                 ON item.order_id = named.order_id AND item.course_id::text = named.course_id
            WHERE named.amount
                  > item.price_at_purchase - item.discount_amount + item.tax_amount
        """,
    ),
    Invariant(
        name="credit_notes_give_back_the_tax",
        sentence="The tax of a credit note is the invoice's in proportion to what it credits, but "
        "for the cents of rounding of each line; all that stand together have no more, and the "
        "whole of it once all is credited.",
        query="""
            SELECT invoice.number AS subject, invoice.tax_amount, notes.tax, notes.amount,
                   notes.worst
            FROM orders_invoice invoice
            JOIN (
                SELECT note.invoice_id, lines.taxed,
                       coalesce(sum(note.total_amount) FILTER (WHERE note.voided_at IS NULL), 0)
                           AS amount,
                       coalesce(sum(note.tax_amount) FILTER (WHERE note.voided_at IS NULL), 0)
                           AS tax,
                       max(abs(note.tax_amount - note.total_amount * of_invoice.tax_amount
                               / nullif(of_invoice.total_amount, 0))) AS worst,
                       sum(jsonb_array_length(note.lines)) AS lines
                FROM orders_creditnote note
                JOIN orders_invoice of_invoice ON of_invoice.id = note.invoice_id
                JOIN (
                    SELECT order_id, count(*) FILTER (WHERE tax_amount <> 0) AS taxed
                    FROM orders_orderitem GROUP BY order_id
                ) lines ON lines.order_id = of_invoice.order_id
                GROUP BY note.invoice_id, lines.taxed
            ) notes ON notes.invoice_id = invoice.id
            WHERE notes.tax > invoice.tax_amount
               OR (notes.amount = invoice.total_amount AND notes.tax <> invoice.tax_amount)
               OR notes.worst > 0.01 * (notes.lines + notes.taxed + 1)
        """,
    ),
    Invariant(
        name="credit_note_has_the_booked_tax",
        sentence="The tax of a credit note, and of each line that it names and that gave all it "
        "names, is what the ledger took of the tax for it, but for cents of lines whose course the "
        "buyer owned already; unless no line had the money any more.",
        given=_BOOKED_NOTES,
        query="""
            SELECT note.number AS subject, NULL AS line, note.tax_amount AS tax,
                   sum(taken.tax) AS booked
            FROM note
            JOIN taken ON taken.cause_id = note.cause_id
            JOIN orders_orderitem item ON item.id = taken.order_item_id
            GROUP BY note.id, note.number, note.tax_amount
            HAVING abs(note.tax_amount - sum(taken.tax + taken.owned * item.tax_amount / nullif(
                       item.price_at_purchase - item.discount_amount + item.tax_amount, 0)))
                   > 0.02 * count(*) FILTER (WHERE taken.owned <> 0)
            UNION ALL
            SELECT line.number, line.title_at_purchase, line.tax, line.booked FROM line
            WHERE line.owned = 0 AND line.tax <> line.booked
              AND NOT EXISTS (
                  SELECT FROM line other WHERE other.id = line.id AND NOT other.gave_all
              )
        """,
    ),
)
