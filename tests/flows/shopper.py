"""A person at a running LearnFlow, who notes how long each answer took."""

import secrets
import time
from dataclasses import dataclass, field
from typing import Any, Self

import httpx

API = "/api/v1/"
_ADDRESS = {
    "first_name": "Ada", "last_name": "Lovelace", "email": "ada@learnflow.test", "state": "",
    "address_line1": "12 St James's Square", "city": "London", "postal_code": "SW1Y 4LE",
    "country": "GB", "phone": "",
}  # fmt: skip


@dataclass(frozen=True)
class Answer:
    """What was answered, and after how many seconds."""

    request: str
    status: int
    seconds: float
    body: Any


@dataclass
class Shopper:
    """One person. Requests are sent once and never again: a failure is the test's to judge."""

    web: httpx.Client
    email: str = field(default_factory=lambda: f"shopper-{secrets.token_hex(6)}@learnflow.test")
    answers: list[Answer] = field(default_factory=list)
    order: dict[str, Any] = field(default_factory=dict)
    intent: dict[str, Any] = field(default_factory=dict)
    _token: str = ""

    @classmethod
    def register(cls, web: httpx.Client) -> Self:
        """A new person with an account."""
        person = cls(web)
        account = {"email": person.email, "password": secrets.token_urlsafe(18)}
        answer = person.post("auth/register/", account | {"first_name": "Ada", "last_name": "L."})
        person._token = person.expect(answer, 201)["access_token"]
        return person

    def get(self, path: str) -> Answer:
        """GET below `/api/v1/`."""
        return self._send("GET", path)

    def post(self, path: str, body: dict[str, Any] | None = None, *, key: str = "") -> Answer:
        """POST below `/api/v1/`, with an `Idempotency-Key` if given."""
        return self._send("POST", path, json=body or {}, key=key)

    def expect(self, answer: Answer, *statuses: int) -> Any:
        """The body of an answer that has one of the statuses. Fails for another."""
        assert answer.status in statuses, answer
        return answer.body

    def place_order(self, course_id: str) -> None:
        """Put the course into the cart and order it."""
        self.expect(self.post("cart/items/", {"course_id": course_id}), 201)
        body = {"billing_address": _ADDRESS}
        answer = self.post("orders/create-from-cart/", body, key=f"order-{self.email}")
        self.order = self.expect(answer, 201)

    def ask_for_intent(self) -> Answer:
        """Ask for the order's payment intent, as often as wanted with the same key."""
        answer = self.post(
            "payments/create-payment-intent/",
            {"order_id": self.order["id"]},
            key=f"intent-{self.email}",
        )
        if answer.status < 400:
            self.intent = answer.body
        return answer

    def pay(self, stripe_url: str) -> None:
        """Confirm the intent at the stand-in as Stripe.js does."""
        form = {
            "key": self.intent["publishable_key"],
            "client_secret": self.intent["client_secret"],
            "payment_method": "pm_card_visa",
        }
        path = f"{stripe_url}/v1/payment_intents/{self.intent_id}/confirm"
        paid = httpx.post(path, data=form, trust_env=False, timeout=30)
        assert paid.json()["status"] == "succeeded", paid.text

    def confirm(self) -> Answer:
        """Tell the API that it is paid."""
        body = {"order_id": self.order["id"], "payment_intent_id": self.intent_id}
        return self.post("payments/confirm-payment/", body)

    @property
    def intent_id(self) -> str:
        """Stripe's id of the intent."""
        return str(self.intent["client_secret"]).partition("_secret_")[0]

    def learn(self) -> list[str]:
        """Complete every lesson of the one course; the lessons' ids."""
        (enrollment,) = self.expect(self.get("enrollments/"), 200)["results"]
        path = f"enrollments/{enrollment['id']}/"
        curriculum = self.expect(self.get(path), 200)["course"]["curriculum"]
        lessons = [lesson["id"] for section in curriculum for lesson in section["lessons"]]
        for lesson in lessons:
            self.expect(self.post(f"{path}mark-lesson-complete/", {"lesson_id": lesson}), 200)
        return lessons

    def _send(self, method: str, path: str, *, key: str = "", **request: Any) -> Answer:
        headers = {"Authorization": f"Bearer {self._token}"} if self._token else {}
        if key:
            headers["Idempotency-Key"] = key
        begun = time.monotonic()
        response = self.web.request(method, API + path, headers=headers, **request)
        seconds = time.monotonic() - begun
        answer = Answer(f"{method} {path}", response.status_code, seconds, response.json())
        self.answers.append(answer)
        return answer
