"""What invoices and credit notes say beside their amounts: when, to whom and of what."""

from payments.books.invariant import CLOCKS, Invariant, Scope

# What a credit note calls money of no certain line (`orders.services.invoicing`).
_REST = "Partial refund"


def _is_near(one: str, other: str) -> str:
    return f"{one} BETWEEN {other} - {CLOCKS} AND {other} + {CLOCKS}"


def _is_of_its_year(document: str) -> str:
    return (
        f"split_part({document}.number, '-', 2) = "
        f"to_char({document}.issued_at AT TIME ZONE 'UTC', 'YYYY')"
    )


DOCUMENT_FACTS = (
    Invariant(
        name="order_is_dated_as_it_was_paid",
        sentence="An order is completed when the payment that paid it succeeded.",
        query=f"""
            SELECT orders.order_number AS subject, orders.completed_at, payment.succeeded_at
            FROM orders_order orders
            JOIN payments_payment payment ON payment.order_id = orders.id
                 AND payment.stripe_payment_id = orders.payment_id
            WHERE orders.status IN ('completed', 'refunded')
              AND ({_is_near("orders.completed_at", "payment.succeeded_at")}) IS NOT TRUE
        """,  # noqa: S608 (the text above)
    ),
    Invariant(
        name="invoice_is_dated_as_its_order",
        sentence="An invoice is dated as its order was completed, and numbered in that year.",
        query=f"""
            SELECT invoice.number AS subject, invoice.issued_at, orders.completed_at
            FROM orders_invoice invoice JOIN orders_order orders ON orders.id = invoice.order_id
            WHERE ({_is_near("invoice.issued_at", "orders.completed_at")}
                   AND {_is_of_its_year("invoice")}) IS NOT TRUE
        """,  # noqa: S608 (the text above)
    ),
    Invariant(
        name="credit_note_has_its_date",
        sentence="A credit note is dated as it was written, a refund's as that was applied, and "
        "numbered in that year.",
        query=f"""
            SELECT note.number AS subject, note.issued_at, note.created_at, refund.applied_at
            FROM orders_creditnote note
            LEFT JOIN payments_refund refund ON refund.id = note.refund_id
            WHERE ({_is_near("note.issued_at", "note.created_at")}
                   AND {_is_near("note.issued_at", "coalesce(refund.applied_at, note.issued_at)")}
                   AND {_is_of_its_year("note")}) IS NOT TRUE
        """,  # noqa: S608 (the text above)
    ),
    Invariant(
        name="documents_are_numbered_by_date",
        scope=Scope.NEIGHBOURS,
        sentence="Within a year invoices, and so credit notes, are numbered in the order of their "
        "dates, but for what clocks differ by and settlements wait for each other.",
        # One machine's clock may be ahead while the next number's is behind.
        query=f"""
            SELECT number AS subject, issued_at, before AS issued_before
            FROM (
                SELECT number, issued_at, lag(issued_at) OVER (
                    PARTITION BY regexp_replace(number, '-[0-9]+$', '')
                    ORDER BY substring(number FROM '[0-9]+$')::numeric
                ) AS before
                FROM (
                    SELECT number, issued_at FROM orders_invoice
                    UNION ALL SELECT number, issued_at FROM orders_creditnote
                ) document
            ) document
            WHERE issued_at < before - 2 * {CLOCKS}
        """,  # noqa: S608 (the text above)
    ),
    Invariant(
        name="invoice_lists_each_line_once",
        sentence="An invoice lists each line of its order once, by its title, unless it is older "
        "than that.",
        query="""
            SELECT invoice.number AS subject, listed.lines, item.lines AS of_order
            FROM orders_invoice invoice
            LEFT JOIN (
                SELECT invoice.id, array_agg(concat_ws(' ', line ->> 'course_id', line ->> 'title')
                    ORDER BY line ->> 'course_id', line ->> 'title') AS lines
                FROM orders_invoice invoice
                CROSS JOIN LATERAL jsonb_array_elements(invoice.lines) line
                GROUP BY invoice.id
            ) listed ON listed.id = invoice.id
            LEFT JOIN (
                SELECT order_id, array_agg(concat_ws(' ', course_id::text, title_at_purchase)
                    ORDER BY course_id::text, title_at_purchase) AS lines
                FROM orders_orderitem GROUP BY order_id
            ) item ON item.order_id = invoice.order_id
            WHERE invoice.seller <> '{}' AND listed.lines IS DISTINCT FROM item.lines
        """,
    ),
    Invariant(
        name="invoice_names_its_buyer",
        sentence="An invoice is made out to the billing address of its order, if that has one.",
        query="""
            SELECT invoice.number AS subject, orders.order_number
            FROM orders_invoice invoice JOIN orders_order orders ON orders.id = invoice.order_id
            WHERE orders.billing_address <> '{}'
              AND invoice.billing_address <> orders.billing_address
        """,
    ),
    Invariant(
        name="credit_note_names_its_lines",
        sentence="What a credit note lists, void or not, are lines of its invoice's order, by "
        "their titles, or money of no certain line.",
        query=f"""
            SELECT note.number AS subject, note.title, item.title_at_purchase AS of_order
            FROM (
                SELECT note.number, note.invoice_id, line ->> 'course_id' AS course_id,
                       line ->> 'title' AS title
                FROM orders_creditnote note
                CROSS JOIN LATERAL jsonb_array_elements(note.lines) line
            ) note
            JOIN orders_invoice invoice ON invoice.id = note.invoice_id
            LEFT JOIN orders_orderitem item ON item.order_id = invoice.order_id
                 AND item.course_id::text = note.course_id
            WHERE note.title IS DISTINCT FROM CASE
                WHEN note.course_id IS NULL THEN '{_REST}' ELSE item.title_at_purchase
            END
        """,  # noqa: S608 (the text above)
    ),
)
