"""The guards of the books themselves: what the database refuses by itself is there, and on."""

from django.db import connection

from payments.books.definitions import read_definitions, tell_guards
from payments.books.invariant import CLOCKS, Invariant, Scope

# By table: triggers, checks and unique indexes, as the migrations leave them (names are apart by a
# blank). A guard that is switched off leaves no other trace, as what it let through may look right.
TRIGGERS = {
    "courses_instructorchange": (
        "courses_instructors_are_remembered courses_instructors_go_with_their_course "
        "courses_instructors_stay"
    ),
    "courses_pricechange": (
        "courses_prices_are_remembered courses_prices_go_with_their_course courses_prices_stay"
    ),
    "enrollments_accesshold": "loose_if_changed",
    "enrollments_enrollment": "loose_if_changed loose_if_new",
    "orders_coupon": "coupon_keeps_its_uses",
    "orders_couponredemption": "coupon_counts_its_uses",
    "orders_creditnote": "document_is_append_only document_is_never_emptied",
    "orders_invoice": "document_is_append_only document_is_never_emptied",
    "orders_numberseries": "orders_number_by_sequence",
    "orders_order": "orders_order_loses_who_is_gone orders_order_stays",
    "orders_orderitem": (
        "orders_line_is_not_deleted orders_line_keeps_its_instructor "
        "orders_line_loses_who_is_gone orders_line_stays"
    ),
    "payments_balance": "balances_are_the_ledgers",
    "payments_balancechange": "balances_are_the_ledgers changes_are_folded held_is_not_folded",
    "payments_balancemovement": (
        "balance_movement_is_never_changed balance_movement_is_never_deleted"
    ),
    "payments_bookmark": "rules_are_never_emptied rules_stay",
    "payments_dispute": "loose_if_changed loose_if_new",
    "payments_ledgerentry": (
        "entries_count ledger_adds_up ledger_has_its_owner ledger_is_append_only "
        "ledger_is_closed ledger_is_never_emptied ledger_moves_as_its_cause_says "
        "ledger_pays_what_is_owed ledger_shares_as_sold"
    ),
    "payments_ledgertransaction": (
        "ledger_is_append_only ledger_is_never_emptied ledger_is_not_empty sale_is_as_agreed"
    ),
    "payments_payment": "loose_if_changed loose_if_new",
    "payments_payout": "payout_is_booked payout_stays",
    "payments_reconciliationdifference": "holds_are_never_emptied holds_stay",
    "payments_refund": "loose_if_changed loose_if_new",
    "payments_revenueshare": "shares_are_remembered",
    "payments_saleline": "sale_line_is_append_only sale_line_is_never_emptied",
    "payments_term": "terms_are_never_emptied terms_stay",
}
# Where each written row is noted for the nightly run.
NOTED = (
    "courses_instructorchange",
    "courses_pricechange",
    "enrollments_accesshold",
    "enrollments_enrollment",
    "orders_coupon",
    "orders_couponredemption",
    "orders_creditnote",
    "orders_invoice",
    "orders_order",
    "orders_orderitem",
    "payments_balancemovement",
    "payments_dispute",
    "payments_ledgerentry",
    "payments_ledgertransaction",
    "payments_payment",
    "payments_payout",
    "payments_payoutaccount",
    "payments_refund",
    "payments_refundline",
    "payments_refundrequest",
    "payments_refundrequest_order_items",
    "payments_saleline",
)
_NOTES = ("books_note_insert", "books_note_update", "books_note_delete")
CHECKS = {
    "enrollments_accesshold": (
        "access_hold_effect_closed access_hold_has_its_object access_hold_of_staff_says_why"
    ),
    "enrollments_enrollment": (
        "enrollment_completed_has_date enrollment_progress_bounded "
        "enrollment_source_closed enrollment_status_closed "
        "enrollments_enrollment_lessons_completed_check "
        "enrollments_enrollment_progress_percent_check "
        "enrollments_enrollment_total_lessons_check"
    ),
    "orders_coupon": (
        "coupon_amount_positive coupon_code_upper_case coupon_dates_in_order "
        "coupon_minimum_positive coupon_one_kind coupon_one_scope coupon_percent_bounded "
        "orders_coupon_max_redemptions_check "
        "orders_coupon_max_redemptions_per_person_check orders_coupon_percent_off_check"
    ),
    "orders_creditnote": "credit_note_has_one_cause credit_note_positive",
    "orders_invoice": "invoice_names_its_seller",
    "orders_numberseries": "orders_numberseries_last_check",
    "orders_order": (
        "order_completed_has_date order_money_not_negative order_refund_bounded "
        "order_status_closed order_total_adds_up"
    ),
    "orders_orderitem": (
        "order_item_money_not_negative order_item_refund_bounded order_item_state_closed"
    ),
    "payments_balancemovement": "balance_movement_adds_up balance_movement_booked_as_closed",
    "payments_ledgerentry": "ledger_entry_not_zero ledger_entry_of_instructor",
    "payments_ledgertransaction": "ledger_has_its_cause",
    "payments_payment": "payment_amount_not_negative payment_refunds_bounded payment_status_closed",
    "payments_payout": (
        "payments_payout_attempts_check payout_amount_positive payout_paid_has_date "
        "payout_paid_has_its_transfer payout_status_closed"
    ),
    "payments_payoutaccount": "payout_account_trouble_closed",
    "payments_refund": (
        "payments_refund_attempts_check payments_refund_shortages_check "
        "refund_amount_positive refund_made_has_its_id refund_status_closed "
        "refund_undone_was_applied"
    ),
    "payments_refundline": "refund_line_not_negative",
    "payments_refundrequest": "refund_request_status_closed",
    "payments_revenueshare": "payments_revenueshare_percent_check revenue_share_percent_bounded",
    "payments_saleline": (
        "payments_saleline_percent_check sale_line_money_not_negative "
        "sale_line_of_instructor sale_line_one_kind sale_line_share_of_percent"
    ),
    "payments_term": "payments_term_percent_check",
}
# Rules that rows of before don't follow, by the migration that made each.
RULES_SINCE = {
    "booked_tax": "0044_rules_since",
    "refund_decided": "0044_rules_since",
    "sale_percent": "0056_sales_say_their_percent",
}
# Asked of what is written since alone: what was there before doesn't hold to it.
SINCE = ("invoice_names_its_seller",)
UNIQUES = {
    "enrollments_accesshold": "access_hold_one_open access_hold_one_of_staff",
    "enrollments_enrollment": "enrollment_once",
    "orders_coupon": "orders_coupon_code_key",
    "orders_couponredemption": "orders_couponredemption_order_id_key",
    "orders_creditnote": (
        "credit_note_one_of_a_dispute orders_creditnote_number_key orders_creditnote_refund_id_key"
    ),
    "orders_invoice": "orders_invoice_order_id_key orders_invoice_number_key",
    "orders_order": "order_one_open_per_user orders_order_order_number_key",
    "orders_orderitem": "order_item_once",
    "payments_balance": "balance_once",
    "payments_balancemovement": "payments_balancemovement_stripe_id_key",
    "payments_dispute": "payments_dispute_stripe_dispute_id_key",
    "payments_ledgertransaction": "payments_ledgertransaction_reference_key",
    "payments_payment": "payments_payment_stripe_payment_id_key payment_one_open_per_order",
    "payments_payout": "payout_one_due_per_account payments_payout_stripe_transfer_id_key",
    "payments_payoutaccount": (
        "payments_payoutaccount_instructor_id_key payments_payoutaccount_stripe_account_id_key"
    ),
    "payments_reconciliationdifference": "difference_open_once",
    "payments_refund": "payments_refund_stripe_refund_id_key",
    "payments_refundline": "refund_line_once",
    "payments_refundrequest": "refund_request_one_open payments_refundrequest_refund_id_key",
    "payments_refundrequest_order_items": (
        "payments_refundrequest_o_refundrequest_id_orderit_20c03c1f_uniq"
    ),
    "payments_revenueshare": "payments_revenueshare_course_id_key",
    "payments_saleline": "payments_saleline_order_item_id_key",
}


def list_guards() -> list[tuple[str, str, str]]:
    """Return every guard: its kind (`trigger`, `check` or `unique`), table and name."""
    kinds = (("trigger", TRIGGERS), ("check", CHECKS), ("unique", UNIQUES))
    named = [
        (kind, table, name)
        for kind, by_table in kinds
        for table, names in by_table.items()
        for name in names.split()
    ]
    return named + [("trigger", table, name) for table in NOTED for name in _NOTES]


# Where nothing else may meddle with what is written: the books, and what is noted of them.
GUARDED = frozenset(
    {*TRIGGERS, *NOTED, *CHECKS, *UNIQUES, "payments_booktouch", "payments_looseend"}
)
_TOLD = tell_guards(GUARDED, since=SINCE)


def list_definitions() -> list[tuple[str, str, str, str]]:
    """Return each guard as this database has it: kind, table, name and fingerprint, in order."""
    with connection.cursor() as cursor:
        cursor.execute(_TOLD)
        return sorted((row[0], row[1], row[2], row[4]) for row in cursor.fetchall())


_RULES = ", ".join(f"('since:{rule}', '{made_by}')" for rule, made_by in RULES_SINCE.items())
_LISTED = ", ".join(
    f"('{kind}', '{table}', '{name}', '{made_of}')"
    for kind, table, name, made_of in read_definitions()
)

GUARDS = (
    Invariant(
        name="guards_are_in_force",
        scope=Scope.WHOLE,
        sentence="Each trigger, check and unique index that guards the books is in force and made "
        "as the migrations make it, and so is each function of the books; no other trigger, rule "
        "or function is among them.",
        given=f"WITH guard AS (SELECT * FROM (VALUES {_LISTED}) "  # noqa: S608 (the text above)
        f"AS guard(kind, of_table, name, made_of)), told AS ({_TOLD})",
        query="""
            SELECT coalesce(guard.name, told.name) AS subject, coalesce(guard.kind, told.kind)
                   AS kind, coalesce(guard.of_table, told.of_table) AS of_table,
                   CASE WHEN told.name IS NULL THEN 'gone' WHEN guard.name IS NULL THEN 'added'
                        WHEN told.is_on THEN 'changed' ELSE 'off' END AS is_it
            FROM guard FULL JOIN told ON told.kind = guard.kind
                 AND told.of_table = guard.of_table AND told.name = guard.name
            WHERE guard.name IS NULL AND told.kind IN ('trigger', 'rule', 'function')
               OR guard.name IS NOT NULL
                  AND (told.is_on, told.made_of) IS DISTINCT FROM (true, guard.made_of)
        """,
    ),
    Invariant(
        name="rules_hold_since_their_migration",
        scope=Scope.WHOLE,
        sentence="A rule that rows of before don't follow holds from the migration on that made "
        "it, or the day after.",
        query=f"""
            SELECT mark.name AS subject, mark.until FROM payments_bookmark mark
            LEFT JOIN (VALUES {_RULES}) AS rule(name, made_by) ON rule.name = mark.name
            WHERE mark.name LIKE 'since:%' AND mark.until > coalesce((
                SELECT min(applied) + interval '2 days' FROM django_migrations
                WHERE app = 'payments' AND name = rule.made_by AND applied <= now() + {CLOCKS}
            ), '-infinity')
        """,  # noqa: S608 (the text above)
    ),
    Invariant(
        name="runs_are_of_the_past",
        scope=Scope.WHOLE,
        sentence="No run of the comparison with Stripe is dated later than now, so that none that "
        "was never made stands for those to come.",
        # A worker counts none that is dated later than now; a day is more than clocks are apart.
        query="""
            SELECT id AS subject, created_at, finished_at FROM payments_reconciliationrun
            WHERE greatest(created_at, finished_at) > now() + interval '1 day'
        """,
    ),
)
