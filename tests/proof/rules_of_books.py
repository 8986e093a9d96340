"""What must hold after every step, written a second time: beside the product's own SQL.

`find_breaches` looks at one moment, `find_illegal_moves` at two after one another.
"""

from collections import Counter
from collections.abc import Iterator

from tests.proof.snapshot import Row, Snapshot, paid_for, with_staff

_LIVE = ("pending", "completed", "refunded")
_RESERVING = ("due", "pending", "succeeded")

MOVES: dict[str, dict[str, set[str]]] = {
    "orders": {
        "pending": {"completed", "failed"},
        "completed": {"refunded"},
        # Only when a refund that was applied fails at the bank.
        "refunded": {"completed"},
        "failed": set(),
    },
    "payments": {"pending": {"succeeded", "failed"}, "failed": {"succeeded"}, "succeeded": set()},
    "refunds": {
        "due": {"pending", "succeeded", "failed", "canceled"},
        "pending": {"succeeded", "failed", "canceled"},
        "succeeded": {"failed", "canceled"},
        "failed": set(),
        "canceled": set(),
    },
    "enrollments": {
        "active": {"suspended", "revoked"},
        "suspended": {"active", "revoked"},
        # Suspended: the refund came to nothing or the appeal was won, and staff hold it still.
        "revoked": {"active", "suspended"},
    },
}
LINE_MOVES: dict[str, set[str]] = {
    "pending": {"fulfilled", "canceled"},
    # Canceled: its money was lost in a dispute and is back, and the course was bought again since.
    "fulfilled": {"refunded", "canceled"},
    "canceled": {"refunded"},
    "refunded": {"fulfilled", "canceled"},
}
# What is decided at creation, or by the payment, and never after.
FROZEN = {
    "orders": ("user_id", "subtotal", "discount", "tax", "total", "coupon_id", "payment_id"),
    "lines": ("order_id", "course_id", "price", "discount", "tax"),
    "payments": ("order_id", "amount"),
    "refunds": ("payment_id", "amount"),
}


def find_breaches(now: Snapshot) -> list[str]:
    """Every sentence about the rows of this moment that isn't true."""
    return [
        *_sums(now),
        *_access(now),
        *_coupons(now),
        *_counters(now),
        *_pending(now),
    ]


def find_illegal_moves(before: Snapshot, now: Snapshot) -> list[str]:
    """Every row that moved where it may not, vanished, or changed what is decided once."""
    return [*_moves(before, now), *_frozen(before, now), *_given_for_nothing(before, now)]


def _given_for_nothing(before: Snapshot, now: Snapshot) -> Iterator[str]:
    """Staff's decision is outlived by what is paid for, not by a line that costs nothing."""
    for line in now.lines.values():
        then = before.lines.get(line["id"])
        is_new = line["state"] == "fulfilled" and (then is None or then["state"] == "pending")
        if is_new and not line["price"]:
            buyer = now.orders[line["order_id"]]["user_id"]
            if line["course_id"] in before.withdrawn_from(buyer):
                yield f"line {line['id']} gave for nothing what staff had taken"


def _sums(now: Snapshot) -> Iterator[str]:
    for order in now.orders.values():
        lines = now.lines_of(order["id"])
        if order["total"] != order["subtotal"] - order["discount"] + order["tax"]:
            yield f"order {order['id']}: total isn't subtotal - discount + tax"
        if order["total"] != sum(map(paid_for, lines)):
            yield f"order {order['id']}: total isn't the sum of its lines"
        if sum(line["refunded"] for line in lines) > order["refunded"]:
            yield f"order {order['id']}: its lines gave back more than it did"
        if order["refunded"] != _applied_to(now, order):
            yield f"order {order['id']}: refunded isn't what its applied refunds add up to"
        if (order["status"] == "refunded") != (0 < order["total"] == order["refunded"]):
            yield f"order {order['id']}: {order['status']} with {order['refunded']} back"
    for payment in now.payments.values():
        live = [r for r in _refunds_of(now, payment) if r["status"] in _RESERVING]
        if payment["refunding"] != sum(refund["amount"] for refund in live):
            yield f"payment {payment['intent_id']}: refunding isn't the sum of live refunds"
        if payment["refunding"] > payment["amount"]:
            yield f"payment {payment['intent_id']}: more goes back than came"


def _applied_to(now: Snapshot, order: Row) -> int:
    payer = now.payment_of(order["payment_id"]) if order["payment_id"] else None
    if payer is None:
        return 0
    return sum(r["amount"] for r in _refunds_of(now, payer) if r["is_applied"])


def _refunds_of(now: Snapshot, payment: Row) -> list[Row]:
    return [row for row in now.refunds.values() if row["payment_id"] == payment["id"]]


def _access(now: Snapshot) -> Iterator[str]:
    standing = now.standing_lines()
    for (person, course), lines in standing.items():
        enrollment = now.enrollment_of(person, course)
        found = enrollment["status"] if enrollment else "missing"
        by_disputes = [_by_disputes(now, line) for line in lines]
        kept = [status for status in by_disputes if status not in ("revoked", "appealed")]
        if len(kept) > 1 and not (enrollment and enrollment["was_taken"]):
            yield f"{person} has {len(kept)} paid lines of course {course}"
        # An appeal leaves closed what was closed, suspended what was only that.
        ended = {"revoked", "suspended"} if "appealed" in by_disputes else {"revoked"}
        allowed = with_staff(enrollment, kept or ended)
        is_given = enrollment is not None and enrollment["source"] != "purchase"
        if not (found in allowed or is_given):
            yield f"{person} paid for course {course} and the enrolment is {found}"
    for row in now.enrollments.values():
        has_line = bool(standing.get((row["user_id"], row["course_id"])))
        if row["status"] != "revoked" and row["source"] == "purchase" and not has_line:
            yield f"enrolment {row['id']} is {row['status']} without a paid line"
        # What was granted, or taken for free, no money takes away.
        if row["source"] != "purchase" and row["status"] not in with_staff(row, ["active"]):
            yield f"enrolment {row['id']} is by {row['source']}, and {row['status']}"
    for line in now.lines.values():
        order = now.orders[line["order_id"]]
        if (line["state"] == "pending") != (order["status"] == "pending"):
            yield f"line {line['id']} is {line['state']} in a {order['status']} order"


def _by_disputes(now: Snapshot, line: Row) -> str:
    """What the enrolment of a fulfilled line is, as its payment's disputes have it."""
    payer = now.payment_of(now.orders[line["order_id"]]["payment_id"])
    disputes = [
        dispute["status"]
        for dispute in now.disputes.values()
        if payer is not None and dispute["payment_id"] == payer["id"]
    ]
    if "lost" in disputes:
        return "revoked"
    if any(status.startswith("appeal") for status in disputes):
        return "appealed"
    if any(status in ("needs_response", "under_review") for status in disputes):
        return "suspended"
    return "active"


def _coupons(now: Snapshot) -> Iterator[str]:
    using = {o["id"] for o in now.orders.values() if o["coupon_id"] and o["status"] in _LIVE}
    counted = {row["order_id"] for row in now.redemptions}
    for order_id in using ^ counted:
        yield f"order {order_id}: its coupon's redemption and its status disagree"


def _pending(now: Snapshot) -> Iterator[str]:
    """Nobody is asked to pay for a course twice, nor for two orders at once."""
    for person in {order["user_id"] for order in now.orders.values()}:
        pending = now.pending_orders_of(person)
        courses = Counter(c for order in pending for c in now.courses_of(order["id"]))
        for course, count in courses.items():
            if count > 1:
                yield f"{person} may pay for course {course} in {count} orders"
        if sum(not order["is_in_progress"] for order in pending) > 1:
            yield f"{person} has more than one open order"
    for order in now.orders.values():
        if order["is_in_progress"] and order["status"] != "pending":
            yield f"order {order['id']} is {order['status']} and being paid"


def _counters(now: Snapshot) -> Iterator[str]:
    active = Counter(r["course_id"] for r in now.enrollments.values() if r["status"] == "active")
    for course_id, students in now.students.items():
        if students != active[course_id]:
            yield f"course {course_id} counts {students} students and has {active[course_id]}"


def _moves(before: Snapshot, now: Snapshot) -> Iterator[str]:
    for kind, moves in MOVES.items():
        then, here = getattr(before, kind), getattr(now, kind)
        for row_id, row in then.items():
            if row_id not in here:
                yield f"{kind} {row_id} vanished"
                continue
            old, new = row["status"], here[row_id]["status"]
            if new not in _reachable(moves, old):
                yield f"{kind} {row_id} went from {old} to {new}"
    for row_id, row in before.lines.items():
        old, new = row["state"], now.lines[row_id]["state"]
        if new not in _reachable(LINE_MOVES, old):
            yield f"line {row_id} went from {old} to {new}"


def _reachable(moves: dict[str, set[str]], start: str) -> set[str]:
    """Where a row may be after a step, which may have moved it more than once."""
    found, new = {start}, {start}
    while new:
        new = {state for old in new for state in moves[old]} - found
        found |= new
    return found


def _frozen(before: Snapshot, now: Snapshot) -> Iterator[str]:
    for kind, names in FROZEN.items():
        here = getattr(now, kind)
        for row_id, row in getattr(before, kind).items():
            for name in names:
                if row[name] != here[row_id][name] and _is_decided(kind, row, name):
                    yield f"{kind} {row_id}: {name} changed"


def _is_decided(kind: str, row: Row, name: str) -> bool:
    if kind == "payments":
        return bool(row["status"] == "succeeded")
    return bool(name != "payment_id" or row[name])
