"""A worker's process keeps its connection to PostgreSQL from one task to the next."""

from types import SimpleNamespace
from typing import Any

import psycopg
import pytest
from celery.fixups.django import DjangoWorkerFixup
from celery.states import FAILURE, SUCCESS
from django.db import connection

from learnflow.celery import _keep_connection, _look_at_connection, app

pytestmark = pytest.mark.django_db(transaction=True)

_TASK: Any = SimpleNamespace(request=SimpleNamespace(is_eager=False))


def _end_one_and_begin_another(state: str) -> None:
    """As Celery and we do between two tasks."""
    celerys = DjangoWorkerFixup(app)
    celerys.on_task_postrun(_TASK)
    _keep_connection(task=_TASK, state=state)
    celerys.on_task_prerun(_TASK)
    _look_at_connection(task=_TASK)


def _ask_which() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (pid,) = cursor.fetchone()
    return int(pid)


def test_the_next_task_has_the_connection_of_the_one_before() -> None:
    before = _ask_which()
    _end_one_and_begin_another(SUCCESS)
    assert _ask_which() == before


def test_of_a_task_that_was_cut_short_nobody_has_it() -> None:
    before = _ask_which()
    _end_one_and_begin_another(FAILURE)
    assert _ask_which() != before


def test_an_old_one_is_ended() -> None:
    before = _ask_which()
    connection.close_at = 0.0
    _end_one_and_begin_another(SUCCESS)
    assert _ask_which() != before


def test_one_that_the_server_ended_is_made_anew() -> None:
    before = _ask_which()
    with psycopg.connect(**connection.get_connection_params(), autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s, 10000)", [before])
    _end_one_and_begin_another(SUCCESS)
    assert _ask_which() != before
