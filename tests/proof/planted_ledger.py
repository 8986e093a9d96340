"""Lies in the ledger: its movements and their sides."""

from tests.proof.planted_lie import FORGED, lie


def _movement(reference: str, kind: str, amount: str, *, causes: str = "", of: str = "") -> str:
    """A balanced movement: so much for Ann, from the platform. `causes` are columns and `of` what
    is in them."""
    return f"""
        WITH movement AS (
            INSERT INTO payments_ledgertransaction
                (id, created_at, updated_at, kind, reference, currency, occurred_at{causes})
            VALUES (gen_random_uuid(), now(), now(), '{kind}', '{reference}', 'usd', now(){of})
            RETURNING id
        )
        INSERT INTO payments_ledgerentry
            (id, created_at, updated_at, transaction_id, account, amount, instructor_id,
             available_at)
        SELECT gen_random_uuid(), now(), now(), movement.id, side.account, side.amount,
               side.instructor_id, side.available_at
        FROM movement, (VALUES
            ('instructor', -{amount}, '{{ann}}'::uuid, now()), ('platform', {amount}, NULL, NULL)
        ) AS side(account, amount, instructor_id, available_at)
    """


def _pair(reference: str, line: str, amount: str = "5000") -> str:
    """Two more sides for a movement that is there, which cancel out: so much for Ann."""
    return f"""
        INSERT INTO payments_ledgerentry
            (id, created_at, updated_at, transaction_id, account, amount, instructor_id,
             available_at, order_item_id)
        SELECT gen_random_uuid(), now(), now(), movement.id, side.account, side.amount,
               side.instructor_id, side.available_at, {line}
        FROM payments_ledgertransaction movement, (VALUES
            ('instructor', -{amount}, '{{ann}}'::uuid, now()), ('platform', {amount}, NULL, NULL)
        ) AS side(account, amount, instructor_id, available_at)
        WHERE movement.reference = '{reference}'
    """


def payout(amount: str) -> tuple[str, ...]:
    """One more payout to Ann, made and booked as it should be."""
    return (
        f"INSERT INTO payments_payout (id, created_at, updated_at, account_id, amount, currency,"
        f" status, stripe_transfer_id, paid_at, attempts, next_attempt_at, last_error)"
        f" SELECT '{FORGED}', now(), now(), id, {amount}, 'usd', 'paid', 'tr_forged', now(), 1,"
        " now(), '' FROM payments_payoutaccount WHERE instructor_id = '{ann}'",
        *(
            f"WITH movement AS (INSERT INTO payments_ledgertransaction (id, created_at, updated_at,"
            f" kind, reference, currency, occurred_at, payout_id) VALUES (gen_random_uuid(), now(),"
            f" now(), '{kind}', '{kind}:{FORGED}', 'usd', now(), '{FORGED}') RETURNING id)"
            f" INSERT INTO payments_ledgerentry (id, created_at, updated_at, transaction_id,"
            f" account, amount, instructor_id, available_at) SELECT gen_random_uuid(), now(),"
            f" now(), movement.id, side.account, side.amount, side.instructor_id,"
            f" side.available_at FROM movement, (VALUES {sides})"
            " AS side(account, amount, instructor_id, available_at)"
            for kind, sides in (
                ("payout", f"('instructor', {amount}, '{{ann}}'::uuid, now()),"
                           f" ('payouts', -{amount}, NULL, NULL)"),
                ("payout_paid", f"('payouts', {amount}, NULL::uuid, NULL::timestamptz),"
                                f" ('stripe', -{amount}, NULL, NULL)"),
            )
        ),
    )  # fmt: skip


# The constraint that refuses a movement without a cause holds with triggers off, too.
_WITHOUT_CAUSES = (
    "ALTER TABLE payments_ledgertransaction DROP CONSTRAINT IF EXISTS ledger_has_its_cause"
)
_OF = (
    "transaction_id = (SELECT id FROM payments_ledgertransaction WHERE reference = '{}') "
    "AND account = '{}'"
)
_PLAIN = "sale:{plain.payment}"
_BY_LINE = (
    "transaction_id = (SELECT id FROM payments_ledgertransaction "
    "WHERE kind = 'refund' AND payment_id = '{by_line.payment}')"
)
_ON_LINE = " AND order_item_id = '{plain.line}'"


def _entry(change: str, reference: str, account: str, rest: str = "") -> str:
    return f"UPDATE payments_ledgerentry SET {change} WHERE {_OF.format(reference, account)}{rest}"


ENTRIES = (
    lie("one side of a sale is larger", "ledger_transaction_adds_up",
         _entry("amount = amount + 1", _PLAIN, "stripe")),
    lie("a sale brought more than was paid", "movement_moves_its_amount",
         _entry("amount = amount + 5", _PLAIN, "stripe"),
         _entry("amount = amount - 5", _PLAIN, "platform", _ON_LINE)),
    lie("a share is somebody else's", "entry_has_its_owner",
         _entry("instructor_id = '{bob}'", _PLAIN, "instructor", _ON_LINE)),
    lie("the tax office's entry has an instructor", "entry_has_its_owner",
         _entry("instructor_id = '{bob}'", _PLAIN, "tax", _ON_LINE)),
    lie("tax is booked as the platform's", "sale_follows_its_lines",
         _entry("account = 'platform'", _PLAIN, "tax", _ON_LINE)),
    lie("the platform's part is booked as a buyer's", "sale_follows_its_lines",
         _entry("account = 'buyers'", _PLAIN, "platform", _ON_LINE)),
    lie("a line's part is booked to another line", "sale_follows_its_lines",
         _entry("order_item_id = '{plain.other_line}'", _PLAIN, "tax", _ON_LINE)),
    lie("a part is booked to a line of another order", "entry_has_its_owner",
         _entry("order_item_id = '{early.line}'", _PLAIN, "tax", _ON_LINE)),
    lie("an entry hangs on another movement", "ledger_transaction_adds_up",
         "UPDATE payments_ledgerentry SET transaction_id = (SELECT id FROM "
         "payments_ledgertransaction WHERE reference = 'sale:{early.payment}') WHERE "
         + _OF.format(_PLAIN, "tax")),
    lie("a whole side of all movements is gone", "ledger_adds_up",
         "DELETE FROM payments_ledgerentry WHERE account = 'platform'"),
    lie("a movement has lost its sides", "ledger_transaction_adds_up",
         "DELETE FROM payments_ledgerentry WHERE transaction_id = (SELECT id FROM "
         "payments_ledgertransaction WHERE reference = 'sale:{plain.payment}')"),
    lie("5,000 from nothing on a line of a sale", "sale_follows_its_lines",
         _pair(_PLAIN, "'{plain.line}'::uuid")),
    lie("5,000 within a sale, of no line", "entry_has_its_owner",
         _pair(_PLAIN, "NULL::uuid")),
    lie("5,000 within a refund, of no line", "entry_has_its_owner",
         _pair("refund:{by_line.refund}", "NULL::uuid")),
    lie("the instructor gives back less than their part", "line_gives_back_in_proportion",
         f"UPDATE payments_ledgerentry SET amount = amount - 5 WHERE {_BY_LINE} "
         "AND account = 'instructor'",
         f"UPDATE payments_ledgerentry SET amount = amount + 5 WHERE {_BY_LINE} "
         "AND account = 'platform'"),
    lie("the platform gives back more than it had", "line_holds_what_it_was_sold_for",
         f"UPDATE payments_ledgerentry SET amount = amount - 20 WHERE {_BY_LINE} "
         "AND account = 'instructor'",
         f"UPDATE payments_ledgerentry SET amount = amount + 20 WHERE {_BY_LINE} "
         "AND account = 'platform'"),
    lie("another line gives back", "named_line_gives_what_it_is_named_for",
         f"UPDATE payments_ledgerentry SET order_item_id = '{{by_line.other_line}}' WHERE "
         f"{_BY_LINE} AND account = 'tax'"),
    lie("a loss beside lines that hold something", "loss_is_what_nobody_holds",
         f"UPDATE payments_ledgerentry SET order_item_id = NULL WHERE {_BY_LINE} "
         "AND account = 'platform'"),
    lie("a refund that failed comes back to another", "line_gives_back_in_proportion",
         "UPDATE payments_ledgerentry entry SET amount = amount + 5 FROM "
         "payments_ledgertransaction movement WHERE movement.id = entry.transaction_id AND "
         "movement.kind = 'refund_failed' AND account = 'instructor' AND "
         "entry.order_item_id = '{bounced.line}'",
         "UPDATE payments_ledgerentry entry SET amount = amount - 5 FROM "
         "payments_ledgertransaction movement WHERE movement.id = entry.transaction_id AND "
         "movement.kind = 'refund_failed' AND account = 'platform' AND "
         "entry.order_item_id = '{bounced.line}'"),
    lie("Stripe's fee is booked as ours", "movement_moves_its_amount",
         _entry("account = 'platform'", "fee:{plain.payment}", "stripe_fees")),
    lie("held earnings can be paid now", "sale_is_what_was_agreed",
        _entry("available_at = now()", _PLAIN, "instructor")),
    lie("what was taken of held earnings counts now", "held_earnings_stay_held",
        f"UPDATE payments_ledgerentry SET available_at = now() WHERE {_BY_LINE} "
        "AND account = 'instructor'"),
    lie("5.00 of the platform's is the instructor's", "sale_is_what_was_agreed",
        _entry("amount = amount - 5", _PLAIN, "instructor", _ON_LINE),
        _entry("amount = amount + 5", _PLAIN, "platform", _ON_LINE)),
    lie("a payout is taken from another instructor", "payout_is_booked_as_it_stands",
         _entry("instructor_id = '{bob}'", "payout:{payouts[paid]}", "instructor")),
    lie("a payout took less than was paid", "payout_is_booked_as_it_stands",
         _entry("amount = amount - 1", "payout:{payouts[paid]}", "instructor"),
         _entry("amount = amount + 1", "payout:{payouts[paid]}", "payouts")),
)  # fmt: skip

_CHANGED = "UPDATE payments_ledgertransaction SET {} WHERE reference = '{}'"
MOVEMENTS = (
    lie("a sale is called undue", "money_is_booked",
         _WITHOUT_CAUSES,
         _CHANGED.format("kind = 'undue_payment', reference = 'undue:{plain.payment}'", _PLAIN)),
    lie("a sale has another reference", "movement_has_its_cause",
         _WITHOUT_CAUSES, _CHANGED.format("reference = 'sale:x'", _PLAIN)),
    lie("a sale is in another currency", "movement_agrees_with_its_cause",
         _CHANGED.format("currency = 'eur'", _PLAIN)),
    lie("a refund is in another currency", "ledger_keeps_the_currency",
        _CHANGED.format("currency = 'eur'", "refund:{whole.refund}")),
    lie("what is wholly back is held of a line", "refunded_line_earns_nobody",
        "UPDATE payments_ledgerentry SET order_item_id = NULL WHERE transaction_id = (SELECT id "
        "FROM payments_ledgertransaction WHERE reference = 'refund:{whole.refund}') AND "
        "account = 'tax'"),
    lie("a sale is of another day", "movement_has_its_date",
         _CHANGED.format("occurred_at = occurred_at - interval '40 days'", _PLAIN)),
    lie("a payout is booked ahead of its time", "movement_has_its_date",
         _CHANGED.format("occurred_at = occurred_at + interval '30 days'",
                         "payout:{payouts[paid]}")),
    lie("a sale is another payment's", "movement_has_its_cause",
         _WITHOUT_CAUSES, _CHANGED.format("payment_id = '{early.payment}'", _PLAIN)),
    lie("a refund's movement is of another refund", "movement_has_its_cause",
         _WITHOUT_CAUSES,
         "UPDATE payments_ledgertransaction SET refund_id = (SELECT id FROM payments_refund WHERE "
         "payment_id = '{late.payment}') WHERE kind = 'refund' AND "
         "payment_id = '{by_line.payment}'"),
    lie("a dispute's movement is of another dispute", "movement_has_its_cause",
         _WITHOUT_CAUSES,
         "UPDATE payments_ledgertransaction SET dispute_id = (SELECT id FROM payments_dispute "
         "WHERE payment_id = '{won.payment}') WHERE kind = 'dispute' AND "
         "payment_id = '{lost.payment}'"),
    lie("a payout's movement is of another payout", "movement_has_its_cause",
         _WITHOUT_CAUSES,
         _CHANGED.format("payout_id = '{payouts[due]}'", "payout_paid:{payouts[paid]}")),
    lie("5,000 from nothing, hung on nothing", "movement_has_its_cause",
         _WITHOUT_CAUSES, _movement("sale:forged", "sale", "5000")),
    lie("5,000 from nothing, of an unknown kind", "movement_has_its_cause",
         _WITHOUT_CAUSES, _movement("gift:1", "gift", "5000")),
    lie("5,000 from nothing, hung on a real payment", "nothing_else_is_booked",
         _movement("undue:{plain.payment}", "undue_payment", "5000",
                   causes=", payment_id", of=", '{plain.payment}'")),
    lie("a fee that Stripe didn't keep", "nothing_else_is_booked",
         "UPDATE payments_payment SET fee_amount = NULL WHERE id = '{plain.payment}'"),
    lie("a refund that stands is undone in the ledger", "movement_agrees_with_its_cause",
         _movement("refund_failed:{whole.refund}", "refund_failed", "5000",
                   causes=", payment_id, refund_id",
                   of=", '{whole.payment}', '{whole.refund}'")),
    lie("a loss is made good that nothing came back for", "movement_agrees_with_its_cause",
         _movement("refund:{whole.refund}:{whole.refund}", "refund", "5000",
                   causes=", payment_id, refund_id",
                   of=", '{whole.payment}', '{whole.refund}'")),
    lie("a sale was never booked", "money_is_booked",
         "DELETE FROM payments_ledgerentry WHERE transaction_id = (SELECT id FROM "
         "payments_ledgertransaction WHERE reference = 'sale:{plain.payment}')",
         "DELETE FROM payments_ledgertransaction WHERE reference = 'sale:{plain.payment}'"),
)  # fmt: skip

_AGREED = "UPDATE payments_saleline SET {} WHERE order_item_id = '{{plain.line}}'"
_PERCENT = "ALTER TABLE payments_saleline DROP CONSTRAINT sale_line_share_of_percent"
AGREED = (
    lie("5.00 more was agreed for the instructor", "sale_is_what_was_agreed",
        _PERCENT,
        _AGREED.format("instructor_amount = instructor_amount + 5, "
                       "platform_amount = platform_amount - 5"),
        _entry("amount = amount - 5", _PLAIN, "instructor", _ON_LINE),
        _entry("amount = amount + 5", _PLAIN, "platform", _ON_LINE)),
    lie("another percentage was agreed", "sale_is_what_was_agreed",
        _PERCENT, _AGREED.format("percent = 90")),
    lie("less tax was agreed", "sale_is_what_was_agreed",
        _AGREED.format("tax_amount = tax_amount - 1")),
    lie("a line was agreed to be the buyer's", "sale_is_what_was_agreed",
        _AGREED.format("buyer_amount = instructor_amount + platform_amount + tax_amount, "
                       "instructor_amount = 0, platform_amount = 0, tax_amount = 0, "
                       "instructor_id = NULL, available_at = NULL, percent = NULL")),
    lie("a line was agreed to be another instructor's", "sale_is_what_was_agreed",
        _AGREED.format("instructor_id = '{bob}'")),
    lie("earnings were agreed to be paid at once", "sale_is_what_was_agreed",
        _AGREED.format("available_at = now()")),
    lie("what was agreed is of another payment", "sale_is_what_was_agreed",
        _AGREED.format("payment_id = '{early.payment}'")),
    lie("what was agreed is of another line", "sale_is_what_was_agreed",
        _AGREED.format("order_item_id = '{pending.line}'")),
    lie("what was agreed is gone", "sale_is_what_was_agreed",
        "DELETE FROM payments_saleline WHERE order_item_id = '{plain.line}'"),
)  # fmt: skip
