"""A migration outside a transaction that was killed can be run again."""

from collections.abc import Iterator

import pytest
from django.apps import apps
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import connection, migrations, models
from django.db.migrations.state import ProjectState

from core.models import JobRun

INDEX = models.Index(fields=["result"], name="job_tried_again")
ADD = AddIndexConcurrently(model_name="jobrun", index=INDEX)


class Migration(migrations.Migration):
    atomic = False
    operations = [ADD]


pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _leave_nothing() -> Iterator[None]:
    yield
    with connection.cursor() as cursor:
        cursor.execute(f"DROP INDEX IF EXISTS {INDEX.name}")


def _migrate() -> None:
    """Run the operation as `migrate` does."""
    state = ProjectState.from_apps(apps)
    with connection.schema_editor(atomic=False) as editor:
        Migration("a_test", "core").apply(state, editor)


def _index() -> tuple[int, bool]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT indexrelid::bigint, indisvalid FROM pg_index WHERE indexrelid = %s::regclass",
            [INDEX.name],
        )
        number, is_valid = cursor.fetchone()
    return number, is_valid


def test_an_index_that_was_finished_is_kept() -> None:
    _migrate()
    first = _index()

    _migrate()

    assert _index() == first
    assert first[1]


def test_an_index_that_was_not_finished_is_built_anew() -> None:
    _migrate()
    number, _ = _index()
    with connection.cursor() as cursor:
        # As CREATE INDEX CONCURRENTLY leaves it when its server is killed.
        cursor.execute(
            "UPDATE pg_index SET indisvalid = false WHERE indexrelid = %s::regclass", [INDEX.name]
        )

    _migrate()

    assert _index() != (number, False)
    assert _index()[1]
    assert not JobRun.objects.exists()
