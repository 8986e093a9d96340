"""The running balances, verified from where they were before: every one of them in each run, at a
cost that follows from how many there are and what moved since, not from how many entries.

A mark has for each balance what the entries until some moment add up to. With what was written
since it is the balance, or there is a doubt: then all entries are asked. Entries are told apart by
their ids, which begin with the time; one that is written late leads to a doubt as well.
"""

import datetime as dt
import uuid
from collections.abc import Callable

from django.db import connection

from payments.books.invariant import Violation

# After so long nothing of before is written any more.
SETTLED = dt.timedelta(hours=1)

_SUMS = "amount, entries, sales, sold, sent"
_KEY = "currency, account, instructor_id, course_id"
_ENTRIES = """
    SELECT movement.currency, entry.account,
           CASE entry.account WHEN 'instructor' THEN entry.instructor_id END AS instructor_id,
           item.course_id, entry.amount, 1 AS entries, (movement.kind = 'sale')::int AS sales,
           CASE movement.kind WHEN 'sale' THEN entry.amount ELSE 0 END AS sold,
           CASE WHEN movement.kind IN ('payout', 'payout_paid', 'payout_failed')
                THEN entry.amount ELSE 0 END AS sent
    FROM payments_ledgerentry entry
    JOIN payments_ledgertransaction movement ON movement.id = entry.transaction_id
    LEFT JOIN orders_orderitem item
           ON item.id = entry.order_item_id AND entry.account = 'instructor'
"""
# Where balances aren't the mark with what came since; and what is held, against what the changes
# hold, which is as much as was earned lately.
_DOUBT = f"""
    SELECT 1 FROM (
        SELECT {_KEY}, {_SUMS} FROM payments_balancemark
        UNION ALL {_ENTRIES} WHERE entry.id >= %(since)s
        UNION ALL SELECT {_KEY}, -amount, -entries, -sales, -sold, -sent
        FROM payments_runningbalance
    ) sums
    GROUP BY {_KEY}
    HAVING (sum(amount), sum(entries), sum(sales), sum(sold), sum(sent))
           IS DISTINCT FROM (0::numeric, 0::numeric, 0::numeric, 0::numeric, 0::numeric)
    UNION ALL
    SELECT 1 FROM (
        SELECT movement.currency, entry.instructor_id, item.course_id,
               entry.available_at AS held_until, entry.amount, 1 AS entries
        FROM (SELECT instructor_id FROM payments_balancemark
              UNION SELECT instructor_id FROM payments_runningbalance) earner
        CROSS JOIN LATERAL (
            SELECT * FROM payments_ledgerentry
            WHERE account = 'instructor' AND instructor_id = earner.instructor_id
              AND available_at > now()
        ) entry
        JOIN payments_ledgertransaction movement ON movement.id = entry.transaction_id
        LEFT JOIN orders_orderitem item ON item.id = entry.order_item_id
        WHERE movement.kind NOT IN ('payout', 'payout_failed')
          AND NOT (entry.amount > 0 AND entry.available_at <= movement.occurred_at)
        UNION ALL
        SELECT currency, instructor_id, course_id, held_until, -amount, -entries
        FROM payments_runningbalance WHERE held_until > now()
    ) held
    GROUP BY currency, instructor_id, course_id, held_until
    HAVING (sum(amount), sum(entries)) IS DISTINCT FROM (0::numeric, 0::numeric)
    LIMIT 1
"""  # noqa: S608 (the texts above)
_ADVANCE = f"""
    INSERT INTO payments_balancemark AS mark ({_KEY}, {_SUMS})
    SELECT {_KEY}, sum(amount), sum(entries), sum(sales), sum(sold), sum(sent)
    FROM ({_ENTRIES} WHERE entry.id >= %(since)s AND entry.id < %(until)s) AS written
    GROUP BY {_KEY}
    ON CONFLICT ({_KEY}) DO UPDATE
    SET amount = mark.amount + excluded.amount, entries = mark.entries + excluded.entries,
        sales = mark.sales + excluded.sales, sold = mark.sold + excluded.sold,
        sent = mark.sent + excluded.sent
"""  # noqa: S608 (the texts above)
_NOTE = """
    INSERT INTO payments_bookmark (name, until, amount) VALUES ('balances', %(until)s, 0)
    ON CONFLICT (name) DO UPDATE SET until = excluded.until
"""


def verify_running(*, ask: Callable[[], list[Violation]], marks: bool) -> list[Violation]:
    """Return what `ask`, which asks all entries, finds broken, where there is a doubt; with `marks`
    also note up to where all balances were verified. In the caller's snapshot."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT now() - make_interval(secs => %s),"
            " (SELECT until FROM payments_bookmark WHERE name = 'balances')",
            [SETTLED.total_seconds()],
        )
        until, before = cursor.fetchone()
        # As values and not as what is looked up: then the planner knows how few entries that are.
        in_doubt = before is None
        if not in_doubt:
            cursor.execute(_DOUBT, {"since": _first_id(before)})
            in_doubt = cursor.fetchone() is not None
        broken = ask() if in_doubt else []
        if marks and not broken:
            if in_doubt:
                before = None
                cursor.execute("DELETE FROM payments_balancemark")
            # Clocks may go back, marks don't.
            until = max(until, before or until)
            given = {"since": _first_id(before), "until": _first_id(until)}
            cursor.execute(_ADVANCE, given)
            cursor.execute(_NOTE, {"until": until})
    return broken


def _first_id(moment: dt.datetime | None) -> uuid.UUID:
    """Return the lowest id of that moment; of none, the lowest there is."""
    ms = int(moment.timestamp() * 1000) if moment else 0
    return uuid.UUID(int=ms << 80)
