"""A stand-in as a process, the official SDK on it, and a receiver for its webhooks."""

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import requests
import stripe

from devtools.stripe_standin.client import StandIn


@dataclass
class Receiver:
    """Takes webhooks as a product would; answers each with the next of `answers`, else 200."""

    url: str = ""
    payloads: list[tuple[bytes, str]] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    changed: threading.Condition = field(default_factory=threading.Condition)

    def types(self) -> list[str]:
        """The event types received, in order."""
        return [json.loads(payload)["type"] for payload, _ in self.payloads]

    def wait_for(self, event_type: str) -> dict[str, Any]:
        """The object of the first event of this type, waiting for it."""
        self.wait_until(lambda: event_type in self.types())
        events = [json.loads(payload) for payload, _ in self.payloads]
        found: dict[str, Any] = next(
            event["data"]["object"] for event in events if event["type"] == event_type
        )
        return found

    def wait_until(self, arrived: Callable[[], bool]) -> None:
        """Wait for what came to be enough. Fails after as long as no busy machine needs."""
        with self.changed:
            assert self.changed.wait_for(arrived, timeout=60), f"only {self.types()}"


@pytest.fixture(scope="module")
def _receiving() -> Iterator[Receiver]:
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            payload = self.rfile.read(int(self.headers["Content-Length"]))
            with receiver.changed:
                receiver.payloads.append((payload, self.headers["Stripe-Signature"]))
                receiver.changed.notify_all()
            self.send_response(receiver.answers.pop(0) if receiver.answers else 200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *arguments: Any) -> None:
            """Nothing on the console."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=[0.05], daemon=True)
    thread.start()
    receiver.url = f"http://127.0.0.1:{server.server_port}/webhook"
    yield receiver
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def _running(_receiving: Receiver) -> Iterator[StandIn]:
    with StandIn.start(webhook_url=_receiving.url) as standin:
        yield standin


@pytest.fixture
def standin(_running: StandIn, _receiving: Receiver) -> StandIn:
    """A running stand-in that has forgotten everything before this test."""
    _running.flush()
    _running.reset()
    _receiving.payloads.clear()
    _receiving.answers.clear()
    return _running


@pytest.fixture
def receiver(standin: StandIn, _receiving: Receiver) -> Receiver:
    """Where the stand-in sends its webhooks."""
    return _receiving


@pytest.fixture
def connect() -> Iterator[Callable[..., stripe.StripeClient]]:
    """Makes SDK clients of a stand-in; `api_key` and `retries` may be given."""
    sessions = []

    def make(
        target: StandIn, *, api_key: str | None = None, retries: int = 0
    ) -> stripe.StripeClient:
        session = requests.Session()
        sessions.append(session)
        return stripe.StripeClient(
            api_key or target.secret_key,
            base_addresses={"api": target.url},
            http_client=stripe.RequestsClient(session=session),
            max_network_retries=retries,
        )

    yield make
    for session in sessions:
        session.close()


@pytest.fixture
def api(standin: StandIn, connect: Callable[..., stripe.StripeClient]) -> stripe.StripeClient:
    """The official SDK on the stand-in, with the secret key and without retries of its own."""
    return connect(standin)


@pytest.fixture
def paid(api: stripe.StripeClient) -> Callable[..., stripe.PaymentIntent]:
    """Makes a payment intent that has been paid; for 89.99 USD with a Visa unless told."""

    def make(payment_method: str = "pm_card_visa", amount: int = 8999) -> stripe.PaymentIntent:
        return api.v1.payment_intents.create(
            {
                "amount": amount,
                "currency": "usd",
                "payment_method": payment_method,
                "confirm": True,
                "metadata": {"order": "ORD-2026-00001"},
            }
        )

    return make
