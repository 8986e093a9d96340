"""A whole LearnFlow that no webhook reaches: what happens at Stripe is known here within a minute
(promised, of a machine that isn't busy with other things), and the books hold afterwards."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from devtools.stripe_standin.client import StandInControls
from tests.flows.instance import ROOT, Instance
from tests.flows.shopper import Shopper
from tests.flows.slowness import Slowness

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800), pytest.mark.xdist_group("instance")]

# Promised.
HEALED = 60.0


@dataclass(frozen=True)
class Site:
    """A running LearnFlow, and the stand-in that tells it nothing."""

    web: httpx.Client
    stripe: StandInControls
    environment: dict[str, str]
    slowness: Slowness

    def manage(self, *command: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "manage.py", *command],
            cwd=ROOT, env=self.environment, capture_output=True, text=True, check=False,
        )  # fmt: skip


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with ExitStack() as stack:
        instance = stack.enter_context(Instance.start(LEARNFLOW_DEMO="on"))
        instance.await_line("LearnFlow is ready at")
        url = f"http://127.0.0.1:{instance.environment['PORT']}"
        web = stack.enter_context(httpx.Client(base_url=url, trust_env=False, timeout=60))
        environment = instance.child("gunicorn").environ()
        stripe = stack.enter_context(StandInControls(environment["STRIPE_API_BASE"]))
        stripe.webhooks(drop=True)
        slowness = stack.enter_context(Slowness())
        yield Site(web, stripe, environment, slowness)


@pytest.fixture(autouse=True)
def _measured_anew(site: Site) -> None:
    site.slowness.forget()


@pytest.fixture
def shopper(site: Site) -> Shopper:
    """Somebody whose order is placed and not paid yet."""
    courses = site.web.get("/api/v1/courses/", params={"min_price": 20}).json()["results"]
    person = Shopper.register(site.web)
    person.place_order(courses[0]["id"])
    assert person.ask_for_intent().status == 201
    return person


@pytest.fixture
def buyer(site: Site, shopper: Shopper) -> Shopper:
    """Somebody who has paid, which nobody told LearnFlow, and has the course."""
    shopper.pay(site.stripe.url)
    wait_until(site, lambda: status_of(shopper) == "completed")
    return shopper


def test_a_payment_nobody_told_of_opens_the_course(site: Site, shopper: Shopper) -> None:
    shopper.pay(site.stripe.url)
    wait_until(site, lambda: status_of(shopper) == "completed")
    assert len(shopper.expect(shopper.get("enrollments/"), 200)["results"]) == 1


def test_a_refund_nobody_told_of_closes_it_and_nothing_is_left_to_heal(
    site: Site, buyer: Shopper
) -> None:
    answer = httpx.post(
        f"{site.stripe.url}/v1/refunds",
        data={"payment_intent": buyer.intent_id},
        auth=(site.environment["STRIPE_SECRET_KEY"], ""),
        trust_env=False,
        timeout=60,
    )
    answer.raise_for_status()
    wait_until(site, lambda: status_of(buyer) == "refunded")
    assert buyer.expect(buyer.get("enrollments/"), 200)["results"] == []
    compared = site.manage("reconcile", "--since", "1d")
    assert compared.returncode == 0, compared.stdout + compared.stderr
    verified = site.manage("verify_books")
    assert verified.returncode == 0, verified.stdout + verified.stderr


def status_of(shopper: Shopper) -> Any:
    return shopper.expect(shopper.get(f"orders/{shopper.order['id']}/"), 200)["status"]


def wait_until(site: Site, condition: Callable[[], bool]) -> None:
    """Wait for it. Fails after the promised time, or as much more as a busy machine needs."""
    begun = time.monotonic()
    while not condition():
        assert time.monotonic() - begun < site.slowness.stretch(HEALED)
        time.sleep(0.5)
