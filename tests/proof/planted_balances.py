"""Lies in the running balances: what was folded in, and what wasn't yet."""

from tests.proof.planted_lie import Lie, lie

_ANNS = "instructor_id = '{ann}'"
# What is told of a row, and of which.
_OF_BOTH = (
    ("amount = amount - 5", _ANNS),
    ("currency = 'eur'", _ANNS),
    ("account = 'nobody'", "account = 'tax'"),
    ("instructor_id = '{bob}'", _ANNS),
    ("course_id = '{whole.course}'", _ANNS),
    ("entries = entries + 1", _ANNS),
    ("sales = sales + 1", _ANNS),
    ("sold = sold - 5", _ANNS),
    ("sent = sent + 5", _ANNS),
)


def _tell(table: str, name: str, change: str, of: str) -> Lie:
    return lie(
        f"{name}: {change.split(' ', 1)[0]}",
        "balances_are_the_ledgers",
        f"UPDATE {table} SET {change} WHERE id = (SELECT min(id) FROM {table} WHERE {of})",
    )


BALANCES = (
    *(_tell("payments_balance", "a balance", *told) for told in _OF_BOTH),
    *(_tell("payments_balancechange", "a change", *told) for told in _OF_BOTH if told[1] == _ANNS),
    lie("a change of another account", "balances_are_the_ledgers",
        "UPDATE payments_balancechange SET account = 'platform' WHERE id = "
        "(SELECT min(id) FROM payments_balancechange WHERE instructor_id = '{bob}')"),
    lie("the view shows other balances", "balances_are_the_ledgers",
        "CREATE OR REPLACE VIEW payments_runningbalance AS SELECT id, currency, account, "
        "instructor_id, course_id, NULL::timestamptz AS held_until, amount, entries, sales, sold, "
        "sent FROM payments_balance UNION ALL SELECT id, currency, account, instructor_id, "
        "course_id, NULL::timestamptz, amount, entries, sales, sold, sent "
        "FROM payments_balancechange"),
    lie("held earnings count at once", "balances_are_the_ledgers",
        "UPDATE payments_balancechange SET held_until = NULL WHERE held_until > now()"),
    lie("a change is gone", "balances_are_the_ledgers",
        "DELETE FROM payments_balancechange WHERE instructor_id = '{bob}'"),
    lie("a balance is counted twice", "balances_are_the_ledgers",
        "INSERT INTO payments_balancechange (currency, account, instructor_id, course_id, amount, "
        "entries, sales, sold, sent) SELECT currency, account, instructor_id, course_id, amount, "
        "entries, sales, sold, sent FROM payments_balance WHERE account = 'stripe'"),
)  # fmt: skip
