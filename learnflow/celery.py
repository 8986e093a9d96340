"""The Celery application. Tasks only nudge or sweep: what must not be lost lives in PostgreSQL."""

import os
from typing import Any

from celery import Celery
from celery.signals import beat_init, celeryd_after_setup, heartbeat_sent, worker_init

from core.process import become

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "learnflow.settings.development")

app = Celery("learnflow")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@worker_init.connect
@beat_init.connect
def _begin(**_: object) -> None:
    become("worker")


_roles: list[str] = []


@celeryd_after_setup.connect
def _note_roles(instance: Any, **_: Any) -> None:
    from core.heartbeats import worker_of

    _roles[:] = [worker_of(name) for name in instance.app.amqp.queues.consume_from]


@heartbeat_sent.connect
def _give_sign(**_: Any) -> None:
    """From the loop that takes tasks, while it is connected to the broker."""
    from core.heartbeats import give_sign

    give_sign(_roles)
