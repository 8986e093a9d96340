"""The flows, as a buyer's browser, staff and a bank go through them, and when each is over."""

import time
import uuid
from collections import Counter
from collections.abc import Callable
from typing import Any, Protocol

import httpx
from django.db.models import Count

from cart.models import Cart, CartItem
from core.models import OutboxDelivery
from courses.models import Course
from enrollments.models import Enrollment
from notifications.models import Email
from orders.models import CreditNote, Invoice, Order
from payments.models import Payment, Refund, StripeEvent
from tests.crash.stack import Stack
from tests.factories import StaffFactory, UserFactory
from tests.factories.people import open_test_session
from users.models import User
from users.tokens import issue_tokens

_API = "/api/v1"


class Flow(Protocol):
    """Something that may be interrupted anywhere."""

    name: str

    def prepare(self) -> None:
        """Bring about what has to be there before, uncounted."""
        ...

    def run(self) -> None:
        """Do what people do; they try again when they get no answer."""
        ...

    def unsettled(self) -> list[str]:
        """Return what isn't as it has to be in the end; empty when all is."""
        ...


class Browser:
    """A person's browser: it repeats a request, with its key, until there is an answer."""

    def __init__(self, stack: Stack, user: User) -> None:
        """Sign the person in."""
        tokens = issue_tokens(session=open_test_session(user))
        self._headers = {"Authorization": f"Bearer {tokens.access}"}
        self._url, self._patience = stack.url + _API, stack.patience

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Return the answer. Raises AssertionError when there is none within the stack's patience,
        or a refusal that trying again won't change."""
        headers = {**self._headers, "Idempotency-Key": uuid.uuid4().hex}
        deadline = time.monotonic() + self._patience
        last = "no answer"
        while time.monotonic() < deadline:
            try:
                with httpx.Client(trust_env=False, timeout=15) as client:
                    answer = client.post(self._url + path, json=body, headers=headers)
            except httpx.HTTPError as exc:
                last = repr(exc)
            else:
                if answer.is_success:
                    data: dict[str, Any] = answer.json()
                    return data
                last = answer.text
                # An answer of 500 is what a process gives whose database connection was cut.
                is_busy = "IDEMPOTENCY_IN_PROGRESS" in last
                assert answer.status_code >= 500 or is_busy, f"{path}: {last}"
            time.sleep(0.1)
        raise AssertionError(f"{path}: {last}")


class Purchase:
    """A cart of two courses becomes an order, is paid with a card, and is settled."""

    name = "purchase"

    def __init__(self, stack: Stack, courses: list[Course]) -> None:
        """The buyer is a new one."""
        self._stack, self._courses = stack, courses
        self.buyer: User = UserFactory.create(email=f"buyer-{uuid.uuid4().hex}@example.test")
        self.order_id = ""

    def prepare(self) -> None:
        """Fill the cart."""
        cart = Cart.objects.create(user=self.buyer)
        CartItem.objects.bulk_create(CartItem(cart=cart, course=c) for c in self._courses)

    def run(self) -> None:
        """Order, start the payment, pay at the stand-in, tell the product."""
        browser = Browser(self._stack, self.buyer)
        self.order_id = browser.post("/orders/create-from-cart/", {})["id"]
        body = {"order_id": self.order_id}
        intent = browser.post("/payments/create-payment-intent/", body)
        self._pay(intent)
        body["payment_intent_id"] = intent["payment_intent_id"]
        assert browser.post("/payments/confirm-payment/", body)["status"] == "succeeded"

    def unsettled(self) -> list[str]:
        """Completed once, paid once, enrolled, invoiced, each mail once."""
        orders = Order.objects.filter(user=self.buyer)
        payments = Payment.objects.filter(order__user=self.buyer)
        return [
            *_differences("orders", _count(orders, "status"), {"completed": 1}),
            *_differences("payments", _count(payments, "status"), {"succeeded": 1}),
            *_differences("access", _access(self.buyer), {"active": len(self._courses)}),
            *_differences("invoices", Invoice.objects.filter(order__in=orders).count(), 1),
            *_differences("lines in the cart", _in_cart(self.buyer), 0),
            *_differences("mails", self.mails(), {"receipt": 1, "enrollment": len(self._courses)}),
        ]

    def mails(self) -> dict[str, int]:
        """Count the mails that reached the buyer, by kind."""
        return _mails(self._stack, self.buyer.email)

    def _pay(self, intent: dict[str, Any]) -> None:
        answer = httpx.post(
            f"{self._stack.standin.url}/v1/payment_intents/{intent['payment_intent_id']}/confirm",
            data={"client_secret": intent["client_secret"], "payment_method": "pm_card_visa"},
            auth=(self._stack.standin.publishable_key, ""),
            trust_env=False,
            timeout=60,
        )
        assert answer.json()["status"] == "succeeded", answer.text


class _AfterPurchase:
    """Something that happens to a settled purchase."""

    name = ""

    def __init__(self, stack: Stack, courses: list[Course]) -> None:
        """The purchase is a new one."""
        self._stack, self._courses = stack, courses
        self._purchase = Purchase(stack, courses)

    def prepare(self) -> None:
        """Buy, and wait until all of it is over."""
        self._purchase.prepare()
        self._purchase.run()
        self._stack.converge(lambda: [*self._purchase.unsettled(), *unfinished()])
        self._payment = Payment.objects.get(order_id=self._purchase.order_id)


class WholeRefund(_AfterPurchase):
    """Staff gives the whole order back."""

    name = "refund"

    def run(self) -> None:
        """Staff asks for it."""
        Browser(self._stack, _staff()).post(f"/orders/{self._purchase.order_id}/refunds/", {})

    def unsettled(self) -> list[str]:
        """Given back once, here and at Stripe; access closed, one credit note, one mail."""
        refunds = Refund.objects.filter(payment=self._payment)
        notes = CreditNote.objects.filter(invoice__order_id=self._purchase.order_id)
        order = Order.objects.get(id=self._purchase.order_id)
        return [
            *_differences("order", order.status, "refunded"),
            *_differences("given back", order.refunded_amount, order.total_amount),
            *_differences("refunds", _count(refunds, "status"), {"succeeded": 1}),
            *_differences("access", _access(self._purchase.buyer), {"revoked": len(self._courses)}),
            *_differences("credit notes", notes.count(), 1),
            *_differences("refund mails", self._purchase.mails().get("refund", 0), 1),
        ]


class _Disputed(_AfterPurchase):
    outcome: Any = ""
    access = ""

    def run(self) -> None:
        """The bank takes the money, access rests; the bank decides."""
        standin = self._stack.standin
        dispute = standin.open_dispute(payment_intent=self._payment.stripe_payment_id)
        buyer, count = self._purchase.buyer, len(self._courses)
        self._stack.converge(lambda: _differences("access", _access(buyer), {"suspended": count}))
        standin.close_dispute(dispute["id"], self.outcome)

    def unsettled(self) -> list[str]:
        """One dispute, decided, and access as it says."""
        disputes = self._payment.disputes.all()
        return [
            *_differences("disputes", _count(disputes, "status"), {self.outcome: 1}),
            *_differences("access", _access(self._purchase.buyer), {self.access: 2}),
        ]


class DisputeWon(_Disputed):
    """The buyer's bank takes the money back and, in the end, returns it."""

    name, outcome, access = "dispute won", "won", "active"


class DisputeLost(_Disputed):
    """The buyer's bank takes the money back for good."""

    name, outcome, access = "dispute lost", "lost", "revoked"


FLOWS: tuple[Callable[[Stack, list[Course]], Flow], ...] = (
    Purchase,
    WholeRefund,
    DisputeWon,
    DisputeLost,
)


def unfinished() -> list[str]:
    """Return what is still waiting to be done by a worker; empty when all work is done."""
    return [
        *_differences("open events of Stripe", _open(StripeEvent, "received"), 0),
        *_differences("deliveries not made", _open(OutboxDelivery, "pending", "dead"), 0),
        *_differences("mails not sent", Email.objects.exclude(status="sent").count(), 0),
        *_differences("refunds not sent", _open(Refund, "due"), 0),
    ]


def _staff() -> User:
    """Return the one member of staff: each more would be mailed about each dispute."""
    staff: User | None = User.objects.filter(is_staff=True).first()
    return staff or StaffFactory.create(email="staff@example.test")


def _open(model: Any, *statuses: str) -> int:
    count: int = model.objects.filter(status__in=statuses).count()
    return count


def _differences(what: str, found: object, wanted: object) -> list[str]:
    return [] if found == wanted else [f"{what}: {found} instead of {wanted}"]


def _count(rows: Any, column: str) -> dict[str, int]:
    return dict(rows.order_by().values_list(column).annotate(Count("id")))


def _access(user: User) -> dict[str, int]:
    return _count(Enrollment.objects.filter(user=user), "status")


def _in_cart(user: User) -> int:
    return CartItem.objects.filter(cart__user=user).count()


def _mails(stack: Stack, address: str) -> dict[str, int]:
    """Count mails that were written out. Sent twice, a mail is the same file again."""
    sent = Email.objects.filter(to=address, status="sent").values_list("id", "kind")
    return dict(Counter(kind for id_, kind in sent if (stack.mails / f"{kind}-{id_}.eml").exists()))
