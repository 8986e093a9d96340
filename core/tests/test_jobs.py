"""Daily and hourly work: by the clock, once, caught up once, and told of."""

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest
import time_machine
from celery import current_app
from django.test import Client
from django.utils import timezone

from core import jobs
from core.clock import daily, hourly
from core.models import JobRun
from tests.factories import StaffFactory
from tests.parallel import run_in_parallel

pytestmark = pytest.mark.django_db(transaction=True)

# A job at ten past three, and a moment after it.
AFTERWARDS = dt.datetime(2026, 5, 2, 3, 11, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)


class Work:
    """Stands in for the tasks."""

    def __init__(self) -> None:
        self.done = 0
        self.error: Exception | None = None
        self.due: list[dt.datetime] = []

    def __call__(self) -> int:
        self.done += 1
        self.due.append(jobs.due_at())
        if self.error is not None:
            raise self.error
        return 7


@pytest.fixture
def work(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Work:
    stand_in = Work()
    settings.JOBS = {"count": daily("test.count", hour=3, minute=10)}
    monkeypatch.setitem(current_app.tasks, "test.count", stand_in)
    return stand_in


@pytest.fixture(autouse=True)
def _database_of_old(monkeypatch: pytest.MonkeyPatch) -> None:
    """The database of the tests was made just now, and these tests are of another time."""
    long_ago = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
    monkeypatch.setattr(jobs, "database_made_at", lambda: long_ago)


@pytest.fixture
def clock() -> Iterator[Any]:
    with time_machine.travel(AFTERWARDS, tick=False) as traveller:
        yield traveller


@pytest.mark.parametrize(
    ("now", "due"),
    [("03:09", "01 03:10"), ("03:10", "02 03:10"), ("23:59", "02 03:10")],
)
def test_a_day_begins_at_the_jobs_time(now: str, due: str) -> None:
    at = dt.datetime.fromisoformat(f"2026-05-02T{now}:00+00:00")
    found = daily("t", hour=3, minute=10).due_at(at)
    assert f"{found:%d %H:%M}" == due


def test_a_task_knows_when_it_was_due_however_late_it_is(work: Work, clock: Any) -> None:
    due = AFTERWARDS.replace(minute=10)
    clock.shift(dt.timedelta(hours=20))
    work.error = OSError()
    assert not jobs.run_if_due(name="count")
    work.error = None
    clock.shift(dt.timedelta(hours=2))
    assert timezone.now().date() == due.date() + DAY
    assert jobs.run_if_due(name="count")
    clock.shift(dt.timedelta(hours=3))
    assert jobs.run_if_due(name="count")
    assert work.due == [due, due, due + DAY]
    assert jobs.due_at() == timezone.now()


def test_an_hour_begins_at_the_jobs_minute() -> None:
    at = dt.datetime(2026, 5, 2, 3, 11, tzinfo=dt.UTC)
    assert f"{hourly('t', minute=12).due_at(at):%H:%M}" == "02:12"


def test_what_was_due_before_the_database_was_made_is_not_overdue(
    work: Work, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock.shift(dt.timedelta(hours=9))
    assert jobs.list_states()[0].is_overdue
    made_at = timezone.now()
    monkeypatch.setattr(jobs, "database_made_at", lambda: made_at)
    assert not jobs.list_states()[0].is_overdue
    clock.shift(jobs.OVERDUE_AFTER + dt.timedelta(minutes=1))
    assert jobs.list_states()[0].is_overdue


def test_once_a_day_however_often_somebody_looks(work: Work, clock: Any) -> None:
    assert jobs.run_if_due(name="count")
    clock.shift(DAY - dt.timedelta(minutes=2))
    assert not jobs.run_if_due(name="count"), "not yet: it is 03:09"
    clock.shift(dt.timedelta(minutes=1))
    assert jobs.run_if_due(name="count")
    assert work.done == 2


def test_a_container_made_anew_each_hour_runs_it_all_the_same(work: Work, clock: Any) -> None:
    """Nothing is remembered but rows: each look is a new process' first."""
    for _ in range(48):
        jobs.run_if_due(name="count")
        clock.shift(dt.timedelta(hours=1))
    assert work.done == 2


def test_what_was_missed_is_caught_up_once(work: Work, clock: Any) -> None:
    jobs.run_if_due(name="count")
    clock.shift(5 * DAY + dt.timedelta(hours=7))
    assert jobs.run_if_due(name="count")
    assert not jobs.run_if_due(name="count")
    assert work.done == 2


def test_beats_and_workers_at_once_do_it_once(work: Work, clock: Any) -> None:
    assert sorted(run_in_parallel(8, lambda _: jobs.run_if_due(name="count"))) == [False] * 7 + [
        True
    ]
    assert work.done == 1


def test_of_many_who_would_try_again_one_does(work: Work, clock: Any) -> None:
    work.error = RuntimeError()
    jobs.run_if_due(name="count")
    work.error = None
    clock.shift(dt.timedelta(minutes=2))
    assert run_in_parallel(8, lambda _: jobs.run_if_due(name="count")).count(True) == 1
    assert work.done == 2


def test_a_failure_is_told_and_tried_again_with_growing_pauses(work: Work, clock: Any) -> None:
    work.error = RuntimeError("no room on the disk")
    assert not jobs.run_if_due(name="count")
    row = JobRun.objects.get()
    assert (row.status, row.last_error) == ("failed", "RuntimeError: no room on the disk")
    for _ in range(60):
        clock.shift(dt.timedelta(minutes=1))
        jobs.run_if_due(name="count")
    assert 3 < work.done < 10
    work.error = None
    clock.shift(dt.timedelta(hours=1))
    assert jobs.run_if_due(name="count")
    row.refresh_from_db()
    assert (row.status, row.result, row.last_error) == ("succeeded", "7", "")


def test_a_killed_workers_job_is_taken_up_again(work: Work, clock: Any, settings: Any) -> None:
    assert jobs._claim("count", settings.JOBS["count"].due_at(AFTERWARDS)) is not None
    assert not jobs.run_if_due(name="count"), "somebody may be at it"
    clock.shift(dt.timedelta(seconds=settings.CELERY_TASK_TIME_LIMIT + 31))
    assert jobs.run_if_due(name="count")


def test_who_comes_back_late_writes_nothing(work: Work, clock: Any, settings: Any) -> None:
    late = jobs._claim("count", settings.JOBS["count"].due_at(AFTERWARDS))
    assert late is not None
    clock.shift(dt.timedelta(seconds=settings.CELERY_TASK_TIME_LIMIT + 31))
    jobs.run_if_due(name="count")
    jobs._note_failure(late, RuntimeError())
    assert JobRun.objects.get().status == "succeeded"


def test_how_it_stands(work: Work, clock: Any) -> None:
    [state] = jobs.list_states()
    assert (state.last, state.is_overdue) == (None, False), "just due"
    clock.shift(jobs.OVERDUE_AFTER)
    assert jobs.list_states()[0].is_overdue
    jobs.run_if_due(name="count")
    [state] = jobs.list_states()
    assert state.last_success is not None
    assert not state.is_overdue
    clock.shift(DAY)
    assert jobs.list_states()[0].is_overdue


def test_old_runs_go_but_the_last_success_stays(work: Work, clock: Any) -> None:
    for _ in range(3):
        jobs.run_if_due(name="count")
        clock.shift(DAY)
    clock.shift(jobs.KEEP_RUNS)
    assert jobs.prune_runs() == 2
    assert JobRun.objects.count() == 1


def test_staff_see_when_it_ran(work: Work, clock: Any, client: Client) -> None:
    jobs.run_if_due(name="count")
    client.force_login(StaffFactory.create(is_superuser=True))
    page = client.get("/admin/core/jobrun/").content.decode()
    assert "count" in page
    assert "Add job run" not in page
    assert client.get(f"/admin/core/jobrun/{JobRun.objects.get().id}/change/").status_code == 200
