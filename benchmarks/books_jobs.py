"""Does the recurring jobs and shows the lists of the books when asked to, and says how long each
took: `python -m benchmarks.books_jobs`. Nothing stays of what they do."""

import json
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from devtools.printable import be_printable


@dataclass(frozen=True, kw_only=True)
class Job:
    """What is done."""

    name: str
    run: Callable[[], object]


def list_jobs() -> Iterator[Job]:
    """Everything that comes again and again: sweeps, jobs by the clock, and what is looked at."""
    yield from _tasks()
    yield from _comparisons()
    yield Job(name="verification of what was written to", run=_verify)
    yield Job(name="metrics of money", run=_collect)
    yield from _pages()
    yield from _admin_lists()


def _tasks() -> Iterator[Job]:
    from django.conf import settings

    from learnflow.celery import app

    app.loader.import_default_modules()
    # The whole product runs without Stripe here: what it is asked about isn't due.
    left_out = {"core.tasks.run_job", "payments.tasks.poll_stripe_events",
                "payments.tasks.compare_with_stripe",
                "payments.tasks.read_stripe_balance"}  # fmt: skip
    named = {entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()}
    for name in sorted(named | {job.task for job in settings.JOBS.values()}):
        if name not in left_out:
            yield Job(name=name, run=app.tasks[name])


def _comparisons() -> Iterator[Job]:
    import datetime as dt

    from django.utils import timezone

    from payments.services.matching import SUBJECTS
    from payments.services.matching_transfers import TRANSFERS

    since = timezone.now() - dt.timedelta(days=3)
    for subject in (*SUBJECTS, TRANSFERS):
        yield Job(
            name=f"comparison: our {subject.name}s of three days",
            run=partial(subject.ids_made, since, None),
        )


def _verify() -> object:
    from payments.books import verify_changed

    if broken := [violation for turn in verify_changed() for violation in turn.violations]:
        raise RuntimeError(f"the books are broken: {broken[:3]}")
    return None


def _collect() -> object:
    from payments.metrics import MoneyCollector

    return list(MoneyCollector().collect())


def _pages() -> Iterator[Job]:
    import datetime as dt

    from django.utils import timezone
    from rest_framework.test import APIClient

    from users.models import User

    client = APIClient()
    teacher = User.objects.filter(payout_account__isnull=False).order_by("id").first()
    client.force_authenticate(teacher)
    month = (timezone.now().replace(day=1) - dt.timedelta(days=1)).strftime("%Y-%m")
    for name, path in (
        ("earnings", "earnings/"),
        ("earnings: movements", "earnings/entries/"),
        ("earnings: last month's statement", f"earnings/statement/?month={month}"),
        ("earnings: payouts", "payouts/"),
    ):
        yield Job(name=name, run=_visit(client, f"/api/v1/instructor/{path}"))


def _admin_lists() -> Iterator[Job]:
    from django.contrib import admin
    from django.test import Client
    from django.urls import reverse

    from users.models import User

    client = Client()
    client.force_login(User.objects.get(email="staff@example.com"))
    for model in sorted(admin.site._registry, key=lambda model: model._meta.label):
        options = model._meta
        path = reverse(f"admin:{options.app_label}_{options.model_name}_changelist")
        yield Job(name=f"admin: {options.verbose_name_plural}", run=_visit(client, path))


def _visit(client: Any, path: str) -> Callable[[], object]:
    def visit() -> object:
        answer = client.get(path, secure=True)
        if answer.status_code != 200:
            raise RuntimeError(f"{path} answered {answer.status_code}")
        return b"".join(answer.streaming_content) if answer.streaming else answer.content

    return visit


def main() -> None:
    """Say what jobs there are, a line each; then do the one whose name is asked for, and say how
    many milliseconds it took."""
    import django

    django.setup()
    from django.conf import settings

    settings.ALLOWED_HOSTS = ["*"]
    settings.DEBUG = False
    # As if Stripe were there. Nothing that is asked of it is due.
    settings.STRIPE_CONNECT, settings.STRIPE_SECRET_KEY = True, "sk_test_nobody"
    jobs = {job.name: job for job in list_jobs()}
    _say(list(jobs))
    for line in sys.stdin:
        _say(_time(jobs[line.rstrip("\n")]))


def _time(job: Job) -> float:
    from django.db import transaction

    with transaction.atomic():
        started = time.perf_counter()
        job.run()
        took = time.perf_counter() - started
        transaction.set_rollback(True)
    return took * 1000


def _say(what: object) -> None:
    print(json.dumps(what), flush=True)  # noqa: T201


if __name__ == "__main__":
    be_printable()
    main()
