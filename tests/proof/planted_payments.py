"""Lies in payments, refunds, disputes and payouts."""

from tests.proof.planted_ledger import payout
from tests.proof.planted_lie import LONG_AGO, lie

_PAYMENT = "UPDATE payments_payment SET {} WHERE id = '{{plain.payment}}'"
_UNDER_WAY = (
    "UPDATE payments_payment SET status = 'failed', stripe_status = 'processing', "
    "succeeded_at = NULL, fee_amount = NULL, {} WHERE id = '{{late.payment}}'"
)
_REFUND = "UPDATE payments_refund SET {} WHERE payment_id = '{{by_line.payment}}'"
_DISPUTE = "UPDATE payments_dispute SET {} WHERE payment_id = '{{{}.payment}}'"
_REQUEST = (
    "UPDATE payments_refundrequest SET {} WHERE order_id = '{{by_line.order}}' AND status = '{}'"
)
PAYMENTS = (
    lie("a payment is another order's", "order_was_paid_once",
         _PAYMENT.format("order_id = '{pending.order}'")),
    lie("a payment was larger", "order_was_paid_once", _PAYMENT.format("amount = amount + 5")),
    lie("more is reserved than goes back", "refunds_are_reserved",
         _PAYMENT.format("refunding_amount = 5")),
    lie("Stripe kept another fee", "stripe_account_matches", _PAYMENT.format("fee_amount = 1")),
    lie("a payment is in another currency", "order_was_paid_once",
         _PAYMENT.format("currency = 'eur'")),
    lie("a payment failed after all", "nothing_else_is_booked",
         _PAYMENT.format("status = 'failed'")),
    lie("a payment is by another charge", "charge_is_its_payments",
         _PAYMENT.format("stripe_charge_id = 'ch_other'")),
    lie("two payments have one charge", "charge_is_its_payments",
         "UPDATE payments_payment SET stripe_charge_id = (SELECT stripe_charge_id FROM "
         "payments_payment WHERE id = '{plain.payment}') WHERE id = '{late.payment}'"),
    lie("a payment is another intent", "order_was_paid_once",
         _PAYMENT.format("stripe_payment_id = 'pi_other'")),
    lie("a payment succeeded another day", "movement_has_its_date",
         _PAYMENT.format("succeeded_at = succeeded_at - interval '40 days'")),
    lie("late money is under way, to be looked at in a lifetime", "what_may_be_paid_is_looked_at",
         _UNDER_WAY.format("next_check_at = '2099-01-01'")),
    lie("late money has been under way for years", "what_may_be_paid_is_looked_at",
         _UNDER_WAY.format(f"id = '{LONG_AGO}'")),
    lie("what may be paid is never looked at", "what_may_be_paid_is_looked_at",
         "UPDATE payments_payment SET next_check_at = 'infinity' WHERE status = 'pending'"),
    lie("a refund is another payment's", "movement_agrees_with_its_cause",
         _REFUND.format("payment_id = '{plain.payment}'")),
    lie("a refund was larger", "stripe_account_matches", _REFUND.format("amount = amount + 1")),
    lie("a refund failed", "refund_is_taken_into_account", _REFUND.format("status = 'failed'")),
    lie("a refund is still to be sent", "nothing_else_is_booked",
         _REFUND.format("status = 'due'")),
    lie("a refund was never applied", "refund_is_taken_into_account",
         _REFUND.format("applied_at = NULL")),
    lie("a refund is undone", "refund_is_taken_into_account", _REFUND.format("undone_at = now()")),
    lie("a refund is for money that came late", "refund_has_its_reason",
         _REFUND.format("reason = 'late_payment'")),
    lie("late money goes back as a course owned already", "refund_has_its_reason",
         "UPDATE payments_refund SET reason = 'already_owned' WHERE payment_id = '{late.payment}'"),
    lie("a refund was asked for by somebody else", "refund_was_decided",
         _REFUND.format("requested_by_id = '{ann}'")),
    lie("a refund was nobody's decision", "refund_was_decided",
         "UPDATE payments_refund SET reason = 'requested' WHERE payment_id = '{late.payment}'"),
    lie("a refund of staff's was the rules'", "refund_was_decided",
         _REFUND.format("reason = 'already_owned'")),
    lie("a refund has a reason of its own", "refund_was_decided",
         _REFUND.format("reason = 'kindness', requested_by_id = NULL")),
    lie("a refund was made at Stripe, which has none", "refund_was_decided",
         "ALTER TABLE payments_refund DROP CONSTRAINT refund_made_has_its_id",
         _REFUND.format("reason = 'at_stripe', requested_by_id = NULL, stripe_refund_id = NULL")),
    lie("a refund nobody decided is older than its payment", "refund_was_decided",
         "UPDATE payments_refund SET reason = 'requested', created_at = '1960-01-01' "
         "WHERE payment_id = '{late.payment}'"),
    lie("a course that nobody owned is given back", "refund_was_decided",
         _REFUND.format("reason = 'already_owned', requested_by_id = NULL")),
    lie("a course that nobody owned is given back, and its line says so", "refund_was_decided",
         "UPDATE orders_orderitem SET state = 'canceled' WHERE id = '{by_line.line}'",
         _REFUND.format("reason = 'already_owned', requested_by_id = NULL")),
    lie("more than the course owned already is given back", "refund_was_decided",
         "UPDATE payments_refund SET amount = amount + 1 WHERE payment_id = '{owned.payment}'"),
    lie("what nobody was shown is given back of no line", "refund_was_decided",
         "UPDATE payments_refund SET reason = 'already_owned' "
         "WHERE payment_id = '{in_part.payment}'"),
    lie("a payment has no charge", "charge_is_its_payments",
         "UPDATE payments_payment SET stripe_charge_id = '' WHERE id = '{late.payment}'"),
    lie("a refund names another line", "line_is_back_when_its_money_is",
         "UPDATE payments_refundline SET order_item_id = '{by_line.other_line}' "
         "WHERE order_item_id = '{by_line.line}'"),
    lie("a refund names another order's line", "refund_lines_are_its_orders",
         "UPDATE payments_refundline SET order_item_id = '{plain.line}' "
         "WHERE order_item_id = '{by_line.line}'"),
    lie("a refund names a line for less", "line_is_back_when_its_money_is",
         "UPDATE payments_refundline SET amount = amount - 5 "
         "WHERE order_item_id = '{by_line.line}'"),
    lie("a refund's line is another refund's", "refund_lines_are_its_orders",
         "UPDATE payments_refundline SET refund_id = (SELECT id FROM payments_refund WHERE "
         "payment_id = '{in_part.payment}') WHERE order_item_id = '{by_line.line}'"),
    lie("a request is of another order", "refund_request_is_of_its_order",
         _REQUEST.format("order_id = '{plain.order}'", "granted")),
    lie("a request is somebody else's", "refund_request_is_of_its_order",
         _REQUEST.format("user_id = '{ann}'", "granted")),
    lie("an open request was granted", "refund_request_is_of_its_order",
         _REQUEST.format("status = 'granted'", "open")),
    lie("a request was granted by another refund", "refund_request_is_of_its_order",
         _REQUEST.format("refund_id = (SELECT id FROM payments_refund WHERE "
                         "payment_id = '{late.payment}')", "granted")),
    lie("an open request was decided", "refund_request_is_of_its_order",
         _REQUEST.format("decided_at = now()", "open")),
    lie("a request asks for another order's line", "refund_request_is_of_its_order",
         "UPDATE payments_refundrequest_order_items SET orderitem_id = '{plain.line}' "
         "WHERE orderitem_id = '{by_line.line}'"),
    lie("a request's lines are another's", "refund_request_is_of_its_order",
         "UPDATE payments_refundrequest_order_items SET refundrequest_id = refundrequest_id, "
         "orderitem_id = '{plain.line}' WHERE orderitem_id = '{by_line.other_line}'"),
    lie("a dispute is of another payment", "movement_agrees_with_its_cause",
         _DISPUTE.format("payment_id = '{plain.payment}'", "lost")),
    lie("a dispute took more", "stripe_account_matches",
         _DISPUTE.format("amount = amount + 1", "lost")),
    lie("a dispute cost less", "stripe_account_matches",
         _DISPUTE.format("fee_amount = 0", "lost")),
    lie("a dispute is in another currency", "dispute_is_of_its_payment",
         _DISPUTE.format("currency = 'eur'", "lost")),
    lie("a lost dispute was won", "money_is_booked", _DISPUTE.format("status = 'won'", "lost")),
    lie("a dispute that was won is lost", "movement_agrees_with_its_cause",
         _DISPUTE.format("status = 'lost'", "won")),
    lie("a dispute was an inquiry", "movement_agrees_with_its_cause",
         _DISPUTE.format("status = 'warning_closed'", "lost")),
    lie("a lost dispute is open", "dispute_is_of_its_payment",
         _DISPUTE.format("closed_at = NULL", "lost")),
)  # fmt: skip

_PAYOUT = "UPDATE payments_payout SET {} WHERE id = '{{payouts[{}]}}'"
PAYOUTS = (
    lie("a payout is of another account", "payout_is_booked_as_it_stands",
         "INSERT INTO payments_payoutaccount (id, created_at, updated_at, instructor_id, is_ready, "
         "details_submitted) VALUES (gen_random_uuid(), now(), now(), '{bob}', true, true)",
         "UPDATE payments_payout SET account_id = (SELECT id FROM payments_payoutaccount WHERE "
         "instructor_id = '{bob}') WHERE id = '{payouts[paid]}'"),
    lie("a payout was larger", "payout_is_booked_as_it_stands",
         _PAYOUT.format("amount = amount + 1", "paid")),
    lie("a payout on its way is larger", "payout_is_on_its_way_once",
         _PAYOUT.format("amount = amount + 1", "due")),
    lie("a payout is in another currency", "payout_is_booked_as_it_stands",
         _PAYOUT.format("currency = 'eur'", "paid")),
    lie("a payout that was made failed", "payout_is_booked_as_it_stands",
         _PAYOUT.format("status = 'failed'", "paid")),
    lie("a payout that was taken back is paid", "payout_is_booked_as_it_stands",
         _PAYOUT.format("status = 'paid', paid_at = now()", "failed_back")),
    lie("an account is another instructor's", "payout_is_booked_as_it_stands",
         "UPDATE payments_payoutaccount SET instructor_id = '{bob}' "
         "WHERE instructor_id = '{ann}'"),
    lie("the same earnings are paid out again", "payout_was_earned", *payout("61.00")),
)  # fmt: skip
