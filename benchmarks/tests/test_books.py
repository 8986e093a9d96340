from dataclasses import replace
from io import StringIO

import pytest
from django.conf import settings
from django.contrib import admin
from django.db import connection
from rich.console import Console

from benchmarks import books_sql
from benchmarks.books import JobResult
from benchmarks.books_jobs import list_jobs
from benchmarks.books_verified import verify_as_of_yesterday
from benchmarks.options import parse_options
from benchmarks.results import to_json
from benchmarks.table import print_results
from benchmarks.tests.samples import results
from cart.models import Cart
from core.models import AuditEntry
from notifications.models import Email, Notification
from orders.models import Order
from payments import books
from payments.models import BalanceChange, BalanceMark, LooseEnd
from reviews.models import Review
from tests.factories import InstructorFactory, StaffFactory, make_course
from users.models import Session, User


def job(few: float, many: float) -> JobResult:
    return JobResult(name="a job", ms={10_000: few, 1_000_000: many})


def test_they_are_measured_only_when_asked_for():
    assert "books" not in parse_options([]).only
    assert parse_options(["--only", "books"]).orders == (10_000, 1_000_000)
    assert parse_options(["--only", "books", "--quick"]).orders == (400, 2_000)
    chosen = parse_options(["--only", "books", "--orders", "5000", "--orders", "1000"])
    assert chosen.orders == (1_000, 5_000)


@pytest.mark.parametrize(
    ("measured", "growth", "holds"),
    [
        (job(10, 15), 1.5, True),
        (job(10, 15.1), 1.51, False),
        (job(0.1, 0.9), 1.0, True),
        (job(0.1, 1.6), 1.6, False),
    ],
)
def test_a_job_may_grow_by_half(measured: JobResult, growth: float, holds: bool):
    assert measured.growth == pytest.approx(growth)
    assert measured.holds is holds
    whole = replace(results(), books=[measured])
    assert whole.holds is holds
    assert to_json(whole)["books"][0] | {"growth": 0} == {
        "name": "a job",
        "ms": measured.ms,
        "growth": 0,
        "holds": holds,
    }


def test_they_are_printed_with_their_ratio():
    printed = StringIO()
    whole = replace(results(), books=[job(10, 20)])
    print_results(whole, Console(file=printed, width=130))
    lines = [" ".join(line.replace("│", " ").split()) for line in printed.getvalue().splitlines()]
    assert "a job 10.00 20.00 2.00 ≤ 1.5 missed" in lines


def write(*statements: str, replica: bool = True) -> None:
    given = {"orders": 2_000, "live": 500, "buyers": 400, "waiting": 20}
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL session_replication_role = {'replica' if replica else 'origin'}")
        for statement in statements:
            cursor.execute(statement, given if "%(" in statement or "%%" in statement else None)
        cursor.execute("SET LOCAL session_replication_role = origin")


@pytest.mark.django_db
def test_a_marketplace_is_made_as_the_product_would_and_every_job_can_be_done_in_it():
    StaffFactory.create(email="staff@example.com", is_superuser=True)
    for _ in range(2):
        teacher = InstructorFactory.create()
        for _ in range(5):
            make_course(instructor=teacher, price=40)
    write(books_sql.BUYERS, *books_sql.WORLD, books_sql.CATCH_UP)
    write(books_sql.FOLD, books_sql.STUDENTS, books_sql.REVIEWED, replica=False)
    write(*books_sql.WAITING)
    # As vacuuming does what is there for long: nobody else sees what this transaction wrote.
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    assert books.verify() == []
    verify_as_of_yesterday()
    assert BalanceMark.objects.exists()
    assert [violation for turn in books.verify_changed() for violation in turn.violations] == []
    statuses = set(Order.objects.values_list("status", flat=True))
    assert statuses == {"pending", "completed", "failed", "refunded"}
    assert BalanceChange.objects.filter(held_until__isnull=False).count() > 100
    assert not LooseEnd.objects.exists()

    jobs = {one.name: one for one in list_jobs()}
    assert {entry.task for entry in settings.JOBS.values()} - jobs.keys() == set()
    lists = [name for name in jobs if name.startswith("admin: ")]
    assert len(lists) == len(admin.site._registry)
    for model in (User, Session, Cart, Review, Notification, AuditEntry, Email):
        assert model.objects.count() > 30, model
    for name in lists:
        jobs[name].run()
    for name in ("payments.tasks.fold_balances", "payments.tasks.repair_access", "earnings"):
        jobs[name].run()
