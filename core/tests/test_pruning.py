"""Pruning: in bounded batches, within a budget, and never in anybody's way."""

import datetime as dt
import re
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from core.models import AuditEntry
from core.pruning import prune, while_time_lasts
from tests.parallel import Beside


class Clock:
    """Passes a second whenever it is read."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 1
        return self.now


def make_entries(count: int) -> None:
    AuditEntry.objects.bulk_create(
        AuditEntry(action="old", target_type="test", target_id=str(number))
        for number in range(count)
    )


@pytest.mark.django_db(transaction=True)
def test_each_batch_is_bounded_and_a_transaction_of_its_own() -> None:
    make_entries(25)
    with CaptureQueriesContext(connection) as queries:
        assert prune(AuditEntry.objects.filter(action="old"), batch=10) == 25
    statements = [query["sql"] for query in queries]
    deletes = [sql for sql in statements if sql.startswith("DELETE")]
    assert len(deletes) == 3
    assert statements.count("COMMIT") == 4, "the last finds nothing more"
    assert not AuditEntry.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_it_stops_when_its_time_is_up_and_the_next_run_goes_on() -> None:
    make_entries(50)
    rows = AuditEntry.objects.filter(action="old")
    budget = dt.timedelta(seconds=3)
    assert prune(rows, batch=10, budget=budget, clock=Clock()) == 30
    assert prune(rows, batch=10, budget=budget, clock=Clock()) == 20
    assert prune(rows, batch=10, budget=budget, clock=Clock()) == 0


@pytest.mark.django_db(transaction=True)
def test_something_goes_even_with_no_time_at_all() -> None:
    make_entries(5)
    rows = AuditEntry.objects.filter(action="old")
    assert prune(rows, batch=2, budget=dt.timedelta(0), clock=Clock()) == 2


@pytest.mark.django_db(transaction=True)
def test_a_row_that_somebody_holds_is_left_for_the_next_run() -> None:
    make_entries(3)
    with transaction.atomic():
        AuditEntry.objects.select_for_update().get(target_id="1")
        pruning = Beside(lambda: prune(AuditEntry.objects.filter(action="old")))
    assert not pruning.had_to_wait
    assert pruning.result() == 2
    assert prune(AuditEntry.objects.filter(action="old")) == 1


def test_items_end_with_the_time() -> None:
    given = iter(range(100))
    assert list(while_time_lasts(given, budget=dt.timedelta(seconds=5), clock=Clock())) == [
        *range(5)
    ]
    assert list(while_time_lasts([], clock=Clock())) == []


def test_nothing_else_deletes_by_age() -> None:
    by_age = re.compile(r"filter\([^()]*(\([^()]*\)[^()]*)*__lte?=[^;]{0,200}?\)\.delete\(")
    base = Path(settings.BASE_DIR)
    ours = [Path(app.path) for app in apps.get_app_configs() if Path(app.path).parent == base]
    product = [path for app in ours for path in app.rglob("*.py") if "tests" not in path.parts]
    assert len(product) > 100
    assert not [str(path) for path in product if by_age.search(path.read_text())]
