"""Whether one refund is as the books have it to be, asked before money moves by it."""

import uuid

from django.db import connection

from payments.books.payments import PAYMENTS

# The rules' own texts are asked, of these rows in place of whole tables.
_ONE = """
    WITH payments_refund AS (
        SELECT * FROM payments_refund WHERE id = %(refund)s
    ), payments_payment AS (
        SELECT * FROM payments_payment
        WHERE id = ANY(ARRAY(SELECT payment_id FROM payments_refund))
    ), payments_refundrequest AS (
        SELECT * FROM payments_refundrequest
        WHERE order_id = ANY(ARRAY(SELECT order_id FROM payments_payment))
    ), payments_refundline AS (
        SELECT * FROM payments_refundline
        WHERE refund_id = ANY(ARRAY(SELECT id FROM payments_refund))
    ), payments_dispute AS (
        SELECT * FROM payments_dispute
        WHERE payment_id = ANY(ARRAY(SELECT id FROM payments_payment))
    ), core_auditentry AS (
        SELECT * FROM core_auditentry
        WHERE (target_type = 'order'
               AND target_id = ANY(ARRAY(SELECT order_id::text FROM payments_payment)))
           OR (target_type = 'refund_request'
               AND target_id = ANY(ARRAY(SELECT id::text FROM payments_refundrequest)))
           OR (target_type = 'payment'
               AND target_id = ANY(ARRAY(SELECT id::text FROM payments_payment)))
    ), """
_RULES = tuple(
    one for one in PAYMENTS if one.name in ("refund_was_decided", "refund_has_its_reason")
)


def is_decided(*, refund_id: uuid.UUID) -> bool:
    """Return whether the refund was somebody's decision, made at Stripe, or is what the rules give
    back, for its reason: the invariants' own answer, by indexes. One that was made by SQL alone is
    none of these."""
    with connection.cursor() as cursor:
        for rule in _RULES:
            given = rule.given.strip().removeprefix("WITH")
            # The rules' own texts; nothing of anybody else's is in them.
            cursor.execute(
                f"{_ONE} {given or 'nothing AS (SELECT)'} {rule.query}", {"refund": refund_id}
            )
            if cursor.fetchone() is not None:
                return False
    return True
