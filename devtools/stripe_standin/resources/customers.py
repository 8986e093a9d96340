"""Customers: people payments and payment methods can belong to."""

from devtools.stripe_standin.errors import JsonObject, no_such
from devtools.stripe_standin.ids import new_id, random_text
from devtools.stripe_standin.params import Params, check_email, merge_metadata
from devtools.stripe_standin.resources.payment_methods import BILLING_FIELDS, resolve
from devtools.stripe_standin.scope import Scope

_PLAIN = (
    "business_name",
    "description",
    "email",
    "individual_name",
    "invoice_prefix",
    "name",
    "phone",
    "preferred_locales",
    "shipping",
    "tax_exempt",
)


def create(scope: Scope, target: str, params: Params) -> JsonObject:
    """`POST /v1/customers`; a `payment_method` given is attached."""
    customer = _shape(scope)
    _apply(customer, params)
    scope.put(customer)
    scope.emit("customer.created", customer)
    if params.get("payment_method"):
        method = {**resolve(scope, params["payment_method"]), "customer": customer["id"]}
        scope.put(method)
        scope.emit("payment_method.attached", method)
    return customer


def retrieve(scope: Scope, target: str, params: Params) -> JsonObject:
    """`GET /v1/customers/{id}`; a deleted one answers `deleted: true`."""
    return scope.get("customer", target, "id")


def update(scope: Scope, target: str, params: Params) -> JsonObject:
    """`POST /v1/customers/{id}`."""
    customer = _living(scope, target)
    before = dict(customer)
    _apply(customer, params)
    changed = {key: before[key] for key in customer if customer[key] != before[key]}
    scope.put(customer)
    scope.emit("customer.updated", customer, changed)
    return customer


def delete(scope: Scope, target: str, params: Params) -> JsonObject:
    """`DELETE /v1/customers/{id}`: what remains is the id."""
    customer = _living(scope, target)
    scope.emit("customer.deleted", customer)
    return scope.put({"id": target, "object": "customer", "deleted": True})


def _living(scope: Scope, identifier: str) -> JsonObject:
    customer = scope.get("customer", identifier, "id")
    if customer.get("deleted"):
        raise no_such("customer", identifier, "id")
    return customer


def _apply(customer: JsonObject, params: Params) -> None:
    check_email(params.get("email", ""), "email")
    for name in _PLAIN:
        if name in params:
            customer[name] = params[name] or None
    if "address" in params:
        given = params["address"] or None
        customer["address"] = given and {key: given.get(key) or None for key in BILLING_FIELDS}
    customer["metadata"] = merge_metadata(customer["metadata"], params.get("metadata"))


def _shape(scope: Scope) -> JsonObject:
    return {
        "id": new_id("cus"),
        "object": "customer",
        "address": None,
        "balance": 0,
        "created": scope.now(),
        "currency": None,
        "customer_account": None,
        "default_source": None,
        "delinquent": False,
        "description": None,
        "discount": None,
        "email": None,
        "invoice_prefix": random_text(8).upper(),
        "invoice_settings": {
            "custom_fields": None,
            "default_payment_method": None,
            "footer": None,
            "rendering_options": None,
        },
        "livemode": False,
        "metadata": {},
        "name": None,
        "next_invoice_sequence": 1,
        "phone": None,
        "preferred_locales": [],
        "shipping": None,
        "tax_exempt": "none",
        "test_clock": None,
    }
