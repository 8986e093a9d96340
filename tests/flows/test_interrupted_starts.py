"""A first start may be killed at any step: the next one comes up by itself, with all of the demo.

`python -m tests.flows.interrupted_starts` does the same at random moments.
"""

import contextlib
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from api.demo.loader import LOADING
from devtools.launcher.ports import choose_port
from tests.flows.interrupted_starts import InterruptedInstance, find_fault

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800), pytest.mark.xdist_group("instance")]


def _makes_the_database(instance: InterruptedInstance) -> bool:
    return (instance.state / "postgres" / "data.new" / "PG_VERSION").exists()


def _migrates(instance: InterruptedInstance) -> bool:
    # Whichever the start before left: static files are collected meanwhile.
    return instance.has_printed("Applying ")


def _collects(instance: InterruptedInstance) -> bool:
    return any((instance.state / "static.new").glob("admin/*"))


def _draws(instance: InterruptedInstance) -> bool:
    return any((instance.state / "media").glob("course_thumbnails/*/*.webp"))


def _writes_the_demo(instance: InterruptedInstance) -> bool:
    """Whether the transaction that writes the demo is open and has written something."""
    with contextlib.suppress(LookupError, psutil.Error, psycopg.OperationalError):
        url = instance.child("devtools.launcher.prepare").environ()["DATABASE_URL"]
        with psycopg.connect(url, connect_timeout=2) as connection:
            query = (
                "SELECT 1 FROM pg_locks lock JOIN pg_stat_activity USING (pid) WHERE objid = %s "
                "AND lock.locktype = 'advisory' AND backend_xid IS NOT NULL"
            )
            return connection.execute(query, [LOADING]).fetchone() is not None
    return False


def _starts_the_product(instance: InterruptedInstance) -> bool:
    return instance.has_printed("spawned: 'web'")


Step = Callable[[InterruptedInstance], bool]
STEPS: dict[str, Step] = {
    "making the database": _makes_the_database,
    "collecting static files": _collects,
    "migrating": _migrates,
    "drawing": _draws,
    "writing the demo": _writes_the_demo,
    "starting the product": _starts_the_product,
}


@pytest.fixture
def start() -> Iterator[Callable[[], InterruptedInstance]]:
    """Starts the same installation; its path is one that is easily got wrong."""
    with tempfile.TemporaryDirectory(prefix="learnflow-") as name:
        Path(name).chmod(0o711)
        folder = Path(name, 'it\'s a "long" wéy % $HOME 日本', "x" * 120)
        folder.mkdir(parents=True)
        port = str(choose_port())
        started: list[InterruptedInstance] = []

        def launch() -> InterruptedInstance:
            # In a locale that knows no letter of that path.
            locale = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
            started.append(InterruptedInstance(folder, port=port, **locale))
            return started[-1]

        yield launch
        for instance in started:
            instance.stop()


@pytest.mark.parametrize(
    ("end", "steps"),
    [
        ("pull_the_plug", [*STEPS]),
        ("press_ctrl_c", ["making the database"]),
        ("kill_the_launcher", ["starting the product"]),
    ],
)
def test_ended_at_several_steps_in_turn_it_comes_up_whole(
    start: Callable[[], InterruptedInstance], end: str, steps: list[str]
) -> None:
    for step in steps:
        instance = start()
        instance.await_step(STEPS[step])
        getattr(instance, end)()
        assert not instance.has_given_up_words()

    instance = start()
    instance.await_ready()

    assert find_fault(instance) is None
