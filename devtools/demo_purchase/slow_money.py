"""Money that takes its time: a course that a bank debit pays, and whose buyer's bank takes it back.

The bank is the stand-in's; a real one takes days for what is a step here.
"""

from typing import Any

from devtools.demo_purchase.client import DemoError, expect, poll
from devtools.demo_purchase.journey import API, Journey, hold


class SlowMoney:
    """What the same student does after the certificate."""

    def __init__(self, journey: Journey) -> None:
        self._journey = journey
        self._api, self._stripe = journey.api, journey.stripe

    def order_another(self) -> str:
        """Order another course that costs something, and ask for its payment intent."""
        journey = self._journey
        page = expect(self._api.get(f"{API}/courses/", min_price=1, ordering="popular"), 200)
        others = [one for one in page["results"] if one["id"] != journey.course["id"]]
        if not others:
            raise DemoError("There is only one course for sale")
        journey.course = others[0]
        journey.fill_cart()
        journey.place_order("again")
        return f"{journey.create_intent('again')}: {journey.course['title']}"

    def pay_by_debit(self) -> str:
        """Let the bank be asked for the money, and see the order wait for it."""
        self._journey.pay(method="pm_usBankAccount_processing", ends="processing", key="again")

        def waits() -> dict[str, Any] | None:
            order: dict[str, Any] = expect(self._api.get(self._order_path), 200)
            payment = order["payment"] or {}
            return order if payment.get("status") == "processing" else None

        order = poll(self._journey.patience, "The news of the debit", waits)
        hold(order["status"] == "pending", "an order isn't completed by money on its way")
        return "payment.status: processing"

    def leave_it_alone(self) -> str:
        """Order the same once more: it is the same order, and nothing to pay."""
        before = self._journey.order["id"]
        self._journey.place_order("once more")
        hold(self._journey.order["id"] == before, "what is being paid isn't ordered again")
        return f"still {self._journey.order['order_number']}"

    def let_it_arrive(self) -> str:
        """The bank sends the money, and the course is open."""
        self._control(f"payment_intents/{self._intent_id}/settle", outcome="succeeded")
        return self._journey.await_settlement()

    def lose_a_dispute(self) -> str:
        """The buyer's bank takes the money back: the course is closed, and all of it credited."""
        dispute = self._control("disputes", payment_intent=self._intent_id, reason="fraudulent")
        self._control(f"disputes/{dispute['id']}/close", status="lost")

        def credited() -> dict[str, Any] | None:
            notes = expect(self._api.get(f"{self._order_path}credit-notes/"), 200)["results"]
            return notes[0] if notes else None

        note = poll(self._journey.patience, "The credit note", credited)
        hold(note["total_amount"] == self._journey.order["total_amount"], "all of it is credited")
        enrollments = expect(self._api.get(f"{API}/enrollments/"), 200)["results"]
        left = [one["course"]["id"] for one in enrollments]
        hold(self._journey.course["id"] not in left, "the course is closed")
        return f"{note['number']} over {note['total_amount']}"

    @property
    def _order_path(self) -> str:
        return f"{API}/orders/{self._journey.order['id']}/"

    @property
    def _intent_id(self) -> str:
        return self._journey.intent_id

    def _control(self, path: str, **given: Any) -> dict[str, Any]:
        answer: dict[str, Any] = expect(self._stripe.post(f"/_control/{path}", given), 200, 201)
        return answer
