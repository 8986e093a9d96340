"""PostgreSQL or S3 taking everything and answering nothing, while all threads of a web process ask:
its liveness and the catalogue answer meanwhile, and whoever waits is told in time. How long that is
grows with how busy the machine is."""

import io
import os
import secrets
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from django.db import connection
from PIL import Image

from tests.factories import make_course
from tests.flows.s3 import S3StandIn
from tests.flows.shopper import Shopper
from tests.flows.slowness import Slowness
from tests.flows.web import environment_of, running_web
from tests.flows.wire import Wire

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(1800),
    pytest.mark.xdist_group("instance"),
    pytest.mark.django_db(transaction=True),
]

# More than a web process has threads.
ASKING = 12
# What those who wait are given, and what everybody else waits at most. Far apart, so that a busy
# machine doesn't blur them.
PATIENCE, PROMISED = 18.0, 8.0


def test_a_silent_postgresql_leaves_liveness_and_catalogue(tmp_path: Path) -> None:
    course = make_course(title="Weaving")
    with Wire.to(int(connection.settings_dict["PORT"])) as wire, Slowness() as slowness:
        given = environment_of(tmp_path)
        address = urlsplit(given["DATABASE_URL"])
        host = f"{address.username}:{address.password}@127.0.0.1:{wire.port}"
        environment = {
            **given,
            "DATABASE_URL": address._replace(netloc=host).geturl(),
            "DATABASE_STATEMENT_SECONDS": f"{PATIENCE - 2}",
            "DATABASE_CONNECT_TIMEOUT": f"{PATIENCE:.0f}",
        }
        with running_web(tmp_path, **environment) as url, client(url) as web:
            shoppers = [Shopper.register(web) for _ in range(ASKING)]
            pages = ["/api/v1/courses/", f"/api/v1/courses/{course.slug}/"]
            for page in pages * 2:
                assert web.get(page).status_code == 200
            wire.silence()
            slowness.forget()
            refused = _while_all_ask(
                lambda number: _send(url, "GET", shoppers[number], "enrollments/"),
                lambda: _expect_at_once(slowness, url, "/health/live/", *pages),
                slowness,
            )
            for answer in refused:
                _expect_refusal(slowness, answer, "SERVICE_UNAVAILABLE")
            wire.restore()
            _await(lambda: shoppers[0].get("enrollments/").status == 200)


def test_a_silent_s3_leaves_everything_else(tmp_path: Path) -> None:
    make_course(title="Weaving")
    with S3StandIn.start() as s3, Slowness() as slowness:
        environment = {
            "DJANGO_SETTINGS_MODULE": "learnflow.settings.production",
            "SECRET_KEY": secrets.token_urlsafe(48), "JWT_SECRET": secrets.token_urlsafe(48),
            "ALLOWED_HOSTS": "127.0.0.1", "API_BASE_URL": "http://127.0.0.1",
            "FRONTEND_URL": "http://127.0.0.1", "SECURE_SSL_REDIRECT": "off",
            "AWS_STORAGE_BUCKET_NAME": "files", "AWS_S3_ENDPOINT_URL": s3.url,
            "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "S3_PAUSE_SECONDS": "0",
            "S3_TIMEOUT_SECONDS": f"{PATIENCE / 2}",
        }  # fmt: skip
        with running_web(tmp_path, **environment) as url, client(url) as web:
            shoppers = [Shopper.register(web) for _ in range(ASKING)]
            assert _upload(url, shoppers[0]).status_code == 200
            assert len(s3.objects) == 1
            # So started, production also says what it can hardly be meant to lack.
            (log,) = tmp_path.glob("web-*.log")
            assert log.read_text().count("EMAIL_HOST isn't set") == 1
            s3.hang()
            slowness.forget()

            def others() -> None:
                pages = ("/api/v1/courses/", "/api/v1/categories/")
                _expect_at_once(slowness, url, "/health/live/", *pages)
                assert _send(url, "GET", shoppers[0], "enrollments/").status_code == 200

            refused = _while_all_ask(
                lambda number: _upload(url, shoppers[number]), others, slowness
            )
            for answer in refused:
                # Who met another at the unpacking, while as many as may waited for S3, came no
                # further.
                _expect_refusal(slowness, answer, "FILES_UNAVAILABLE", "SERVICE_UNAVAILABLE")
            codes = [answer.json()["error"]["code"] for answer in refused]
            assert codes.count("FILES_UNAVAILABLE") >= ASKING / 2
            s3.go_on()
            _await(lambda: _upload(url, shoppers[1]).status_code == 200)


def client(url: str) -> httpx.Client:
    return httpx.Client(base_url=url, trust_env=False, timeout=300)


def _while_all_ask(
    ask: Callable[[int], httpx.Response], others: Callable[[], None], slowness: Slowness
) -> list[httpx.Response]:
    """Return what they were answered; `others` is called again and again until they were."""
    rounds = 0
    with ThreadPoolExecutor(ASKING) as pool:
        barrier = threading.Barrier(ASKING)

        def begin(number: int) -> httpx.Response:
            barrier.wait(600)
            return ask(number)

        asked = [pool.submit(begin, number) for number in range(ASKING)]
        while not all(future.done() for future in asked):
            others()
            rounds += 1
    assert rounds > 3 / slowness.stretch(1), "asked while the others were waiting"
    return [future.result() for future in asked]


def _expect_at_once(slowness: Slowness, url: str, *paths: str) -> None:
    with client(url) as web:
        for path in paths:
            answer = web.get(path)
            assert answer.status_code == 200, (path, answer.text)
            assert answer.elapsed.total_seconds() < slowness.stretch(PROMISED), path


def _expect_refusal(slowness: Slowness, answer: httpx.Response, *codes: str) -> None:
    assert answer.status_code == 503, answer.text
    assert answer.json()["error"]["code"] in codes
    assert int(answer.headers["Retry-After"]) > 0
    assert answer.elapsed.total_seconds() < slowness.stretch(PATIENCE + PROMISED)


def _send(url: str, method: str, shopper: Shopper, path: str, **given: Any) -> httpx.Response:
    headers = {"Authorization": f"Bearer {shopper._token}"}
    with client(url) as web:
        return web.request(method, f"/api/v1/{path}", headers=headers, **given)


def _upload(url: str, shopper: Shopper) -> httpx.Response:
    picture = io.BytesIO()
    Image.new("RGB", (40, 40), os.urandom(1)[0]).save(picture, "PNG")
    files = {"profile_picture": ("me.png", picture.getvalue(), "image/png")}
    return _send(url, "PATCH", shopper, "users/profile/", files=files)


def _await(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 600
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.25)
