"""Celery's own processes give signs of life."""

from typing import Any

import pytest

from core import heartbeats
from learnflow import queues
from learnflow.beat import ForgetfulScheduler
from learnflow.celery import _give_sign, _note_roles, app

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _watched(settings: Any) -> None:
    settings.WATCHED_PROCESSES = [*map(heartbeats.worker_of, queues.PROCESSES), heartbeats.BEAT]
    heartbeats._given.clear()


def _alive() -> set[str]:
    return {life.role for life in heartbeats.look() if life.is_alive}


def test_beat_gives_its_sign_from_its_loop() -> None:
    scheduler = ForgetfulScheduler(app=app, lazy=True, schedule_filename="never-written")
    assert scheduler.tick() <= heartbeats.EVERY_SECONDS
    assert _alive() == {"beat"}


def test_a_worker_gives_one_for_each_of_its_queues() -> None:
    class Worker:
        class app:  # noqa: N801 - as Celery calls it
            class amqp:  # noqa: N801
                class queues:  # noqa: N801
                    consume_from = {"money": None, "mail": None}

    _note_roles(Worker)
    _give_sign()
    assert _alive() == {"worker-money", "worker-mail"}
