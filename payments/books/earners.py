"""What instructors earned and were paid, verified from where it was before.

A mark says what an instructor's entries until some moment add up to. Their world has one entry in
place of these, and all that came since or was held beyond that moment.
"""

from collections.abc import Callable, Collection, Mapping

from django.db import connection

from payments.books import worlds
from payments.books.invariant import Violation

_AT_ONCE = 100

# Who was paid, or had something taken from them.
_TAKEN_FROM = """
    SELECT DISTINCT instructor_id::text FROM payments_ledgerentry
    WHERE transaction_id = ANY(%(movement)s) AND account = 'instructor' AND amount > 0
"""
# Of whom a movement was changed after it was written.
_REWRITTEN = """
    SELECT DISTINCT instructor_id::text FROM payments_ledgerentry
    WHERE transaction_id = ANY(%(movement_past)s) AND account = 'instructor'
"""
_MARKED = """
    SELECT split_part(name, ':', 2), min(until) FROM payments_bookmark
    WHERE name LIKE 'earned:%%' AND split_part(name, ':', 2) = ANY(%(earners)s) GROUP BY 1
"""
_WORLD = {
    "payments_ledgerentry": """
        SELECT written.transaction_id::text, written.account::text, written.amount,
               written.instructor_id, written.available_at, written.created_at
        FROM unnest(%(earners)s::uuid[], %(since)s::timestamptz[]) AS earner(id, since)
        CROSS JOIN LATERAL (
            SELECT * FROM real.payments_ledgerentry
            WHERE account = 'instructor' AND instructor_id = earner.id
              AND available_at > earner.since
            UNION
            SELECT * FROM real.payments_ledgerentry
            WHERE account = 'instructor' AND instructor_id = earner.id
              AND created_at > earner.since
        ) written
        UNION ALL
        SELECT name, 'instructor', amount, split_part(name, ':', 2)::uuid, until - interval '1 day',
               until - interval '1 day'
        FROM payments_bookmark
        WHERE name LIKE 'earned:%%' AND split_part(name, ':', 2) = ANY(%(marked)s)
    """,
    "payments_ledgertransaction": """
        SELECT id::text, reference::text, kind::text, currency::text, occurred_at
        FROM real.payments_ledgertransaction WHERE id = ANY(ARRAY(
            SELECT transaction_id::uuid FROM payments_ledgerentry
            WHERE transaction_id NOT LIKE 'earned:%%'))
        UNION ALL
        SELECT name, name, 'before', split_part(name, ':', 3), until FROM payments_bookmark
        WHERE name LIKE 'earned:%%' AND split_part(name, ':', 2) = ANY(%(marked)s)
    """,
}
# Entries are dated by the clocks of who writes them, and seen when these commit: after an hour none
# is written any more, but by hand, which is noted as of the past.
_MARK = """
    INSERT INTO payments_bookmark (name, until, amount)
    SELECT concat_ws(':', 'earned', entry.instructor_id, movement.currency),
           now() - interval '1 hour', sum(entry.amount)
    FROM payments_ledgerentry entry
    JOIN payments_ledgertransaction movement ON movement.id = entry.transaction_id
    WHERE entry.created_at <= now() - interval '1 hour'
      AND entry.available_at <= now() - interval '1 hour'
    GROUP BY entry.instructor_id, movement.currency
    ON CONFLICT (name) DO UPDATE SET until = excluded.until, amount = excluded.amount
"""
_FORGET = """
    DELETE FROM payments_bookmark
    WHERE name LIKE 'earned:%%' AND split_part(name, ':', 2) = ANY(%(earners)s)
"""


def verify_earners(
    noted: Mapping[str, Collection[str]], *, ask: Callable[[], list[Violation]], marks: bool
) -> list[Violation]:
    """Ask of each instructor that the notes lead to; with `marks` also note up to where they were
    verified. Where the sum of before leads to a doubt, all of their entries are looked at."""
    past = set(noted["earner_past"]) | _names(_REWRITTEN, noted)
    earners = sorted({*noted["earner"], *past, *_names(_TAKEN_FROM, noted)})
    found = []
    for start in range(0, len(earners), _AT_ONCE):
        some = earners[start : start + _AT_ONCE]
        broken = _ask_of(some, _marked(some, past), ask, marks)
        found += broken and _ask_of(some, {}, ask, marks)
    return found


def _ask_of(
    earners: list[str], since: Mapping[str, str], ask: Callable[[], list[Violation]], marks: bool
) -> list[Violation]:
    given = {
        "earners": earners,
        "since": [since.get(earner, "-infinity") for earner in earners],
        "marked": list(since),
    }
    with worlds.tables(_WORLD, given, dict.fromkeys(_WORLD, "")), connection.cursor() as cursor:
        broken = ask()
        if marks:
            cursor.execute(_FORGET if broken else _MARK, {"earners": earners} if broken else None)
    return broken


def _marked(earners: list[str], past: Collection[str]) -> dict[str, str]:
    with connection.cursor() as cursor:
        cursor.execute(_MARKED, {"earners": [one for one in earners if one not in past]})
        return {earner: until.isoformat() for earner, until in cursor.fetchall()}


def _names(query: str, noted: Mapping[str, Collection[str]]) -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute(query, {name: list(noted[name]) for name in ("movement", "movement_past")})
        return {row[0] for row in cursor.fetchall()}
