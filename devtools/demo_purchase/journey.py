"""The steps of the demo, each of which has to hold for the next one to make sense."""

import io
import secrets
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httpx
from pypdf import PdfReader

from devtools.demo_purchase.client import PATIENCE_SECONDS, DemoError, PatientClient, expect, poll

API = "/api/v1"


@dataclass
class Journey:
    """One new student's way through `api`, paying at `stripe` as a browser with Stripe.js would.

    The settlement and the certificate may take `patience` seconds each.
    """

    api: PatientClient
    stripe: PatientClient
    patience: float = PATIENCE_SECONDS
    run: str = field(default_factory=lambda: secrets.token_hex(6))

    course: dict[str, Any] = field(default_factory=dict)
    order: dict[str, Any] = field(default_factory=dict)
    intent: dict[str, Any] = field(default_factory=dict)
    enrollment_id: str = ""
    certificate_path: str = ""

    first_name = "Demo"

    @property
    def last_name(self) -> str:
        """Unlike any other student's, so that the certificate is surely this one's."""
        return f"Student {self.run}"

    def sign_up(self) -> str:
        """Register; log in instead if a lost answer hid that the registration had worked."""
        person = {"email": f"demo-{self.run}@learnflow.test", "password": secrets.token_urlsafe(18)}
        names = {"first_name": self.first_name, "last_name": self.last_name}
        response = self.api.post(f"{API}/auth/register/", person | names)
        if response.status_code == httpx.codes.CONFLICT:
            response = self.api.post(f"{API}/auth/login/", person)
        self.api.token = expect(response, 200, 201)["access_token"]
        return person["email"]

    def find_course(self) -> str:
        """Take the most popular course that costs something."""
        page = expect(self.api.get(f"{API}/courses/", min_price=1, ordering="popular"), 200)
        if not page["results"]:
            raise DemoError("There is no course for sale: was LEARNFLOW_DEMO off?")
        found = page["results"][0]
        self.course = expect(self.api.get(f"{API}/courses/{found['id']}/"), 200)
        hold(self.course["enrolled"] is False, "a new student is enrolled in nothing")
        return f"{self.course['title']} for {self.course['price']}"

    def fill_cart(self) -> str:
        """Put the course into the cart."""
        item = {"course_id": self.course["id"]}
        expect(self.api.post(f"{API}/cart/items/", item), 200, 201)
        cart = expect(self.api.get(f"{API}/cart/"), 200)
        hold([self.course["id"]] == [i["course"]["id"] for i in cart["items"]], "one cart line")
        return f"total {cart['total_price']}"

    def place_order(self, key: str = "") -> str:
        """Order what is in the cart; each `key` is another click."""
        body = {
            "billing_address": {
                "first_name": self.first_name,
                "last_name": self.last_name,
                "email": f"demo-{self.run}@learnflow.test",
                "address_line1": "123 Main St",
                "address_line2": "",
                "city": "San Francisco",
                "state": "CA",
                "postal_code": "94105",
                "country": "US",
                "phone": "+14155550100",
            }
        }
        response = self.api.post(
            f"{API}/orders/create-from-cart/", body, idempotency_key=f"order-{self.run}{key}"
        )
        self.order = expect(response, 200, 201)
        hold(self.order["status"] == "pending", "the new order is pending")
        return f"{self.order['order_number']}, {self.order['total_amount']}"

    def create_intent(self, key: str = "") -> str:
        """Ask for the payment intent of the order."""
        body = {"order_id": self.order["id"]}
        path = f"{API}/payments/create-payment-intent/"
        self.intent = expect(
            self.api.post(path, body, idempotency_key=f"intent-{self.run}{key}"), 200, 201
        )
        cents = round(self.order["total_amount"] * 100)
        hold(self.intent["amount"] == cents, "the intent is for the order's total")
        return f"{self.intent['amount']} {self.intent['currency']}"

    @property
    def intent_id(self) -> str:
        """The intent's id, which its secret begins with."""
        return str(self.intent["client_secret"]).partition("_secret_")[0]

    def pay(self, method: str = "pm_card_visa", ends: str = "succeeded", key: str = "") -> str:
        """Confirm the intent with a test card (or another `method`, whose intent `ends` so),
        knowing what a browser knows and no more."""
        form = {
            "key": self.intent["publishable_key"],
            "client_secret": self.intent["client_secret"],
            "payment_method": method,
        }
        path = f"/v1/payment_intents/{self.intent_id}/confirm"
        answer = self.stripe.post_form(path, form, idempotency_key=f"pay-{self.run}{key}")
        hold(expect(answer, 200)["status"] == ends, f"{method} is {ends}")
        return self.intent_id

    def await_settlement(self) -> str:
        """Wait for the webhook to complete the order; the API is never told of the payment."""
        path = f"{API}/orders/{self.order['id']}/"

        def completed() -> dict[str, Any] | None:
            order: dict[str, Any] = expect(self.api.get(path), 200)
            hold(order["status"] in {"pending", "completed"}, "the order is not lost")
            return order if order["status"] == "completed" else None

        order = poll(self.patience, "The settlement of the order", completed)
        charge = order["payment"]["transaction_id"]
        hold(order["payment"]["status"] == "succeeded", "the payment is recorded")
        hold(charge.startswith(("ch_", "py_")), "the payment names its charge")
        hold(expect(self.api.get(f"{API}/cart/"), 200)["items"] == [], "the cart is empty")
        return str(charge)

    def open_course(self) -> str:
        """Find the one enrolment that the settlement made."""
        enrollments = expect(self.api.get(f"{API}/enrollments/"), 200)["results"]
        hold(
            [self.course["id"]] == [e["course"]["id"] for e in enrollments],
            "enrolled once, in the bought course",
        )
        self.enrollment_id = enrollments[0]["id"]
        return f"{enrollments[0]['total_lessons']} lessons"

    def learn(self) -> str:
        """Complete every lesson."""
        path = f"{API}/enrollments/{self.enrollment_id}/"
        curriculum = expect(self.api.get(path), 200)["course"]["curriculum"]
        lessons = [lesson["id"] for section in curriculum for lesson in section["lessons"]]
        progress = 0
        for lesson in lessons:
            response = self.api.post(f"{path}mark-lesson-complete/", {"lesson_id": lesson})
            progress = expect(response, 200)["enrollment_progress"]
        hold(progress == 100, "every lesson completed is 100 %")
        return f"{len(lessons)} lessons, {progress} %"

    def await_certificate(self) -> str:
        """Wait for a worker to make the certificate."""
        path = f"{API}/enrollments/{self.enrollment_id}/"

        def certified() -> str | None:
            url: str | None = expect(self.api.get(path), 200)["certificate_url"]
            return url

        url = poll(self.patience, "The certificate", certified)
        # The address is for the public name of the API; this instance answers on its own.
        self.certificate_path = urlsplit(url).path
        return self.serial

    @property
    def serial(self) -> str:
        """The serial in the certificate's address, `…/certificates/SERIAL/download/`."""
        return self.certificate_path.rstrip("/").split("/")[-2]

    def download_certificate(self) -> str:
        """Download the PDF and find the serial and the student's name in it."""
        response = self.api.get(self.certificate_path)
        hold(response.status_code == httpx.codes.OK, f"the PDF is there ({response.status_code})")
        reader = PdfReader(io.BytesIO(response.content))
        text = " ".join(page.extract_text() for page in reader.pages)
        hold(self.serial in text, "the certificate shows its serial")
        hold(self.last_name in " ".join(text.split()), "the certificate shows the student's name")
        return f"{len(response.content)} bytes"

    def verify_certificate(self) -> str:
        """Verify the certificate as anybody may, without a login."""
        response = self.api.get(f"{API}/certificates/{self.serial}/", anonymous=True)
        proof = str(expect(response, 200))
        hold(self.serial in proof and self.last_name in proof, "the certificate is verified")
        hold(self.course["title"] in proof, "the proof names the course")
        return f"{API}/certificates/{self.serial}/"


def hold(condition: bool, claim: str) -> None:
    """Raise DemoError with the claim unless it holds."""
    if not condition:
        raise DemoError(f"This should hold and does not: {claim}")
