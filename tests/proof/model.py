"""What the marketplace must answer and become, in plain Python: prices, coupons, the end of it all.

Written from the contract, without a line of the product. Money in minor units.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from tests.proof.bank import REFUNDING, SUCCEEDED, JsonObject
from tests.proof.snapshot import Row, Snapshot, paid_for, with_staff

# Stripe takes nothing below (docs.stripe.com/currencies, "Minimum and maximum charge amounts").
SMALLEST_CHARGE = 50


@dataclass(frozen=True, kw_only=True)
class Ware:
    """A course as it is sold today."""

    id: str
    teacher: str
    category: str
    price: int
    is_on_sale: bool


@dataclass(frozen=True, kw_only=True)
class Voucher:
    """A coupon as it is today. Limits count orders that are pending or were paid."""

    id: str
    code: str
    percent: int = 0
    amount: int = 0
    course: str = ""
    category: str = ""
    teacher: str = ""
    minimum: int = 0
    limit: int | None = None
    limit_per_person: int | None = None
    is_valid: bool = True

    def covers(self, ware: Ware) -> bool:
        return (
            self.course in ("", ware.id)
            and self.category in ("", ware.category)
            and self.teacher in ("", ware.teacher)
        )


@dataclass(frozen=True, kw_only=True)
class Quote:
    """What a cart costs, or why it can't be ordered: an error's code."""

    refusal: str = ""
    subtotal: int = 0
    discount: int = 0

    @property
    def total(self) -> int:
        return self.subtotal - self.discount


def quote(
    *,
    cart: Sequence[Ware],
    buyer: str,
    owned: set[str],
    withdrawn: set[str],
    voucher: Voucher | None,
    uses: Sequence[str],
) -> Quote:
    """What ordering this cart must come to. `uses` names who holds each redemption of the voucher,
    without the order that this one replaces; what is `withdrawn` is to be had for money only."""
    if not cart:
        return Quote(refusal="CART_EMPTY")
    gone = owned | {ware.id for ware in cart if ware.id in withdrawn and not ware.price}
    if any(w.id in gone or not w.is_on_sale or w.teacher == buyer for w in cart):
        return Quote(refusal="CART_LINES_UNAVAILABLE")
    subtotal = sum(ware.price for ware in cart)
    if voucher is None:
        return Quote(subtotal=subtotal)
    covered = sum(ware.price for ware in cart if voucher.covers(ware))
    if not _may_use(voucher, buyer, uses, covered):
        return Quote(refusal="COUPON_INVALID")
    if voucher.percent:
        discount = (covered * voucher.percent + 50) // 100
    else:
        discount = min(voucher.amount, covered)
    if discount < subtotal < discount + SMALLEST_CHARGE:
        return Quote(refusal="COUPON_INVALID")
    return Quote(subtotal=subtotal, discount=discount)


def _may_use(voucher: Voucher, buyer: str, uses: Sequence[str], covered: int) -> bool:
    return (
        voucher.is_valid
        and covered > 0
        and covered >= voucher.minimum
        and (voucher.limit is None or len(uses) < voucher.limit)
        and (voucher.limit_per_person is None or uses.count(buyer) < voucher.limit_per_person)
    )


@dataclass
class Truth:
    """What Stripe says in the end."""

    intents: list[JsonObject]
    refunds: list[JsonObject]
    disputes: list[JsonObject]
    by_order: dict[str, list[JsonObject]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for intent in self.intents:
            if intent["status"] == SUCCEEDED:
                self.by_order.setdefault(intent["metadata"]["order_id"], []).append(intent)

    def refunded(self, intent_id: str) -> int:
        """What went back, or is on its way back, of an intent."""
        return sum(
            refund["amount"]
            for refund in self.refunds
            if refund["payment_intent"] == intent_id and refund["status"] in REFUNDING
        )

    def disputes_of(self, intent_id: str) -> list[str]:
        """The states of an intent's disputes."""
        return [d["status"] for d in self.disputes if d["payment_intent"] == intent_id]

    def has_failed_refund(self, intent_id: str) -> bool:
        return any(
            refund["payment_intent"] == intent_id and refund["status"] not in REFUNDING
            for refund in self.refunds
        )


def find_wrong_ends(now: Snapshot, truth: Truth) -> list[str]:
    """Everything that isn't as it must be once all events came and all work is done."""
    return [
        *_orders(now, truth),
        *_payments(now, truth),
        *_enrollments(now, truth),
        *_leftovers(now),
    ]


def _orders(now: Snapshot, truth: Truth) -> Iterator[str]:
    for order in now.orders.values():
        paid = truth.by_order.get(order["id"], [])
        good = [i["id"] for i in paid if i["amount_received"] == order["total"]]
        status = order["status"]
        if order["total"] == 0:
            if status != "completed":
                yield f"order {order['id']} costs nothing and is {status}"
        elif status in ("completed", "refunded"):
            yield from _paid_order(now, truth, order, good)
        elif status == "pending" and good:
            yield f"order {order['id']} is paid and pending"


def _paid_order(now: Snapshot, truth: Truth, order: Row, good: list[str]) -> Iterator[str]:
    name = f"order {order['id']}"
    if order["payment_id"] not in good:
        yield f"{name} is {order['status']} and {order['payment_id']} didn't pay it"
        return
    back = truth.refunded(order["payment_id"])
    if order["refunded"] != back:
        yield f"{name} says {order['refunded']} is back; Stripe says {back}"
    if order["status"] != ("refunded" if back == order["total"] else "completed"):
        yield f"{name} is {order['status']} with {back} of {order['total']} back"
    for line in now.lines_of(order["id"]):
        whole = back == order["total"] or paid_for(line) == line["refunded"]
        # A line that cost nothing is refunded as soon as a refund names it beside others.
        is_either = paid_for(line) == 0 and back < order["total"]
        if not is_either and (line["state"] == "refunded") != whole:
            yield f"line {line['id']} is {line['state']}, {line['refunded']} of it is back"


def _payments(now: Snapshot, truth: Truth) -> Iterator[str]:
    for intent in truth.intents:
        payment = now.payment_of(intent["id"])
        if intent["status"] != SUCCEEDED:
            if payment is not None and payment["status"] == SUCCEEDED:
                yield f"{intent['id']} is {intent['status']} at Stripe and paid here"
            continue
        if payment is None or payment["status"] != SUCCEEDED:
            yield f"{intent['id']} is paid at Stripe and {payment and payment['status']} here"
            continue
        back = truth.refunded(intent["id"])
        if payment["refunding"] != back or payment["amount"] != intent["amount_received"]:
            yield f"{intent['id']}: {payment} here; Stripe gave {back} back"
        order = now.orders[payment["order_id"]]
        disputed = any(not s.startswith("warning") for s in truth.disputes_of(intent["id"]))
        shown = payment["attention"] and (disputed or truth.has_failed_refund(intent["id"]))
        if order["payment_id"] != intent["id"] and back != payment["amount"] and not shown:
            yield f"{intent['id']} stands for nothing and {back} of {payment['amount']} is back"


def _enrollments(now: Snapshot, truth: Truth) -> Iterator[str]:
    standing = now.standing_lines()
    for (person, course), lines in standing.items():
        wanted: set[str] = set()
        is_appealed = False
        for line in lines:
            payer = now.orders[line["order_id"]]["payment_id"]
            disputes = truth.disputes_of(payer) if payer else []
            if "lost" in disputes:
                continue
            appealed = any(status.startswith("appeal") for status in disputes)
            is_open = {"needs_response", "under_review"} & set(disputes)
            wanted.add("suspended" if is_open or appealed else "active")
            is_appealed |= appealed
        row = now.enrollment_of(person, course)
        allowed = with_staff(row, wanted | {"revoked"})
        if row is None or (row["source"] == "purchase" and row["status"] not in allowed):
            yield f"{person} in {course} is {row and row['status']}, not {wanted}"
        # An appeal leaves closed what was closed by the loss, if that was heard of.
        elif (
            row["status"] == "revoked"
            and row["staff"] != "revoked"
            and wanted - ({"suspended"} if is_appealed else set())
        ):
            yield f"{person} in {course} is revoked and paid for"


def _leftovers(now: Snapshot) -> Iterator[str]:
    for event in now.events:
        yield f"event {event['id']} ({event['type']}) is {event['status']}: {event['last_error']}"
    for delivery in now.deliveries:
        yield f"{delivery['handler']} is {delivery['status']}: {delivery['last_error']}"
    for refund in now.refunds.values():
        if refund["status"] == "due":
            yield f"refund {refund['id']} is still due: {refund['last_error']}"
