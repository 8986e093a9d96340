"""Many checkouts of few courses by few people, all at once, over real HTTP."""

import os
import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.test import override_settings

from devtools.stripe_standin.client import StandIn
from orders.models import CouponRedemption
from tests.flows.web import PATIENT, running_web
from tests.proof.bank import NEVER, Bank
from tests.proof.crowd import PATIENCE, RUSH, RUSH_LIMIT, Crowd, at_work, workers
from tests.proof.settling import converge

# The whole of it is `make checkout-test`.
WHOLE = "PROOF_CHECKOUTS" in os.environ
CHECKOUTS = int(os.environ.get("PROOF_CHECKOUTS", "60"))
LARGE = CHECKOUTS >= 500
PEOPLE, COURSES, THREADS = (100, 50, 16) if LARGE else (12, 10, 8)
# Of the sweeps, which are done here: longer than an answer of a busy machine takes, and less than a
# claim is good for.
SWEEPS_PATIENCE = 20.0

pytestmark = [pytest.mark.slow, pytest.mark.timeout(0 if WHOLE else 1800)]


@pytest.fixture
def crowd(transactional_db: None, tmp_path: Path) -> Iterator[Crowd]:
    """A web server of two processes and a stand-in that delivers to it, everything twice."""
    with StandIn.start(async_delay=NEVER) as standin:
        secrets = {
            "STRIPE_SECRET_KEY": standin.secret_key,
            "STRIPE_PUBLIC_KEY": standin.publishable_key,
            "STRIPE_API_BASE": standin.url,
        }
        hook = {"STRIPE_WEBHOOK_SECRET": standin.webhook_secret}
        with (
            override_settings(
                **secrets,
                STRIPE_WEBHOOK_SECRETS=[standin.webhook_secret],
                STRIPE_TIMEOUT_SECONDS=SWEEPS_PATIENCE,
            ),
            running_web(tmp_path, WEB_CONCURRENCY="2", **secrets, **hook, **PATIENT) as url,
            Bank(standin) as bank,
        ):
            standin.send_webhooks_to(f"{url}/api/v1/payments/webhook/stripe/", *hook.values())
            yield Crowd(url, bank)


def test_everybody_buys_at_once(crowd: Crowd, record_property: Any) -> None:
    chance = random.Random(2026)
    crowd.gather(people=PEOPLE, courses=COURSES, rushes=-(-CHECKOUTS // RUSH))
    crowd.bank.standin.webhooks(duplicate=2, order="shuffle")
    with at_work(*workers(), lambda: change_a_price(crowd, chance)) as failures:
        crowd.run(crowd.errands(CHECKOUTS, random.Random(1)), threads=THREADS)
    assert not failures, failures
    now = converge(
        crowd.bank, lambda _: crowd.bank.standin.flush(timeout=300), turns=12 + CHECKOUTS
    )
    outcomes = crowd.tally.outcomes
    assert sum(outcomes.values()) == CHECKOUTS
    completed = [order for order in now.orders.values() if order["status"] == "completed"]
    used = Counter(CouponRedemption.objects.values_list("coupon__code", flat=True))
    rushes = [uses for code, uses in used.items() if code.startswith("RUSH")]
    assert max(rushes, default=0) <= RUSH_LIMIT, used
    assert used["TENTH"] <= 10, used
    assert completed, outcomes
    # How many come to an end, and at which limit, is a matter of speed where there are few.
    if LARGE:
        assert len(completed) > CHECKOUTS / 4, outcomes
        assert max(rushes) == RUSH_LIMIT, used
    record_property(
        "checkouts",
        {
            "count": CHECKOUTS,
            "orders": len(now.orders),
            "completed": len(completed),
            "outcomes": dict(outcomes),
            "answers": dict(crowd.tally.answers),
            "median_ms": round(crowd.tally.slowest(0.5)),
            "p95_ms": round(crowd.tally.slowest(0.95)),
        },
    )


def change_a_price(crowd: Crowd, chance: random.Random) -> None:
    """An author can't leave the prices alone; now and then a course is off sale for a moment."""
    assert crowd.author is not None
    course = chance.choice(crowd.courses)
    path = f"{crowd.url}/api/v1/courses/{course.id}/"
    with httpx.Client(headers=crowd.author.headers, trust_env=False, timeout=PATIENCE) as http:
        if chance.random() < 0.8:
            http.patch(path, json={"price": chance.choice((9.99, 14.5, 20, 33.33))})
        else:
            http.post(f"{path}unpublish/")
            http.post(f"{path}publish/")
