"""`kill -9` of a worker, of Redis or of a web process in the middle of a purchase delays it and
loses nothing: settled once, enrolled once, each mail once."""

import contextlib
import json
import queue
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from typing import IO

import psutil
import psycopg
import pytest

from tests.flows.instance import ROOT, Instance

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800), pytest.mark.xdist_group("instance")]

# Only so that a failure ends: a busy machine may take its time.
_ANSWER_SECONDS, _PURCHASE_SECONDS = 600, 1500.0
_MAIL_SECONDS = 300.0


@pytest.fixture(scope="module")
def instance() -> Iterator[Instance]:
    with Instance.start(LEARNFLOW_DEMO="on", WEB_CONCURRENCY="2") as instance:
        instance.await_line("LearnFlow is ready at")
        yield instance


def _kill_worker(instance: Instance) -> None:
    """All workers: their main processes and the ones these started."""
    for process in instance.children():
        with contextlib.suppress(psutil.NoSuchProcess):
            if "celery --app learnflow --quiet worker" in " ".join(process.cmdline()):
                process.kill()


def _kill_redis(instance: Instance) -> None:
    instance.child("valkey-server").kill()


def _kill_web_worker(instance: Instance) -> None:
    """One gunicorn worker; the arbiter makes another."""
    master = instance.child("gunicorn")
    workers = [child for child in master.children() if child.status() != psutil.STATUS_ZOMBIE]
    workers[0].kill()


_VICTIMS = {"worker": _kill_worker, "redis": _kill_redis, "web": _kill_web_worker}


@pytest.mark.parametrize("victim", _VICTIMS)
@pytest.mark.parametrize("step", ["create the payment intent", "learn every lesson"])
def test_a_purchase_survives(instance: Instance, victim: str, step: str) -> None:
    lines = _purchase(instance, kill_after=step, victim=victim)
    order_number = _find(lines, r"place the order .* (ORD-\d{4}-\d{5})")
    email = _find(lines, r"sign up .* (demo-\w+@learnflow\.test)")
    facts = _facts(instance, order_number)
    assert facts == {
        "status": "completed",
        "completions": 1,
        "payments": ["succeeded"],
        "invoices": 1,
        "refunds": 0,
        "enrollments": ["active"],
        "certificates": 1,
    }
    # The second course, which a debit pays and a dispute takes back, is told of, too.
    expected = {
        "verification": 1, "receipt": 2, "enrollment": 2, "certificate": 1, "dispute": 1,
        "dispute-closed": 1,
    }  # fmt: skip
    assert _mails(instance, email, expected) == expected


def _purchase(instance: Instance, *, kill_after: str, victim: str) -> list[str]:
    """Run demo-purchase, kill the victim once the step is done, and return what was printed."""
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "devtools.demo_purchase", f"--patience={_ANSWER_SECONDS}"],
        env=instance.environment,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    printed: queue.Queue[str] = queue.Queue()
    reader = threading.Thread(target=_read, args=(process.stdout, printed))
    reader.start()
    lines: list[str] = []
    deadline = time.monotonic() + _PURCHASE_SECONDS
    while time.monotonic() < deadline and (process.poll() is None or not printed.empty()):
        try:
            lines.append(printed.get(timeout=0.2))
        except queue.Empty:
            continue
        if kill_after in lines[-1]:
            _VICTIMS[victim](instance)
    process.kill()
    process.wait()
    reader.join()
    process.stdout.close()
    assert "demo-purchase: everything held." in "".join(lines[-1:]), "".join(lines)
    return lines


def _read(output: IO[str], printed: "queue.Queue[str]") -> None:
    for line in output:
        printed.put(line)


def _find(lines: list[str], pattern: str) -> str:
    match = re.search(pattern, "".join(lines))
    assert match, "".join(lines)
    return match.group(1)


def _facts(instance: Instance, order_number: str) -> dict[str, object]:
    """What the database says of the order, read past the product."""
    query = """
        SELECT json_build_object(
            'status', o.status,
            'completions', (SELECT count(*) FROM core_outboxevent e
                WHERE e.name = 'orders.order_completed' AND e.payload->>'order_id' = o.id::text),
            'payments', (SELECT json_agg(p.status) FROM payments_payment p WHERE p.order_id = o.id),
            'invoices', (SELECT count(*) FROM orders_invoice i WHERE i.order_id = o.id),
            'refunds', (SELECT count(*) FROM payments_refund r
                JOIN payments_payment p ON p.id = r.payment_id WHERE p.order_id = o.id),
            'enrollments', (SELECT json_agg(n.status) FROM enrollments_enrollment n
                WHERE n.id IN (SELECT i.enrollment_id FROM orders_orderitem i
                               WHERE i.order_id = o.id)),
            'certificates', (SELECT count(*) FROM enrollments_certificate c
                WHERE c.user_id = o.user_id)
        )::text FROM orders_order o WHERE o.order_number = %s
    """
    with psycopg.connect(instance.database_url) as connection:
        row = connection.execute(query, [order_number]).fetchone()
    assert row is not None
    facts: dict[str, object] = json.loads(row[0])
    return facts


def _mails(instance: Instance, email: str, expected: dict[str, int]) -> dict[str, int]:
    """Count the mails to one address by kind, waiting for late ones."""
    deadline = time.monotonic() + _MAIL_SECONDS
    while True:
        found = instance.mails_to(email)
        if found == expected or time.monotonic() > deadline:
            return found
        time.sleep(0.5)
