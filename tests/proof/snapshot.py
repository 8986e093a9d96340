"""Our rows as they are right now: what the model compares, read by one statement."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import orjson
from django.db import connection

# Money in minor units, ids as text, moments as "has it come?".
_SOURCES = {
    "orders": """SELECT id, user_id, status, failure_reason AS reason, coupon_id, payment_id,
        (subtotal * 100)::bigint AS subtotal, (discount_amount * 100)::bigint AS discount,
        (tax_amount * 100)::bigint AS tax, (total_amount * 100)::bigint AS total,
        (refunded_amount * 100)::bigint AS refunded, expires_at <= now() AS is_overdue,
        payment_in_progress_since IS NOT NULL AS is_in_progress
        FROM orders_order ORDER BY id""",
    "lines": """SELECT id, order_id, course_id, enrollment_id, state,
        (price_at_purchase * 100)::bigint AS price, (discount_amount * 100)::bigint AS discount,
        (tax_amount * 100)::bigint AS tax, (refunded_amount * 100)::bigint AS refunded
        FROM orders_orderitem ORDER BY id""",
    "payments": """SELECT id, order_id, stripe_payment_id AS intent_id, status, stripe_status,
        (amount * 100)::bigint AS amount, (refunding_amount * 100)::bigint AS refunding,
        needs_attention AS attention FROM payments_payment ORDER BY id""",
    "refunds": """SELECT id, payment_id, stripe_refund_id, status, reason, last_error,
        (amount * 100)::bigint AS amount,
        applied_at IS NOT NULL AND undone_at IS NULL AS is_applied
        FROM payments_refund ORDER BY id""",
    "disputes": """SELECT id, payment_id, stripe_dispute_id, status
        FROM payments_dispute ORDER BY id""",
    # What staff decided about it, as long as that stands; and whether they ever took it away.
    "enrollments": """SELECT id, user_id, course_id, status, source,
        (SELECT effect FROM enrollments_accesshold AS hold WHERE hold.enrollment_id = own.id
         AND cause = 'staff' AND ended_at IS NULL) AS staff,
        EXISTS (SELECT FROM enrollments_accesshold AS hold WHERE hold.enrollment_id = own.id
                AND cause = 'staff' AND effect = 'revoked') AS was_taken
        FROM enrollments_enrollment AS own ORDER BY id""",
    "redemptions": "SELECT coupon_id, order_id, user_id FROM orders_couponredemption ORDER BY id",
    "students": "SELECT course_id, student_count FROM courses_coursestats ORDER BY course_id",
    "cart": """SELECT cart.user_id, item.course_id FROM cart_cartitem AS item
        JOIN cart_cart AS cart ON cart.id = item.cart_id ORDER BY item.added_at, item.id""",
    "codes": "SELECT user_id, coupon_code FROM cart_cart WHERE coupon_code <> '' ORDER BY id",
    "events": """SELECT id, type, status, last_error FROM payments_stripeevent
        WHERE status IN ('received', 'dead') ORDER BY received_at""",
    "deliveries": """SELECT handler, status, last_error FROM core_outboxdelivery
        WHERE status <> 'delivered' ORDER BY id""",
}
_PARTS = ", ".join(
    f"'{name}', (SELECT coalesce(json_agg(row), '[]') FROM ({sql}) AS row)"
    for name, sql in _SOURCES.items()
)

Row = dict[str, Any]


@dataclass(frozen=True)
class Snapshot:
    """Every row that money or access hangs on. Minor units."""

    orders: dict[str, Row]
    lines: dict[str, Row]
    payments: dict[str, Row]
    refunds: dict[str, Row]
    disputes: dict[str, Row]
    enrollments: dict[str, Row]
    redemptions: list[Row]
    students: dict[str, int]
    cart: list[Row]
    # The coupon on somebody's cart, by person.
    codes: dict[str, str]
    events: list[Row]
    deliveries: list[Row]

    def lines_of(self, order_id: str) -> list[Row]:
        return [line for line in self.lines.values() if line["order_id"] == order_id]

    def cart_of(self, user_id: object) -> list[str]:
        """The courses in the person's cart, in their order."""
        return [row["course_id"] for row in self.cart if row["user_id"] == str(user_id)]

    def enrollment_of(self, user_id: object, course_id: object) -> Row | None:
        for row in self.enrollments.values():
            if (row["user_id"], row["course_id"]) == (str(user_id), str(course_id)):
                return row
        return None

    def owned_by(self, user_id: object) -> set[str]:
        """The courses that are the person's: active or suspended."""
        return {
            row["course_id"]
            for row in self.enrollments.values()
            if row["user_id"] == str(user_id) and row["status"] != "revoked"
        }

    def withdrawn_from(self, user_id: object) -> set[str]:
        """The courses that aren't the person's as long as staff's own decision about them stands,
        unless they pay for them."""
        return {
            row["course_id"]
            for row in self.enrollments.values()
            if row["user_id"] == str(user_id) and row["status"] == "revoked" and row["staff"]
        }

    def open_order_of(self, user_id: object) -> Row | None:
        """The person's pending order that nothing pays yet; there is one at most."""
        for row in self.pending_orders_of(user_id):
            if not row["is_in_progress"]:
                return row
        return None

    def pending_orders_of(self, user_id: object) -> list[Row]:
        """The person's orders that are open or being paid."""
        rows = self.orders.values()
        return [r for r in rows if r["user_id"] == str(user_id) and r["status"] == "pending"]

    def courses_of(self, order_id: str) -> set[str]:
        return {line["course_id"] for line in self.lines_of(order_id)}

    def payment_of(self, intent_id: str) -> Row | None:
        for row in self.payments.values():
            if row["intent_id"] == intent_id:
                return row
        return None

    def standing_lines(self) -> dict[tuple[str, str], list[Row]]:
        """The fulfilled lines of every person and course, which its access stands on."""
        found: dict[tuple[str, str], list[Row]] = defaultdict(list)
        for line in self.lines.values():
            if line["state"] == "fulfilled":
                person = self.orders[line["order_id"]]["user_id"]
                found[person, line["course_id"]].append(line)
        return found


_STRICTNESS = ("active", "suspended", "revoked")


def with_staff(row: Row | None, statuses: Iterable[str]) -> set[str]:
    """What an enrolment may be that would be one of these, if it weren't for staff's decision."""
    staff = (row and row["staff"]) or "active"
    return {max(status, staff, key=_STRICTNESS.index) for status in statuses}


def paid_for(line: Row) -> int:
    """What is paid for a line."""
    amount: int = line["price"] - line["discount"] + line["tax"]
    return amount


def take_snapshot() -> Snapshot:
    """Read everything as of one moment."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT json_build_object({_PARTS})::text")
        (text,) = cursor.fetchone()
    rows = orjson.loads(text)
    return Snapshot(
        **{
            name: _by_id(rows[name])
            for name in ("orders", "lines", "payments", "refunds", "disputes", "enrollments")
        },
        redemptions=rows["redemptions"],
        students={row["course_id"]: row["student_count"] for row in rows["students"]},
        cart=rows["cart"],
        codes={row["user_id"]: row["coupon_code"] for row in rows["codes"]},
        events=rows["events"],
        deliveries=rows["deliveries"],
    )


def _by_id(rows: Iterable[Row]) -> dict[str, Row]:
    return {row["id"]: row for row in rows}
