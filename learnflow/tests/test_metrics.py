"""`/metrics` is read just when something is wrong: it answers then too, and looks at little."""

import datetime as dt
import json
import re
import socket
from collections.abc import Iterator
from typing import Any

import pytest
import redis
from django.conf import settings as configured
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django_redis import get_redis_connection
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from core import heartbeats, metrics
from core.models import OutboxDelivery, OutboxEvent
from learnflow import queues
from notifications.models import Email
from tests.emptying import truncate
from tests.parallel import run_in_parallel

pytestmark = pytest.mark.django_db


def _told() -> dict[str, float]:
    lines = metrics.collect_metrics().decode().splitlines()
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines
            if line.startswith("learnflow_"))}  # fmt: skip


def test_every_query_finds_its_rows_by_an_index_that_holds_little_else() -> None:
    """Whatever is counted, a table that has grown for years isn't read for it."""
    _forget_sizes()
    with CaptureQueriesContext(
        connection,
    ) as captured:
        metrics.collect_metrics()
    statements = [query["sql"] for query in captured if query["sql"].startswith("SELECT")]
    assert len(statements) > 20
    with connection.cursor() as cursor:
        cursor.execute("SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid"
                       " WHERE i.indpred IS NOT NULL")  # fmt: skip
        partial = {name for (name,) in cursor.fetchall()}
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL enable_mergejoin = off")
        cursor.execute("SET LOCAL enable_hashjoin = off")
        for statement in statements:
            cursor.execute(f"EXPLAIN (FORMAT JSON) {statement}")
            (plan,) = cursor.fetchone()
            [top] = json.loads(plan) if isinstance(plan, str) else plan
            for node in _nodes(top["Plan"]):
                assert node["Node Type"] != "Seq Scan", statement
                if index := node.get("Index Name"):
                    is_bounded = "Index Cond" in node or index in partial
                    assert is_bounded or _takes_one(top["Plan"]), (index, statement)


def _forget_sizes() -> None:
    """Of a new table the planner expects some rows. What it learned of empty ones, as the suite
    goes on, would make it read them whole, and by whatever index has them in order."""
    truncate(connection.introspection.django_table_names(only_existing=True))
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM pg_statistic USING pg_class WHERE pg_class.oid = starelid"
            " AND relnamespace = current_schema()::regnamespace"
        )


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for below in plan.get("Plans", []):
        yield from _nodes(below)


def _takes_one(plan: dict[str, Any]) -> bool:
    return bool(plan["Node Type"] == "Limit" and plan["Plan Rows"] == 1)


@pytest.mark.django_db(transaction=True)
def test_without_the_database_it_says_so_and_tells_the_rest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with socket.socket() as deaf:
        # Taken, so that nobody else listens there meanwhile.
        deaf.bind(("127.0.0.1", 0))
        monkeypatch.setitem(connection.settings_dict, "PORT", str(deaf.getsockname()[1]))
        # In a thread, which has no connection yet.
        [text] = run_in_parallel(1, lambda _: metrics.collect_metrics().decode())
    assert "learnflow_database_up 0.0" in text
    assert "learnflow_redis_up 1.0" in text
    assert 'learnflow_metrics_missing{collector="outbox"} 1.0' in text
    assert 'learnflow_queue_length{queue="money"}' in text
    assert "python_info{" in text
    assert "learnflow_outbox_deliveries{" not in text


def test_without_redis_it_says_so_and_tells_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: str) -> None:
        raise redis.ConnectionError("away")

    monkeypatch.setattr(metrics, "get_redis_connection", fail)
    told = _told()
    assert (told["learnflow_redis_up"], told["learnflow_database_up"]) == (0, 1)
    assert told['learnflow_outbox_deliveries{status="dead"}'] == 0


@pytest.mark.django_db(transaction=True)
def test_a_slow_question_is_cut_short_and_costs_only_its_own_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Slow(Collector):
        def collect(self) -> Iterator[GaugeMetricFamily]:
            # By now it holds for this one; whoever is asked next has all the time it needs.
            monkeypatch.setattr(metrics, "STATEMENT_MILLISECONDS", 300_000)
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_sleep(100)")
            yield GaugeMetricFamily("learnflow_slow", "Never told", 1)

    monkeypatch.setattr(metrics, "STATEMENT_MILLISECONDS", 500)
    monkeypatch.setattr(metrics, "_collectors", {"slow": Slow(), **metrics._collectors})
    told = _told()
    assert told['learnflow_metrics_missing{collector="slow"}'] == 1
    assert told['learnflow_metrics_missing{collector="outbox"}'] == 0
    assert "learnflow_slow" not in told
    with connection.cursor() as cursor:
        cursor.execute("SHOW statement_timeout")
        assert cursor.fetchone() not in {("500ms",), ("5min",)}


def test_what_waits_is_told_by_kind_with_its_age() -> None:
    now = timezone.now()
    event = OutboxEvent.objects.create(name="x", payload={})
    OutboxEvent.objects.update(recorded_at=now - dt.timedelta(hours=1))
    OutboxDelivery.objects.create(event=event, handler="x", queue="money", next_attempt_at=now)
    for number, status in enumerate(["pending", "dead", "sent"]):
        Email.objects.create(dedupe_key=str(number), kind="receipt", to="x@example.test",
                             subject="", text="", html="", status=status,
                             next_attempt_at=now)  # fmt: skip
    told = _told()
    assert told['learnflow_outbox_deliveries{status="pending"}'] == 1
    assert told['learnflow_outbox_oldest_pending_seconds{queue="money"}'] == pytest.approx(
        3600, abs=300
    )
    assert told['learnflow_outbox_oldest_pending_seconds{queue="bulk"}'] == 0
    assert told['learnflow_mails{status="waiting"}'] == 1
    assert told['learnflow_mails{status="dead"}'] == 1
    assert told['learnflow_mail_oldest_waiting_seconds{kind="receipt"}'] < 300
    assert told["learnflow_stripe_event_oldest_waiting_seconds"] == 0


def test_queues_processes_and_jobs_are_told(settings: Any) -> None:
    settings.WATCHED_PROCESSES = ["worker-money", "beat"]
    heartbeats._given.clear()
    heartbeats.give_sign(["beat"])
    key = f"{configured.CELERY_BROKER_TRANSPORT_OPTIONS['global_keyprefix']}bulk"
    before = get_redis_connection("default").llen(key)
    get_redis_connection("default").rpush(key, "not a message", "another")
    try:
        told = _told()
    finally:
        get_redis_connection("default").lrem(key, 0, "not a message")
        get_redis_connection("default").lrem(key, 0, "another")
    assert told['learnflow_queue_length{queue="bulk"}'] >= before + 2
    assert {re.findall(r'"(.+)"', name)[0] for name in told if "queue_length" in name} == {
        *queues.PROCESSES, queues.FORMER
    }  # fmt: skip
    assert told['learnflow_process_up{role="beat"}'] == 1
    assert told['learnflow_process_up{role="worker-money"}'] == 0
    for name in configured.JOBS:
        assert told[f'learnflow_job_last_success_timestamp_seconds{{job="{name}"}}'] == 0
        assert f'learnflow_job_overdue{{job="{name}"}}' in told
