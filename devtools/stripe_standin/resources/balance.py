"""Balance transactions: what each movement brings to the account, or takes from it, and the fee;
and the balance that they come to.

https://docs.stripe.com/reports/balance-transaction-types and https://docs.stripe.com/api/balance
"""

from collections import defaultdict

from devtools.stripe_standin.errors import ApiError, JsonObject
from devtools.stripe_standin.ids import new_id
from devtools.stripe_standin.params import Params
from devtools.stripe_standin.scope import Scope

# Stripe's price for a card in the US, in tenths of a per mille and in minor units.
_FEE_PER_MILLE_TENTHS = 290
_FEE_FIXED = 30
_DAYS_UNTIL_AVAILABLE = 2
# What Stripe's reports call those that a control makes.
_CATEGORIES = {
    "stripe_fee": "fee",
    "topup": "topup",
    "topup_reversal": "topup_reversal",
    "reserve_transaction": "risk_reserved_funds",
    "contribution": "contribution",
}
# Where a control's limit on what can be transferred and refunded is kept.
_LIMIT = "balance"


def retrieve(scope: Scope, target: str, params: Params) -> JsonObject:
    """`GET /v1/balance_transactions/{id}`."""
    return scope.get("balance_transaction", target, "id")


def show(scope: Scope, target: str, params: Params) -> JsonObject:
    """`GET /v1/balance`: what the movements come to, by currency; `pending` is what is yet to
    become available."""
    sums: dict[str, dict[str, int]] = {"available": defaultdict(int), "pending": defaultdict(int)}
    for moved in scope.find("balance_transaction"):
        when = "available" if moved["available_on"] <= scope.now() else "pending"
        sums[when][moved["currency"]] += moved["net"]
    currencies = sorted({"usd", *sums["available"], *sums["pending"]})
    return {
        "object": "balance",
        **{
            name: [
                {"amount": of[one], "currency": one, "source_types": {"card": of[one]}}
                for one in currencies
            ]
            for name, of in sums.items()
        },
        "connect_reserved": [{"amount": 0, "currency": one} for one in currencies],
        "livemode": False,
    }


def move(scope: Scope, given: JsonObject) -> JsonObject:
    """Stripe moves money by itself, or the platform in the dashboard: such as a `stripe_fee` of
    Radar, a `topup`, an `adjustment`. Raises KeyError without `type` or `amount`."""
    source = {"currency": given.get("currency", "usd"), "id": given.get("source")}
    return book(
        scope,
        source,
        kind=given["type"],
        category=given.get("category", _CATEGORIES.get(given["type"], "other_adjustment")),
        amount=int(given["amount"]),
        fee=int(given.get("fee", 0)),
        description=given.get("description"),
    )


def processing_fee(amount: int) -> int:
    """2.9 % + 30 of the minor unit, halves rounded up."""
    return (amount * _FEE_PER_MILLE_TENTHS + 5000) // 10000 + _FEE_FIXED


def book(
    scope: Scope,
    source: JsonObject,
    *,
    kind: str,
    category: str,
    amount: int,
    fee: int = 0,
    description: str | None = None,
    waits: bool = False,
) -> JsonObject:
    """Store a balance transaction about `source`; `amount` is negative for what is taken.

    `waits`: the money is available days later, as a charge's is.
    """
    details = []
    if fee:
        details.append(
            {
                "amount": fee,
                "application": None,
                "currency": source["currency"],
                "description": "Stripe processing fees",
                "type": "stripe_fee",
            }
        )
    wait = _DAYS_UNTIL_AVAILABLE * 86400 if waits else 0
    return scope.put(
        {
            "id": new_id("txn"),
            "object": "balance_transaction",
            "amount": amount,
            "available_on": scope.now() + wait,
            "balance_type": "payments",
            "created": scope.now(),
            "currency": source["currency"],
            "description": description,
            "exchange_rate": None,
            "fee": fee,
            "fee_details": details,
            "net": amount - fee,
            "reporting_category": category,
            "source": source["id"],
            "status": "pending" if waits else "available",
            "type": kind,
        }
    )


def limit(scope: Scope, available: int | None, *, refunds_wait: bool = False) -> JsonObject:
    """Let no more than `available` (minor units) leave from now on; None: no limit. A refund for
    which it is too little is refused, or with `refunds_wait` made and left pending."""
    set_to = {"available": available, "refunds_wait": refunds_wait}
    scope.store.put_traits(_LIMIT, set_to)
    return set_to


def do_refunds_wait(scope: Scope, amount: int) -> bool:
    """Whether a new refund of this amount has to wait, pending, until more is available."""
    return bool(scope.store.traits(_LIMIT).get("refunds_wait")) and is_short_of(scope, amount)


def is_short_of(scope: Scope, amount: int) -> bool:
    """Whether less than this amount is available."""
    available = scope.store.traits(_LIMIT).get("available")
    return available is not None and amount > available


def take(scope: Scope, amount: int) -> None:
    """Take a transfer's or a refund's amount from what is available, where a control limits that.

    Raises `ApiError` (400 `balance_insufficient`) when it is too little.
    """
    limits = scope.store.traits(_LIMIT)
    available = limits.get("available")
    if available is None:
        return
    if amount > available:
        raise ApiError(
            "You have insufficient available funds in your Stripe account. Try adding funds "
            "directly to your available balance by creating Charges using the 4000000000000077 "
            "test card. See: https://stripe.com/docs/testing#available-balance",
            code="balance_insufficient",
        )
    limit(scope, available - amount, refunds_wait=bool(limits.get("refunds_wait")))
