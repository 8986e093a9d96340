"""Lies to be planted in the books of `planted_world`, each with the invariant that must name it.

A lie is SQL, told with triggers off, as by somebody who may do anything to the database. In braces
it names rows of that world. What a lie may change without anybody seeing is in `SILENT`, with why.
"""

from tests.proof.planted_agreed import OFFERED
from tests.proof.planted_balance_movements import BALANCE_MOVEMENTS
from tests.proof.planted_balances import BALANCES
from tests.proof.planted_ledger import AGREED, ENTRIES, MOVEMENTS
from tests.proof.planted_lie import lie
from tests.proof.planted_orders import ACCESS, DOCUMENTS, ORDERS
from tests.proof.planted_payments import PAYMENTS, PAYOUTS

# Where money, whose it is, why it moved and how it stands are written down.
BOOKS = (
    "payments_payment", "payments_refund", "payments_refundline", "payments_refundrequest",
    "payments_refundrequest_order_items", "payments_dispute", "payments_ledgertransaction",
    "payments_ledgerentry", "payments_saleline", "payments_payout", "payments_balance",
    "payments_balancechange", "payments_balancemovement", "payments_bookmark",
    "payments_payoutaccount", "payments_revenueshare", "payments_term",
    "payments_reconciliationdifference",
    "orders_order", "orders_orderitem", "orders_coupon", "orders_couponredemption",
    "orders_invoice", "orders_creditnote", "orders_numberseries", "enrollments_enrollment",
    "enrollments_accesshold", "courses_pricechange", "courses_instructorchange",
)  # fmt: skip

_ROW = "names or dates the row itself and says nothing of money"
_WORDS = "words for people"
_WORK = "when a worker is next to try; money moves no less for it"
_TERMS = "terms of what is still to be sold; each order froze what they came to"
_STRIPES = "Stripe's own name for it, which only the nightly comparison can hold to it"
_EXEMPT = "what exempts it from the comparison, counted there and by the doctor"
_LEARNING = "how far somebody is; no money follows from it"
_FOUND = "what a run found; the next one that looks finds it again"
# Columns of the books that no invariant holds, and why not. "*" stands for every table.
SILENT = {
    "*.id": _ROW, "*.created_at": _ROW, "*.updated_at": _ROW,
    "*.next_attempt_at": _WORK, "*.attempts": _WORK,
    "*.last_error": _WORDS, "*.failure_reason": _WORDS, "*.note": _WORDS,
    "payments_payment.failed_charge_id": _STRIPES, "payments_payment.last_error_code": _WORDS,
    "payments_payment.last_error_message": _WORDS, "payments_payment.metadata": _EXEMPT,
    "payments_payment.needs_attention": "what staff are shown; they may clear it (audited)",
    "payments_refund.stripe_refund_id": _STRIPES,
    "payments_refundrequest.reason": _WORDS, "payments_refundrequest.decision_reason": _WORDS,
    "payments_refundrequest.decided_by_id": "who of staff decided; the audit trail says so, too",
    "payments_dispute.stripe_dispute_id": _STRIPES, "payments_dispute.reason": _WORDS,
    "payments_dispute.opened_at": _WORDS, "payments_dispute.evidence_due_at": _WORDS,
    "payments_payout.stripe_transfer_id": _STRIPES, "payments_payout.paid_at": _WORDS,
    "payments_payoutaccount.stripe_account_id": _STRIPES,
    "payments_payoutaccount.is_ready": _STRIPES, "payments_payoutaccount.is_foreign": _STRIPES,
    "payments_payoutaccount.details_submitted": _STRIPES,
    "payments_payoutaccount.synced_at": _ROW, "payments_payoutaccount.next_look_at": _WORK,
    "payments_payoutaccount.trouble": _STRIPES,
    "payments_payout.destination": _STRIPES, "payments_refund.shortages": _WORK,
    "payments_bookmark.name": _ROW,
    "payments_bookmark.amount": "where the nightly run goes on; a full check doesn't ask it",
    "payments_balancemovement.stripe_id": _STRIPES, "payments_balancemovement.source": _STRIPES,
    "payments_balancemovement.reporting_category": _WORDS,
    "payments_balancemovement.description": _WORDS, "payments_balancemovement.available_on": _WORDS,
    "payments_revenueshare.course_id": _TERMS, "payments_revenueshare.percent": _TERMS,
    **{
        f"payments_reconciliationdifference.{name}": _FOUND
        for name in ("kind", "object_type", "object_id", "ours", "theirs", "earners",
                     "found_by_id", "last_seen_at", "resolved_at", "healed")
    },
    "orders_order.order_number": "an order's number may be any, with gaps",
    "orders_order.payment_method": _WORDS, "orders_order.expires_at": _WORK,
    "orders_coupon.code": _TERMS, "orders_coupon.instructor_id": _TERMS,
    "orders_coupon.percent_off": _TERMS, "orders_coupon.amount_off": _TERMS,
    "orders_coupon.course_id": _TERMS, "orders_coupon.category_id": _TERMS,
    "orders_coupon.minimum_amount": _TERMS, "orders_coupon.valid_from": _TERMS,
    "orders_coupon.valid_until": _TERMS, "orders_coupon.is_active": _TERMS,
    "orders_invoice.seller": "what the settings said that day; the database refuses to change it",
    "payments_ledgertransaction.written_by": "which database transaction may add entries to it",
    "payments_term.course_id": _ROW, "payments_term.hold": "held by the sales that follow it",
    "courses_pricechange.course_id": _ROW, "courses_pricechange.changed_at": _ROW,
    "courses_instructorchange.course_id": _ROW, "courses_instructorchange.changed_at": _ROW,
    "enrollments_accesshold.actor_id": "who of staff decided; the audit trail says so, too",
    "enrollments_accesshold.ended_by": "who of staff lifted it; the audit trail says so, too",
    "enrollments_enrollment.lessons_completed": _LEARNING,
    "enrollments_enrollment.total_lessons": _LEARNING,
    "enrollments_enrollment.progress_percent": _LEARNING,
    "enrollments_enrollment.highest_progress_percent": _LEARNING,
    "enrollments_enrollment.is_completed": _LEARNING,
    "enrollments_enrollment.completed_at": _LEARNING,
    "enrollments_enrollment.last_activity_at": _LEARNING,
}  # fmt: skip

GUARDS = (
    lie("a trigger is switched off", "guards_are_in_force",
        "ALTER TABLE payments_payout DISABLE TRIGGER payout_is_booked"),
    lie("a trigger is for replicas alone", "guards_are_in_force",
        "ALTER TABLE payments_ledgerentry ENABLE REPLICA TRIGGER ledger_adds_up"),
    lie("a table's triggers are switched off", "guards_are_in_force",
        "ALTER TABLE payments_saleline DISABLE TRIGGER USER"),
    lie("a trigger is gone", "guards_are_in_force",
        "DROP TRIGGER ledger_is_append_only ON payments_ledgerentry"),
    lie("a check is gone", "guards_are_in_force",
        "ALTER TABLE payments_ledgertransaction DROP CONSTRAINT ledger_has_its_cause"),
    lie("a check isn't asked of what was there", "guards_are_in_force",
        "ALTER TABLE payments_payout DROP CONSTRAINT payout_amount_positive",
        "ALTER TABLE payments_payout ADD CONSTRAINT payout_amount_positive CHECK (amount > 0) "
        "NOT VALID"),
    lie("two payouts may be due for an account", "guards_are_in_force",
        "DROP INDEX payout_one_due_per_account"),
    lie("a guard's function refuses nothing", "guards_are_in_force",
        "CREATE OR REPLACE FUNCTION payments_payout_is_booked() RETURNS trigger LANGUAGE plpgsql "
        "AS $$BEGIN RETURN NULL; END$$"),
    lie("what is held is read otherwise", "guards_are_in_force",
        "CREATE OR REPLACE FUNCTION payments_held_until(kind text, amount numeric, available_at "
        "timestamptz, occurred_at timestamptz) RETURNS timestamptz LANGUAGE sql IMMUTABLE "
        "AS $$SELECT NULL::timestamptz$$"),
    lie("a function of the same name is nearer", "guards_are_in_force",
        "CREATE FUNCTION payments_held_until(kind varchar, amount numeric, available_at "
        "timestamptz, occurred_at timestamptz) RETURNS timestamptz LANGUAGE sql IMMUTABLE "
        "AS $$SELECT NULL::timestamptz$$"),
    lie("a guard's function looks elsewhere", "guards_are_in_force",
        "ALTER FUNCTION payments_ledger_adds_up() SET search_path = pg_temp, public"),
    lie("a trigger runs another function", "guards_are_in_force",
        "DROP TRIGGER payout_stays ON payments_payout",
        "CREATE TRIGGER payout_stays BEFORE UPDATE ON payments_payout FOR EACH ROW WHEN "
        "(OLD.id <> NEW.id) EXECUTE FUNCTION payments_note_loose_ends()"),
    lie("a trigger asks less", "guards_are_in_force",
        "DROP TRIGGER payout_stays ON payments_payout",
        "CREATE TRIGGER payout_stays BEFORE UPDATE ON payments_payout FOR EACH ROW WHEN "
        "(OLD.id <> NEW.id) EXECUTE FUNCTION payments_payout_stays()"),
    lie("a check asks nothing", "guards_are_in_force",
        "ALTER TABLE payments_payout DROP CONSTRAINT payout_amount_positive",
        "ALTER TABLE payments_payout ADD CONSTRAINT payout_amount_positive CHECK (true)"),
    lie("an index is of other columns", "guards_are_in_force",
        "DROP INDEX payout_one_due_per_account",
        "CREATE UNIQUE INDEX payout_one_due_per_account ON payments_payout (account_id, id) "
        "WHERE status = 'due'"),
    lie("a trigger of nobody's changes what is written", "guards_are_in_force",
        "CREATE FUNCTION forge() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RETURN NULL; END$$",
        "CREATE TRIGGER forge BEFORE INSERT ON payments_booktouch FOR EACH ROW "
        "EXECUTE FUNCTION forge()"),
    lie("a rule writes nothing", "guards_are_in_force",
        "CREATE RULE forge AS ON INSERT TO payments_looseend DO INSTEAD NOTHING"),
    lie("a rule holds from next year on", "rules_hold_since_their_migration",
        "UPDATE payments_bookmark SET until = now() + interval '1 year' "
        "WHERE name = 'since:booked_tax'"),
    lie("a rule holds since a migration of next year", "rules_hold_since_their_migration",
        "UPDATE payments_bookmark SET until = now() + interval '1 year' "
        "WHERE name = 'since:booked_tax'",
        "UPDATE django_migrations SET applied = now() + interval '1 year' "
        "WHERE app = 'payments' AND name = '0044_rules_since'"),
    lie("a rule holds since a migration that never was", "rules_hold_since_their_migration",
        "UPDATE payments_bookmark SET until = now() WHERE name = 'since:booked_tax'",
        "UPDATE django_migrations SET applied = now() - interval '3 days' "
        "WHERE app = 'payments' AND name = '0044_rules_since'",
        "INSERT INTO django_migrations (app, name, applied) "
        "VALUES ('payments', '0051_other_rules_since', now())"),
    lie("a rule holds since another's migration", "rules_hold_since_their_migration",
        "UPDATE payments_bookmark SET until = now() WHERE name = 'since:sale_percent'",
        "UPDATE django_migrations SET applied = now() - interval '3 days' "
        "WHERE app = 'payments' AND name = '0056_sales_say_their_percent'"),
    lie("a rule holds since no migration", "rules_hold_since_their_migration",
        "INSERT INTO payments_bookmark (name, until, amount) VALUES ('since:forged', now(), 0)"),
    lie("a run of the year 2100 stands for all before", "runs_are_of_the_past",
        "INSERT INTO payments_reconciliationrun (id, created_at, updated_at, since, finished_at, "
        "payments_compared, refunds_compared, disputes_compared, error) VALUES "
        "(gen_random_uuid(), '2100-01-01', now(), '1970-01-01', '2100-01-01', 0, 0, 0, '')"),
)  # fmt: skip

LIES = (
    *ENTRIES, *MOVEMENTS, *AGREED, *PAYMENTS, *PAYOUTS, *ORDERS, *DOCUMENTS, *ACCESS, *BALANCES,
    *BALANCE_MOVEMENTS, *GUARDS, *OFFERED,
)  # fmt: skip
