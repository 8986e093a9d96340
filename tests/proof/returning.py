"""Rules of staff and banks: refunds, disputes, what Stripe does a while later."""

from hypothesis.stateful import precondition
from hypothesis.strategies import sampled_from

from devtools.stripe_standin.client import RefundOutcome, StandInError
from tests.proof.bank import REFUNDING, JsonObject
from tests.proof.market import PICK, Intent, Market, act, minor
from tests.proof.snapshot import Row
from tests.proof.world import Answer, Person

# Which lines a refund is for.
LINES = ("all", "first", "last")
AT_STRIPE = (
    "refund",
    "refund",
    "part refund",
    "part refund",
    "cancel",
    "other amount",
    "pay by hand",
)
REFUND_ENDS: tuple[RefundOutcome, ...] = ("succeeded", "failed", "insufficient_funds")
# What happens to disputes.
COMPLAINTS = (
    "open",
    "open",
    "part",
    "inquiry",
    "won",
    "lost",
    "lost",
    "review",
    "appeal",
    "appeal",
)


class Returning(Market):
    """Money on its way back."""

    @precondition(lambda self: self.now.payments)
    @act(number=PICK, lines=sampled_from(LINES))
    def refund_by_staff(self, number: int, lines: str) -> None:
        order = self._bought(number)
        assert self.world.staff is not None
        answer = self._ask(self.world.staff, order, "refunds", lines)
        self.count(f"staff refund {answer.status} {answer.code}")
        payer = self.now.payment_of(order["payment_id"]) if order["payment_id"] else None
        room = payer["amount"] - payer["refunding"] if payer else 0
        if not room:
            assert (answer.status, answer.code) == (409, "REFUND_NOT_POSSIBLE"), answer
        elif answer.status == 201:
            amount = minor(answer.body["amount"])
            assert amount == room if lines == "all" else 0 < amount <= room, (answer, room)
        else:
            assert answer.code == "REFUND_NOT_POSSIBLE", answer

    @precondition(lambda self: self.now.payments)
    @act(number=PICK, what=sampled_from((*LINES, "approve", "refuse")))
    def request_refund(self, number: int, what: str) -> None:
        """A buyer asks for money back, or staff answers."""
        if what not in LINES:
            self._decide(number, grants=what == "approve")
            return
        order = self._bought(number)
        buyer = next(p for p in self.world.buyers if str(p.id) == order["user_id"])
        answer = self._ask(buyer, order, "refund-request", what)
        self.count(f"refund request {answer.status} {answer.code}")
        if order["status"] not in ("completed", "refunded"):
            assert (answer.status, answer.code) == (409, "REFUND_NOT_POSSIBLE"), answer
        assert answer.status in (201, 409), answer

    def _decide(self, number: int, *, grants: bool) -> None:
        assert self.world.staff is not None
        listed = self.world.call(self.world.staff, "GET", "refund-requests/?status=open")
        requests = listed.body["results"]
        if not requests:
            return
        request = self.pick(requests, number)
        # It is open until the money has gone: one that names its refund was approved.
        refund = self.now.refunds.get(request["refund_id"])
        path = f"refund-requests/{request['id']}/"
        path += "approve/" if grants else "refuse/"
        body = None if grants else {"reason": "All of it was learned"}
        answer = self.world.call(self.world.staff, "POST", path, body)
        self.count(f"request {'approved' if grants else 'refused'} {answer.status} {answer.code}")
        if refund is not None and refund["status"] not in ("failed", "canceled"):
            assert answer.code == "REFUND_REQUEST_DECIDED", answer
        else:
            assert answer.status == 200 or (grants and answer.code == "REFUND_NOT_POSSIBLE"), answer

    def _bought(self, number: int) -> Row:
        """An order that somebody tried to pay."""
        payment = self.pick(list(self.now.payments.values()), number)
        return self.now.orders[payment["order_id"]]

    def _ask(self, person: Person, order: Row, what: str, lines: str) -> Answer:
        ids = [line["id"] for line in self.now.lines_of(order["id"])]
        body: JsonObject = {"reason": "Bought by mistake"}
        if lines != "all":
            body |= {"items": [ids[0] if lines == "first" else ids[-1]]}
        return self.world.call(person, "POST", f"orders/{order['id']}/{what}/", body)

    @precondition(lambda self: self.intents)
    @act(number=PICK, what=sampled_from(AT_STRIPE))
    def do_at_stripe(self, number: int, what: str) -> None:
        """What staff do in the dashboard, or anybody with the account's key."""
        intent = self.pick(self.intents, number)
        order = self.now.orders[intent.order_id]
        if what == "cancel":
            answer = self.bank.cancel(intent.id)
        elif what == "other amount":
            answer = self._change_amount(intent)
        elif what == "pay by hand":
            answer = self.bank.pay_by_hand(order["id"], order["total"])
            self.intents.append(Intent(order["id"], answer["id"], answer["client_secret"]))
            self.by_hand.add(answer["id"])
        else:
            answer = self.bank.refund(intent.id, None if what == "refund" else 500)
        self.count(f"at Stripe: {what} {answer.get('status', 'refused')}")

    def _change_amount(self, intent: Intent) -> JsonObject:
        """Ask for another amount than the order's, and have it paid."""
        answer = self.bank.change_amount(intent.id, 4242)
        if "error" in answer:
            return answer
        self.changed_amounts.add(intent.id)
        return self.bank.pay(intent.id, intent.client_secret, "pm_card_visa")

    @precondition(lambda self: self.now.refunds)
    @act(number=PICK, wanted=sampled_from(REFUND_ENDS))
    def end_refund(self, number: int, wanted: RefundOutcome) -> None:
        """The bank's word on a refund, which may fail one that it had made already; or Stripe's,
        which fails for lack of balance what is pending."""
        live = {"pending"} if wanted == "insufficient_funds" else REFUNDING
        refunds = [r for r in self.bank.refunds() if r["status"] in live]
        if refunds:
            try:
                self.bank.standin.settle_refund(self.pick(refunds, number)["id"], wanted)
            except StandInError as exc:
                # It goes on waiting for a balance that can bear it.
                if wanted != "succeeded" or "balance_insufficient" not in str(exc):
                    raise
                self.count("refund left waiting")
            else:
                self.count(f"refund made to {wanted}")

    @precondition(lambda self: self.intents)
    @act(number=PICK, what=sampled_from(COMPLAINTS))
    def dispute(self, number: int, what: str) -> None:
        """A cardholder complains of a payment, or the bank goes on with such a complaint."""
        if what in ("open", "part", "inquiry"):
            self._open_dispute(number, what)
            return
        over = {"won", "lost", "warning_closed"}
        disputes = [
            dispute
            for dispute in self.bank.disputes()
            if (dispute["status"] == "lost" if what == "appeal" else dispute["status"] not in over)
        ]
        if not disputes:
            return
        dispute = self.pick(disputes, number)
        if what == "review":
            self.bank.update_dispute(dispute["id"])
        elif what == "appeal":
            self.bank.standin.appeal_dispute(dispute["id"])
        else:
            self.bank.standin.close_dispute(dispute["id"], "won" if what == "won" else "lost")
        self.count(f"dispute {what}")

    def _open_dispute(self, number: int, what: str) -> None:
        again = {"won", "warning_closed"}
        disputed = {d["payment_intent"] for d in self.bank.disputes() if d["status"] not in again}
        paid = [i for i in self.bank.intents() if i["status"] == "succeeded"]
        free = [intent for intent in paid if intent["id"] not in disputed]
        if free:
            truth = self.pick(free, number)
            self.bank.standin.open_dispute(
                payment_intent=truth["id"],
                inquiry=what == "inquiry",
                amount=max(1, truth["amount_received"] // 2) if what == "part" else None,
            )
            self.count(f"dispute {what}")
