"""Small worlds: parts of the books under the names of the whole, so that an invariant's own text
can be asked of them.

PostgreSQL looks for a table among the temporary ones first. A world lasts until its `with` ends or
its transaction does; nothing else may be read or written by these names meanwhile.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from django.db import connection

from payments.books.closing import Closed

# In the order in which they are made: of a table without "real." it is the small one.
_GROUPS = {
    "orders_order": "SELECT * FROM real.orders_order WHERE id = ANY(%(orders)s)",
    "orders_orderitem": "SELECT * FROM real.orders_orderitem WHERE order_id = ANY(%(orders)s)",
    "orders_couponredemption": (
        "SELECT * FROM real.orders_couponredemption WHERE order_id = ANY(%(orders)s)"
    ),
    "orders_coupon": """
        SELECT * FROM real.orders_coupon WHERE id = ANY(%(coupon)s) OR id = ANY(ARRAY(
            SELECT coupon_id FROM orders_order UNION SELECT coupon_id FROM orders_couponredemption))
    """,
    "orders_invoice": "SELECT * FROM real.orders_invoice WHERE order_id = ANY(%(orders)s)",
    "payments_payment": "SELECT * FROM real.payments_payment WHERE order_id = ANY(%(orders)s)",
    "payments_refund": """
        SELECT * FROM real.payments_refund
        WHERE payment_id = ANY(ARRAY(SELECT id FROM payments_payment))
    """,
    "payments_refundline": """
        SELECT * FROM real.payments_refundline
        WHERE refund_id = ANY(ARRAY(SELECT id FROM payments_refund))
           OR order_item_id = ANY(ARRAY(SELECT id FROM orders_orderitem))
    """,
    "payments_refundrequest": (
        "SELECT * FROM real.payments_refundrequest WHERE order_id = ANY(%(orders)s)"
    ),
    "payments_refundrequest_order_items": """
        SELECT * FROM real.payments_refundrequest_order_items
        WHERE refundrequest_id = ANY(ARRAY(SELECT id FROM payments_refundrequest))
    """,
    "payments_dispute": """
        SELECT * FROM real.payments_dispute
        WHERE payment_id = ANY(ARRAY(SELECT id FROM payments_payment))
    """,
    "payments_saleline": """
        SELECT * FROM real.payments_saleline
        WHERE payment_id = ANY(ARRAY(SELECT id FROM payments_payment))
           OR order_item_id = ANY(ARRAY(SELECT id FROM orders_orderitem))
    """,
    "orders_creditnote": """
        SELECT * FROM real.orders_creditnote
        WHERE invoice_id = ANY(ARRAY(SELECT id FROM orders_invoice))
           OR refund_id = ANY(ARRAY(SELECT id FROM payments_refund))
    """,
    "payments_payout": "SELECT * FROM real.payments_payout WHERE id = ANY(%(payouts)s)",
    "payments_payoutaccount": """
        SELECT * FROM real.payments_payoutaccount
        WHERE id = ANY(ARRAY(SELECT account_id FROM payments_payout))
    """,
    "payments_balancemovement": (
        "SELECT * FROM real.payments_balancemovement WHERE id = ANY(%(moved)s)"
    ),
    "payments_ledgertransaction": (
        "SELECT * FROM real.payments_ledgertransaction WHERE id = ANY(%(movements)s)"
    ),
    "payments_ledgerentry": """
        SELECT * FROM real.payments_ledgerentry
        WHERE transaction_id = ANY(ARRAY(SELECT id FROM payments_ledgertransaction))
    """,
    "enrollments_enrollment": (
        "SELECT * FROM real.enrollments_enrollment WHERE id = ANY(%(enrollments)s)"
    ),
    "enrollments_accesshold": """
        SELECT * FROM real.enrollments_accesshold
        WHERE enrollment_id = ANY(ARRAY(SELECT id FROM enrollments_enrollment))
    """,
    "courses_course": """
        SELECT * FROM real.courses_course WHERE id = ANY(%(course)s)
            OR id = ANY(ARRAY(SELECT course_id FROM enrollments_enrollment))
            OR id = ANY(ARRAY(SELECT course_id FROM orders_orderitem))
    """,
    "payments_term": """
        SELECT * FROM real.payments_term
        WHERE course_id IS NULL OR course_id = ANY(ARRAY(SELECT id FROM courses_course))
    """,
    "courses_pricechange": """
        SELECT * FROM real.courses_pricechange
        WHERE course_id = ANY(ARRAY(SELECT id FROM courses_course))
    """,
    "courses_instructorchange": """
        SELECT * FROM real.courses_instructorchange
        WHERE course_id = ANY(ARRAY(SELECT id FROM courses_course))
    """,
    # Of people no more than that they are there.
    "users_user": """
        SELECT id FROM real.users_user
        WHERE id = ANY(ARRAY(SELECT instructor_id FROM courses_instructorchange))
    """,
    "core_auditentry": """
        SELECT * FROM real.core_auditentry
        WHERE (target_type = 'order'
               AND target_id = ANY(ARRAY(SELECT id::text FROM orders_order)))
           OR (target_type = 'refund_request'
               AND target_id = ANY(ARRAY(SELECT id::text FROM payments_refundrequest)))
           OR (target_type = 'payment'
               AND target_id = ANY(ARRAY(SELECT id::text FROM payments_payment)))
           OR (target_type = 'enrollment'
               AND target_id = ANY(ARRAY(SELECT id::text FROM enrollments_enrollment)))
    """,
}
# The uses of these coupons by the same people, whatever the order; all uses of one whose terms
# changed.
_PEOPLE = {
    "orders_couponredemption": """
        SELECT DISTINCT used.* FROM real.orders_couponredemption mine
        JOIN real.orders_couponredemption used
             ON used.coupon_id = mine.coupon_id AND used.user_id = mine.user_id
        WHERE mine.order_id = ANY(%(orders)s)
        UNION SELECT * FROM real.orders_couponredemption WHERE coupon_id = ANY(%(coupon)s)
    """,
}
# Documents of these orders with those of the numbers before and after.
_NUMBERED = """
    SELECT * FROM real.{table} WHERE number = ANY(ARRAY(
        SELECT split[1] || '-' || lpad(at::text, greatest(digits, length(at::text)), '0')
        FROM mine_{table} mine
        CROSS JOIN regexp_match(mine.number, '^(.*)-([0-9]+)$') split
        CROSS JOIN generate_series(split[2]::bigint - 1, split[2]::bigint + 1) at
        CROSS JOIN unnest(ARRAY[5, length(split[2])]) digits
        UNION SELECT number FROM mine_{table}))
"""
_NEIGHBOURS = {
    table: _NUMBERED.format(table=table) for table in ("orders_invoice", "orders_creditnote")
}
# All that is counted of courses, coupons and number series.
_COUNTS = {
    "courses_course": "SELECT * FROM real.courses_course WHERE id = ANY(%(courses)s)",
    "courses_coursestats": (
        "SELECT * FROM real.courses_coursestats WHERE course_id = ANY(%(courses)s)"
    ),
    "enrollments_enrollment": (
        "SELECT * FROM real.enrollments_enrollment WHERE course_id = ANY(%(courses)s)"
    ),
    "reviews_review": "SELECT * FROM real.reviews_review WHERE course_id = ANY(%(courses)s)",
    "orders_coupon": "SELECT * FROM real.orders_coupon WHERE id = ANY(%(coupons)s)",
    "orders_couponredemption": (
        "SELECT * FROM real.orders_couponredemption WHERE coupon_id = ANY(%(coupons)s)"
    ),
    "orders_invoice": """
        SELECT * FROM real.orders_invoice
        WHERE regexp_replace(number, '-[0-9]+$', '') = ANY(%(series)s)
    """,
    "orders_creditnote": """
        SELECT * FROM real.orders_creditnote
        WHERE regexp_replace(number, '-[0-9]+$', '') = ANY(%(series)s)
    """,
    "orders_numberseries": "SELECT * FROM real.orders_numberseries WHERE name = ANY(%(series)s)",
}
_KEYS = {"courses_coursestats": "course_id", "orders_numberseries": "name"}
# How what is little is found among much, and how little is compared: with fresh tables of a few
# thousand rows, of which the planner knows nothing yet.
_BY_INDEX = ("enable_seqscan", "enable_hashjoin", "enable_mergejoin")


@contextmanager
def by_index() -> Iterator[None]:
    """Have rows found one by one, whatever the planner takes a table's size for."""
    with connection.cursor() as cursor:
        for setting in _BY_INDEX:
            cursor.execute(f"SET LOCAL {setting} = off")
        yield
        for setting in _BY_INDEX:
            cursor.execute(f"SET LOCAL {setting} TO DEFAULT")


@contextmanager
def groups(closed: Closed) -> Iterator[None]:
    """The world of what belongs together."""
    given = {
        "orders": list(closed.orders), "movements": list(closed.movements),
        "payouts": list(closed.payouts), "moved": list(closed.balance_movements),
        "enrollments": list(closed.enrollments),
        "course": closed.noted["course"], "coupon": closed.noted["coupon"],
    }  # fmt: skip
    with tables(_GROUPS, given):
        yield


@contextmanager
def people(closed: Closed) -> Iterator[None]:
    """Inside the world of `groups`: its coupons with all uses by the people in it."""
    given = {"orders": list(closed.orders), "coupon": closed.noted["coupon"]}
    _drop(_PEOPLE)
    with by_index():
        _make(_PEOPLE, given)
    # What it stands in place of goes with the world around it.
    yield


@contextmanager
def neighbours() -> Iterator[None]:
    """Inside the world of `groups`: its documents with those numbered just before and after."""
    with connection.cursor() as cursor:
        for table in _NEIGHBOURS:
            cursor.execute(f"ALTER TABLE pg_temp.{table} RENAME TO mine_{table}")
    with by_index():
        _make(_NEIGHBOURS, {})
    # What they stand in place of goes with the world around them.
    yield
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE " + ", ".join(f"pg_temp.mine_{table}" for table in _NEIGHBOURS))


@contextmanager
def counts(*, courses: list[str], coupons: list[str], series: list[str]) -> Iterator[None]:
    """The world of these courses, coupons and series with all that is counted of them."""
    _make(_COUNTS, {"courses": courses, "coupons": coupons, "series": series})
    yield
    _drop(_COUNTS)


@contextmanager
def tables(
    texts: Mapping[str, str], given: Mapping[str, Any], keys: Mapping[str, str] = _KEYS
) -> Iterator[None]:
    """A world of these tables; `keys` are those that aren't called `id`, or empty for none."""
    with by_index():
        _make(texts, given, keys)
    yield
    _drop(texts)


def _make(
    texts: Mapping[str, str], given: Mapping[str, Any], keys: Mapping[str, str] = _KEYS
) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_schema()")
        schema = connection.ops.quote_name(cursor.fetchone()[0])
        for table, text in texts.items():
            rows = text.replace("real.", f"{schema}.")
            cursor.execute(f"CREATE TEMP TABLE {table} ON COMMIT DROP AS {rows}", given)
            if key := keys.get(table, "id"):
                # An invariant may group by it and name other columns. It also tells the planner how
                # many rows there are.
                cursor.execute(f"ALTER TABLE pg_temp.{table} ADD PRIMARY KEY ({key})")
            else:
                cursor.execute(f"ANALYZE pg_temp.{table}")


def _drop(texts: Mapping[str, str]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE " + ", ".join(f"pg_temp.{table}" for table in texts))
