"""Every operation of the API, in one table."""

from collections.abc import Callable
from dataclasses import dataclass

from devtools.stripe_standin.errors import JsonObject
from devtools.stripe_standin.listing import list_objects
from devtools.stripe_standin.params import Params
from devtools.stripe_standin.paths import Paths
from devtools.stripe_standin.resources import (
    balance,
    bank_payouts,
    charges,
    connect,
    customers,
    disputes,
    events,
    payment_intents,
    payment_methods,
    platform,
    refunds,
    transfers,
)
from devtools.stripe_standin.scope import Scope

Handler = Callable[[Scope, str, Params], JsonObject]


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation: `name` as controls call it, `path` as Stripe's description writes it.

    `kind` is the object it answers. `public` ones may be called with a publishable key.
    """

    name: str
    verb: str
    path: str
    kind: str
    handler: Handler
    is_list: bool = False
    public: bool = False

    @property
    def spec_key(self) -> str:
        """Its key in the parameter table, such as `post /v1/refunds`."""
        return f"{self.verb} {self.path}"


def _lister(kind: str, url: str) -> Handler:
    def handle(scope: Scope, target: str, params: Params) -> JsonObject:
        return list_objects(scope, kind, url, params)

    return handle


def _list(group: str, kind: str) -> Operation:
    path = f"/v1/{group}"
    return Operation(f"{group}.list", "get", path, kind, _lister(kind, path), is_list=True)


def _charge_refunds(scope: Scope, target: str, params: Params) -> JsonObject:
    scope.get("charge", target, "charge")
    url = f"/v1/charges/{target}/refunds"
    return list_objects(scope, "refund", url, {**params, "charge": target})


def _reversals(scope: Scope, target: str, params: Params) -> JsonObject:
    scope.get("transfer", target, "transfer")
    url = f"/v1/transfers/{target}/reversals"
    return list_objects(scope, "transfer_reversal", url, {**params, "transfer": target})


_PI, _PI_ONE = "payment_intent", "/v1/payment_intents/{intent}"
_PM, _PM_ONE = "payment_method", "/v1/payment_methods/{payment_method}"
_CUS_ONE, _CH_ONE = "/v1/customers/{customer}", "/v1/charges/{charge}"
_RE_ONE, _DP_ONE = "/v1/refunds/{refund}", "/v1/disputes/{dispute}"
_TXN, _ACCT = "balance_transaction", "account"
_ACCT_ONE, _TR_ONE = "/v1/accounts/{account}", "/v1/transfers/{transfer}"
# Stripe's description calls the same transfer `id` here.
_TR_BACK = "/v1/transfers/{id}/reversals"
_P = payment_intents

OPERATIONS: tuple[Operation, ...] = (
    Operation("payment_intents.create", "post", "/v1/payment_intents", _PI, _P.create),
    _list("payment_intents", _PI),
    Operation("payment_intents.retrieve", "get", _PI_ONE, _PI, _P.retrieve, public=True),
    Operation("payment_intents.update", "post", _PI_ONE, _PI, _P.update),
    Operation(
        "payment_intents.confirm", "post", f"{_PI_ONE}/confirm", _PI, _P.confirm, public=True
    ),
    Operation("payment_intents.cancel", "post", f"{_PI_ONE}/cancel", _PI, _P.cancel),
    Operation("payment_intents.capture", "post", f"{_PI_ONE}/capture", _PI, _P.capture),
    Operation(
        "payment_methods.create",
        "post",
        "/v1/payment_methods",
        _PM,
        payment_methods.create,
        public=True,
    ),
    _list("payment_methods", _PM),
    Operation("payment_methods.retrieve", "get", _PM_ONE, _PM, payment_methods.retrieve),
    Operation("payment_methods.update", "post", _PM_ONE, _PM, payment_methods.update),
    Operation("payment_methods.attach", "post", f"{_PM_ONE}/attach", _PM, payment_methods.attach),
    Operation("payment_methods.detach", "post", f"{_PM_ONE}/detach", _PM, payment_methods.detach),
    _list("charges", "charge"),
    Operation("charges.retrieve", "get", _CH_ONE, "charge", charges.retrieve),
    Operation("charges.update", "post", _CH_ONE, "charge", charges.update),
    Operation(
        "charges.refunds", "get", f"{_CH_ONE}/refunds", "refund", _charge_refunds, is_list=True
    ),
    Operation("refunds.create", "post", "/v1/refunds", "refund", refunds.create),
    _list("refunds", "refund"),
    Operation("refunds.retrieve", "get", _RE_ONE, "refund", refunds.retrieve),
    Operation("refunds.update", "post", _RE_ONE, "refund", refunds.update),
    Operation("refunds.cancel", "post", f"{_RE_ONE}/cancel", "refund", refunds.cancel),
    Operation("customers.create", "post", "/v1/customers", "customer", customers.create),
    _list("customers", "customer"),
    Operation("customers.retrieve", "get", _CUS_ONE, "customer", customers.retrieve),
    Operation("customers.update", "post", _CUS_ONE, "customer", customers.update),
    Operation("customers.delete", "delete", _CUS_ONE, "customer", customers.delete),
    _list("disputes", "dispute"),
    Operation("disputes.retrieve", "get", _DP_ONE, "dispute", disputes.retrieve),
    Operation("disputes.update", "post", _DP_ONE, "dispute", disputes.update),
    Operation("disputes.close", "post", f"{_DP_ONE}/close", "dispute", disputes.close),
    Operation("balance.retrieve", "get", "/v1/balance", "balance", balance.show),
    _list("balance_transactions", _TXN),
    Operation(
        "balance_transactions.retrieve",
        "get",
        "/v1/balance_transactions/{id}",
        _TXN,
        balance.retrieve,
    ),
    Operation("payouts.list", "get", "/v1/payouts", "payout", bank_payouts.list_all, is_list=True),
    Operation("payouts.retrieve", "get", "/v1/payouts/{payout}", "payout", bank_payouts.retrieve),
    Operation("account.retrieve", "get", "/v1/account", _ACCT, platform.retrieve),
    Operation("accounts.create", "post", "/v1/accounts", _ACCT, connect.create),
    _list("accounts", _ACCT),
    Operation("accounts.retrieve", "get", _ACCT_ONE, _ACCT, connect.retrieve),
    Operation("accounts.update", "post", _ACCT_ONE, _ACCT, connect.update),
    Operation(
        "account_links.create", "post", "/v1/account_links", "account_link", connect.create_link
    ),
    Operation("transfers.create", "post", "/v1/transfers", "transfer", transfers.create),
    _list("transfers", "transfer"),
    Operation("transfers.retrieve", "get", _TR_ONE, "transfer", transfers.retrieve),
    Operation("transfers.update", "post", _TR_ONE, "transfer", transfers.update),
    Operation(
        "transfer_reversals.create",
        "post",
        _TR_BACK,
        "transfer_reversal",
        transfers.create_reversal,
    ),
    Operation(
        "transfer_reversals.list",
        "get",
        _TR_BACK,
        "transfer_reversal",
        _reversals,
        is_list=True,
    ),
    _list("events", "event"),
    Operation("events.retrieve", "get", "/v1/events/{id}", "event", events.retrieve),
)


def operation_paths() -> Paths[Operation]:
    """Where every operation is found."""
    return Paths((one.verb.upper(), one.path, one) for one in OPERATIONS)
