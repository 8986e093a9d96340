"""Disputes: opened by a test card or a control, won or lost, and what follows."""

from devtools.stripe_standin.errors import ApiError, JsonObject
from devtools.stripe_standin.ids import new_id
from devtools.stripe_standin.params import Params, merge_metadata
from devtools.stripe_standin.resources import balance
from devtools.stripe_standin.scope import Scope
from devtools.stripe_standin.spec import parameter_table

_FEE = 1500
_RESPONSE_DAYS = 9
_CLOSED = {"won", "lost", "warning_closed"}


def retrieve(scope: Scope, target: str, params: Params) -> JsonObject:
    """`GET /v1/disputes/{id}`."""
    return scope.get("dispute", target, "dispute")


def update(scope: Scope, target: str, params: Params) -> JsonObject:
    """`POST /v1/disputes/{id}`: evidence; `winning_evidence` and `losing_evidence` decide.

    Those two texts in `uncategorized_text`, submitted, are Stripe's own way to end a test dispute.
    """
    dispute = scope.get("dispute", target, "dispute")
    if dispute["status"] in _CLOSED:
        raise ApiError("This dispute is already closed.", code="dispute_already_closed")
    evidence = params.get("evidence") or {}
    dispute["evidence"].update({key: value or None for key, value in evidence.items()})
    dispute["evidence_details"]["has_evidence"] = any(dispute["evidence"].values())
    dispute["metadata"] = merge_metadata(dispute["metadata"], params.get("metadata"))
    if evidence and params.get("submit", True):
        dispute["evidence_details"]["submission_count"] += 1
        dispute["status"] = _in_its_phase(dispute, "under_review")
    scope.put(dispute)
    scope.emit("charge.dispute.updated", dispute)
    verdict = {"winning_evidence": "won", "losing_evidence": "lost"}.get(
        evidence.get("uncategorized_text", "")
    )
    if verdict and params.get("submit", True):
        return settle(scope, dispute, verdict)
    return dispute


def close(scope: Scope, target: str, params: Params) -> JsonObject:
    """`POST /v1/disputes/{id}/close`: accept that it is lost."""
    return settle(scope, scope.get("dispute", target, "dispute"), "lost")


def open_dispute(
    scope: Scope,
    charge: JsonObject,
    *,
    reason: str = "fraudulent",
    amount: int | None = None,
    inquiry: bool = False,
) -> JsonObject:
    """The cardholder disputes a charge; the money is withdrawn unless it is an inquiry.

    Raises `ApiError` (400) for a charge that is unpaid, or of which a dispute is open or lost.
    """
    before = scope.find("dispute", charge=charge["id"])
    over = all(dispute["status"] in {"won", "warning_closed"} for dispute in before)
    if charge["status"] != "succeeded" or not over:
        raise ApiError(f"Charge {charge['id']} cannot be disputed.", param="charge")
    dispute = _shape(scope, charge, reason, amount or charge["amount"], inquiry)
    charge["disputed"] = True
    scope.put(charge)
    scope.put(dispute)
    scope.emit("charge.dispute.created", dispute)
    if not inquiry:
        dispute["balance_transactions"].append(_movement(scope, dispute, taken=True))
        scope.put(dispute)
        scope.emit("charge.dispute.funds_withdrawn", dispute)
    return dispute


def appeal(scope: Scope, dispute: JsonObject) -> JsonObject:
    """Have what is lost looked at once more. Raises `ApiError` (400) for one that isn't lost."""
    if dispute["status"] != "lost":
        raise ApiError(f"This dispute is {dispute['status']} and cannot be appealed.")
    dispute["status"] = "appeal_under_review"
    scope.put(dispute)
    scope.emit("charge.dispute.updated", dispute)
    return dispute


def settle(scope: Scope, dispute: JsonObject, verdict: str) -> JsonObject:
    """End a dispute as `won` or `lost`; a won one brings the money back.

    Raises `ApiError` (400) when it is closed already.
    """
    if dispute["status"] in _CLOSED:
        raise ApiError("This dispute is already closed.", code="dispute_already_closed")
    withdrawn = bool(dispute["balance_transactions"])
    dispute["status"] = "warning_closed" if dispute["status"].startswith("warning") else verdict
    dispute["is_charge_refundable"] = dispute["status"] == "warning_closed"
    if verdict == "won" and withdrawn:
        dispute["balance_transactions"].append(_movement(scope, dispute, taken=False))
        dispute["is_charge_refundable"] = True
    scope.put(dispute)
    scope.emit("charge.dispute.closed", dispute)
    if verdict == "won" and withdrawn:
        scope.emit("charge.dispute.funds_reinstated", dispute)
    return dispute


def _in_its_phase(dispute: JsonObject, status: str) -> str:
    """The status as an inquiry, an appeal or a dispute itself has it."""
    phase, _, _ = dispute["status"].partition("_")
    return f"{phase}_{status}" if phase in ("warning", "appeal") else status


def _movement(scope: Scope, dispute: JsonObject, *, taken: bool) -> JsonObject:
    return balance.book(
        scope,
        dispute,
        kind="adjustment",
        category="dispute" if taken else "dispute_reversal",
        amount=-dispute["amount"] if taken else dispute["amount"],
        fee=_FEE if taken else 0,
        description=f"Chargeback {'withdrawal' if taken else 'reversal'}",
    )


def _shape(scope: Scope, charge: JsonObject, reason: str, amount: int, inquiry: bool) -> JsonObject:
    fields = parameter_table()["post /v1/disputes/{dispute}"]["p"]["evidence"]["p"]
    kind = charge["payment_method_details"]["type"]
    brand = charge["payment_method_details"][kind].get("brand")
    details: JsonObject = {"type": kind}
    if kind == "card":
        details["card"] = {
            "brand": brand,
            "case_type": "inquiry" if inquiry else "chargeback",
            "network_reason_code": "10",
        }
    return {
        "id": new_id("dp"),
        "object": "dispute",
        "amount": amount,
        "balance_transactions": [],
        "charge": charge["id"],
        "created": scope.now(),
        "currency": charge["currency"],
        "enhanced_eligibility_types": [],
        "evidence": dict.fromkeys(sorted(fields)),
        "evidence_details": {
            "due_by": scope.now() + _RESPONSE_DAYS * 86400,
            "enhanced_eligibility": {},
            "has_evidence": False,
            "past_due": False,
            "submission_count": 0,
        },
        "is_charge_refundable": inquiry,
        "livemode": False,
        "metadata": {},
        "payment_intent": charge["payment_intent"],
        "payment_method_details": details,
        "reason": reason,
        "status": "warning_needs_response" if inquiry else "needs_response",
    }
