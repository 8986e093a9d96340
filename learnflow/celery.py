"""The Celery application. Tasks only nudge or sweep: what must not be lost lives in PostgreSQL."""

import gc
import os
from logging import captureWarnings
from logging.config import dictConfig
from typing import Any

from celery import Celery
from celery.signals import (
    beat_init,
    before_task_publish,
    celeryd_after_setup,
    heartbeat_sent,
    setup_logging,
    task_postrun,
    task_prerun,
    worker_init,
)
from celery.states import SUCCESS
from django.db import close_old_connections, connections

from core import logging
from core.process import become, step_back
from learnflow.broker import use_forgiving_qos

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "learnflow.settings.development")

use_forgiving_qos()
app = Celery("learnflow")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@worker_init.connect
@beat_init.connect
def _begin(**_: object) -> None:
    from core.features import warn_of_what_is_off
    from core.postgresql.pooling import require_fitting

    become("worker")
    require_fitting()
    warn_of_what_is_off()


_roles: list[str] = []


@celeryd_after_setup.connect
def _note_roles(instance: Any, **_: Any) -> None:
    from core.heartbeats import worker_of
    from learnflow.queues import niceness_of

    consumed = [*instance.app.amqp.queues.consume_from]
    _roles[:] = [worker_of(name) for name in consumed]
    # Its processes are made after this, and take it over.
    step_back(niceness_of(consumed))
    # What is loaded by now is shared with the processes that are made next, as long as nobody
    # writes to it, which collecting garbage would.
    gc.collect()
    gc.freeze()


@heartbeat_sent.connect
def _give_sign(**_: Any) -> None:
    """From the loop that takes tasks, while it is connected to the broker."""
    from core.heartbeats import give_sign

    give_sign(_roles)


# --- Log lines ---------------------------------------------------------------------------------

_CAUSE = "learnflow_cause"


@setup_logging.connect
def _set_up_logging(**_: Any) -> None:
    """As everywhere else, instead of Celery's own way."""
    from django.conf import settings

    dictConfig(settings.LOGGING)
    captureWarnings(True)


@before_task_publish.connect
def _tell_cause(headers: dict[str, Any], **_: Any) -> None:
    """A task's message carries the request that it is sent for, and who asked."""
    if identity := logging.current_id():
        headers[_CAUSE] = [identity, logging.find_client()]


@task_prerun.connect
def _take_cause(task_id: str, task: Any, **_: Any) -> None:
    """What no request has caused, such as a sweep, goes by the task's own id."""
    identity, asked_by = task.request.get(_CAUSE) or (task_id, logging.NOBODY)
    logging.request_id.set(identity)
    logging.client.set(asked_by)
    logging.task.set(task.name)


@task_prerun.connect
def _begin_nudged(task: Any, **_: Any) -> None:
    """Before the task looks for work: what is committed from now on needs another message."""
    from core.nudge import MARK, begin

    if mark := task.request.get(MARK):
        begin(mark)


# --- The connection to PostgreSQL ---------------------------------------------------------------


@task_prerun.connect
def _look_at_connection(task: Any, **_: Any) -> None:
    """It may have ended since the task before."""
    if not task.request.is_eager:
        close_old_connections()


@task_postrun.connect
def _keep_connection(task: Any, state: str | None = None, **_: Any) -> None:
    """The next task has it, with what PostgreSQL has prepared in it; unless this one was cut short,
    perhaps while it waited for an answer."""
    if task.request.is_eager:
        return
    if state == SUCCESS:
        close_old_connections()
    else:
        connections.close_all()


# --- The end of a task --------------------------------------------------------------------------


@task_postrun.connect
def _drop_cause(**_: Any) -> None:
    logging.request_id.set(logging.NOBODY)
    logging.client.set(logging.NOBODY)
    logging.task.set("")
