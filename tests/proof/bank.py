"""The stand-in as buyers, their banks, the dashboard and the webhook's wire see it."""

import json
import time
from collections.abc import Iterator
from typing import Any, Self

import httpx

from devtools.stripe_standin.client import FaultKind, StandIn
from devtools.stripe_standin.config import Endpoint
from devtools.stripe_standin.webhooks import sign

JsonObject = dict[str, Any]

# What Stripe would do "a while later" happens only when a test says so.
NEVER = 1e6
# The intent's money is taken.
SUCCEEDED = "succeeded"
# A refund in one of these counts on its charge at Stripe.
REFUNDING = frozenset({"pending", "requires_action", "succeeded"})


class Bank:
    """What happens at Stripe, by hand; refusals come back as Stripe words them."""

    def __init__(self, standin: StandIn) -> None:
        self.standin = standin
        self._http = httpx.Client(base_url=standin.url, timeout=60, trust_env=False)
        self._last_event = ""
        self.is_in_trouble = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def reset(self) -> None:
        """A new account: no objects, no events, no faults."""
        self.end_trouble()
        self.standin.reset()
        self._last_event = ""

    def begin_trouble(self, kind: FaultKind, operation: str) -> None:
        """Let the product's next call of that operation go wrong; what happens here never does."""
        self.standin.fault(kind, operation, status=503 if kind == "refuse" else 500)
        self.is_in_trouble = True

    def end_trouble(self) -> None:
        """Take back what the product hasn't met."""
        self.standin.clear_faults()
        self.is_in_trouble = False

    def pay(self, intent_id: str, client_secret: str, method: str) -> JsonObject:
        """Confirm as Stripe.js does; the intent, or `{"error": …}` for a decline."""
        return self._publishable(
            f"payment_intents/{intent_id}/confirm",
            client_secret=client_secret,
            payment_method=method,
        )

    def pay_by_hand(self, order_id: str, amount: int) -> JsonObject:
        """Have an order paid by an intent that the product didn't make; the intent."""
        return self._secret(
            "payment_intents",
            amount=amount,
            currency="usd",
            payment_method="pm_card_visa",
            confirm="true",
            **{
                "metadata[order_id]": order_id,
                "automatic_payment_methods[enabled]": "true",
                "automatic_payment_methods[allow_redirects]": "never",
            },
        )

    def refund(self, intent_id: str, amount: int | None) -> JsonObject:
        """Refund in the dashboard: `amount` in minor units, None for all that is left."""
        given = {"payment_intent": intent_id} | ({} if amount is None else {"amount": amount})
        return self._secret("refunds", **given)

    def cancel(self, intent_id: str) -> JsonObject:
        """Cancel an intent in the dashboard."""
        return self._secret(f"payment_intents/{intent_id}/cancel")

    def change_amount(self, intent_id: str, amount: int) -> JsonObject:
        """Ask for another amount, as anybody with the secret key can until it is paid."""
        return self._secret(f"payment_intents/{intent_id}", amount=amount)

    def update_dispute(self, dispute_id: str) -> JsonObject:
        """Answer a dispute with evidence: it is under review then."""
        given = {"evidence[uncategorized_text]": "They learned all of it", "submit": "true"}
        return self._secret(f"disputes/{dispute_id}", **given)

    def intent(self, intent_id: str) -> JsonObject:
        return self._get(f"payment_intents/{intent_id}")

    def intents(self) -> list[JsonObject]:
        """Every intent, oldest first."""
        return self._all("payment_intents")

    def refunds(self) -> list[JsonObject]:
        """Every refund, oldest first."""
        return self._all("refunds")

    def disputes(self) -> list[JsonObject]:
        """Every dispute, oldest first."""
        return self._all("disputes")

    def transfers(self) -> list[JsonObject]:
        """Every transfer to a teacher's account, oldest first."""
        return self._all("transfers")

    def charges(self) -> list[JsonObject]:
        """Every charge, oldest first."""
        return self._all("charges")

    def new_events(self) -> list[JsonObject]:
        """The events since the last call, oldest first."""
        found = list(self._since(self._last_event))
        if found:
            self._last_event = found[-1]["id"]
        return found

    def _since(self, last: str) -> Iterator[JsonObject]:
        if not last:
            yield from self._all("events")
            return
        while True:
            page = self._get("events", limit=100, ending_before=last)
            yield from reversed(page["data"])
            if not page["has_more"]:
                return
            last = page["data"][0]["id"]

    def _all(self, what: str) -> list[JsonObject]:
        found: list[JsonObject] = []
        cursor: dict[str, str] = {}
        while True:
            page = self._get(what, limit=100, **cursor)
            found += page["data"]
            if not page["has_more"]:
                return list(reversed(found))
            cursor = {"starting_after": found[-1]["id"]}

    def _get(self, path: str, **query: Any) -> JsonObject:
        return self._answer("GET", path, self.standin.secret_key, params=query)

    def _secret(self, path: str, **form: Any) -> JsonObject:
        return self._answer("POST", path, self.standin.secret_key, data=form)

    def _publishable(self, path: str, **form: Any) -> JsonObject:
        return self._answer("POST", path, self.standin.publishable_key, data=form)

    def _answer(self, method: str, path: str, key: str, **given: Any) -> JsonObject:
        if self.is_in_trouble:
            self.end_trouble()
        answer = self._http.request(method, f"/v1/{path}", auth=(key, ""), **given)
        assert answer.status_code < 500, answer.text
        body: JsonObject = answer.json()
        return body


def signed(event: JsonObject, secret: str) -> tuple[bytes, str]:
    """The body of an event as Stripe sends it, and its `Stripe-Signature`."""
    body = json.dumps(event, indent=2).encode()
    return body, sign(body, Endpoint("", (secret,)), int(time.time()))
