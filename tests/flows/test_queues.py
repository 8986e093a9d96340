"""Eighty mails at a mail server that takes its time hold up no purchase."""

import os
import socketserver
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction

from cart.models import CartItem
from devtools.launcher.ports import LOOPBACK
from devtools.launcher.programs import plan_beat, plan_workers
from devtools.stripe_standin.client import StandIn
from enrollments.models import Enrollment
from notifications import services as notification_services
from notifications.letter import Letter
from notifications.models import Email
from orders.models import Order
from payments import services
from payments.tests.conftest import Pay, buyer, order, pay, start_payment
from tests.factories import CartItemFactory
from tests.flows.web import ROOT, environment_of

__all__ = ["buyer", "order", "pay"]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
    pytest.mark.timeout(1800),
    pytest.mark.xdist_group("instance"),
]

MAILS = 80
# Only so that a failure ends: a busy machine may take its time.
_PATIENCE = 600.0


class SlowMailServer(socketserver.ThreadingTCPServer):
    """Speaks as much SMTP as it takes, and thinks about each mail until it is closed. Meanwhile it
    keeps talking, so that nobody gives it up."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self) -> None:
        super().__init__((LOOPBACK, 0), _Conversation)
        self.closing = threading.Event()
        self.begun = 0
        self.taken = 0
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.closing.set()
        self.shutdown()
        self.server_close()


class _Conversation(socketserver.StreamRequestHandler):
    server: SlowMailServer

    def handle(self) -> None:
        self._say("220 slow.example.test")
        while line := self.rfile.readline().strip().upper():
            if line.startswith(b"DATA"):
                self._say("354 go on")
                self._take()
            elif line.startswith(b"QUIT"):
                return self._say("221 bye")
            else:
                self._say("250 fine")
        return None

    def _take(self) -> None:
        while self.rfile.readline().strip() != b".":
            pass
        self.server.begun += 1
        while not self.server.closing.wait(1):
            self._say("250-thinking")
        self.server.taken += 1
        self._say("250 taken")

    def _say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())


@pytest.fixture
def mail_server() -> Iterator[SlowMailServer]:
    server = SlowMailServer()
    yield server
    server.close()


@contextmanager
def _workers(folder: Path, **environment: str) -> Iterator[None]:
    """The workers and the beat of `make run`, on the test's database."""
    processes = []
    try:
        for program in (*plan_workers({}), plan_beat()):
            with (folder / f"{program.name}.log").open("wb") as log:
                processes.append(
                    subprocess.Popen(
                        program.command,
                        cwd=ROOT,
                        env={**os.environ, **environment_of(folder), **environment},
                        stdout=log,
                        stderr=log,
                        start_new_session=True,
                    )
                )
        yield
    finally:
        # Not in order: what they are at has no end.
        for process in processes:
            os.killpg(process.pid, 9)
        for process in processes:
            process.wait()


def _await(condition: Any, what: str, folder: Path) -> None:
    deadline = time.monotonic() + _PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            logs = "\n".join(path.read_text()[-1500:] for path in folder.glob("*.log"))
            raise AssertionError(f"never came: {what}\n{logs}")
        time.sleep(0.1)


def _write_mails() -> None:
    letter = Letter(subject="News", heading="News", paragraphs=["There is some."])
    with transaction.atomic():
        for number in range(MAILS):
            notification_services.write_email(
                dedupe_key=f"news:{number}", kind="news", user_id=None, to="many@example.test",
                letter=letter,
            )  # fmt: skip


def test_a_purchase_is_done_while_the_first_mails_are_still_being_sent(
    order: Order, standin: StandIn, pay: Pay, mail_server: SlowMailServer, tmp_path: Path
) -> None:
    CartItemFactory.create(cart__user=order.user, course=order.items.earliest("id").course)
    _write_mails()
    host, port = mail_server.server_address[:2]
    slow_mail = {
        "EMAIL_HOST": str(host), "EMAIL_PORT": str(port), "EMAIL_USE_TLS": "False",
        "STRIPE_API_BASE": standin.url, "STRIPE_SECRET_KEY": standin.secret_key,
        "STRIPE_PUBLIC_KEY": standin.publishable_key,
        "STRIPE_WEBHOOK_SECRET": standin.webhook_secret,
    }  # fmt: skip
    with _workers(tmp_path, **slow_mail):
        # As many as there are processes for mails.
        _await(lambda: mail_server.begun >= 2, "mails being sent", tmp_path)

        assert pay(start_payment(order))["status"] == "succeeded"
        services.poll_events()
        _await(lambda: Enrollment.objects.count() == 2, "access", tmp_path)
        _await(lambda: Email.objects.filter(kind="receipt").exists(), "a receipt", tmp_path)
        _await(lambda: not CartItem.objects.exists(), "an empty cart", tmp_path)

        # The very first mails are still being sent.
        assert mail_server.taken == 0
        assert Email.objects.filter(kind="news", status="pending").count() == MAILS
