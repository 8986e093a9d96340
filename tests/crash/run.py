"""Going through all points of all flows."""

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from kombu.exceptions import KombuError
from redis import Redis
from redis.exceptions import RedisError
from rich.console import Console
from rich.table import Table

from courses.models import Course
from learnflow import queues
from learnflow.celery import app
from payments import books
from tests.crash.flows import FLOWS, Flow, unfinished
from tests.crash.gate import Instant, Point
from tests.crash.stack import ROLES, SERVICES, Stack
from tests.factories import make_course

# A flow without the point being met this often in a row has no more exchanges than that.
_MISSES = 2
# Nor has one much more of them than when nothing was killed.
_GROWTH, _SLACK = 1.25, 10
_COURSES = 2
# Sweeps come this often once something was killed or stalls; before that nudges do all the work.
# They are lost while Redis is slow, too, on a busy machine.
_TICK_SECONDS = 0.3
_STALLED_SECONDS = 2.0
# What runs seldom has nothing to do with a purchase.
_SELDOM_SECONDS = 120.0
_BY_THE_CLOCK = {"core.tasks.run_job"}
# How long a flow that is over is watched for what still comes.
_AFTERMATH_SECONDS = 0.2

# A task and its arguments.
Call = tuple[str, Mapping[str, Any]]


@dataclass
class Tally:
    """What was tried of one flow."""

    points: int = 0
    exchanges: int = 0
    messages: int = 0
    slowest: float = 0.0
    failures: list[str] = field(default_factory=list)


def run(
    *,
    folder: Path,
    flows: list[str] | None,
    roles: list[str] | None,
    services: list[str] | None,
    every: int,
    first: int,
    step: int,
    patience: float,
) -> dict[str, Tally]:
    """Try every chosen point, print each, and return what was found by flow. Each flow has to be
    over within `patience` seconds."""
    logging.getLogger("httpx").setLevel(logging.WARNING)
    call_command("migrate", verbosity=0)
    courses = [make_course() for _ in range(_COURSES)]
    console = Console()
    tallies: dict[str, Tally] = {}
    with Stack.start(folder, patience=patience) as stack:
        runner = Runner(stack, courses, console)
        for make in FLOWS:
            flow_name = make(stack, courses).name
            if flows and flow_name not in flows:
                continue
            tally = tallies[flow_name] = Tally()
            runner.measure(make, tally)
            for role in roles or ROLES:
                for service in services or SERVICES:
                    indices = range(1 + first * every, 1_000_000, every * step)
                    runner.try_points(make, role, service, indices, tally)
    connection.close()
    return tallies


class Runner:
    """Runs flows on one stack, one after the other."""

    def __init__(self, stack: Stack, courses: list[Course], console: Console) -> None:
        """Warm the stack up: the first requests of a process differ from all others."""
        self._stack, self._courses, self._console = stack, courses, console
        self._ticker = Ticker()
        self._undisturbed: Counter[tuple[str, str]] = Counter()
        self._once(FLOWS[0](stack, courses), None)

    def measure(self, make: Callable[[Stack, list[Course]], Flow], tally: Tally) -> None:
        """Run the flow undisturbed and count its exchanges and the messages in them."""
        self._once(make(self._stack, self._courses), None)
        gate = self._stack.gate
        tally.exchanges = gate.exchanges.total()
        tally.messages = gate.messages.total()
        self._undisturbed = Counter(gate.exchanges)

    def try_points(
        self,
        make: Callable[[Stack, list[Course]], Flow],
        role: str,
        service: str,
        indices: range,
        tally: Tally,
    ) -> None:
        """Kill before and after each of these exchanges, until the flow has no more of them."""
        misses = 0
        for index in indices:
            if index > self._undisturbed[role, service] * _GROWTH + _SLACK:
                return
            is_met = False
            for instant in Instant:
                flow = make(self._stack, self._courses)
                point = Point(role, service, index, instant)
                is_met = self._try_point(flow, point, tally) or is_met
            misses = 0 if is_met else misses + 1
            if misses == _MISSES:
                return

    def _try_point(self, flow: Flow, point: Point, tally: Tally) -> bool:
        started = time.monotonic()
        problem = ""
        try:
            self._once(flow, point)
        except (AssertionError, httpx.HTTPError) as exc:
            problem = str(exc) or repr(exc)
        took = time.monotonic() - started
        killed_at = self._stack.gate.killed_at
        if killed_at:
            tally.points += 1
            tally.slowest = max(tally.slowest, took)
            verdict = "[red]FAILED[/red]" if problem else "held"
            self._console.print(f"{flow.name}: {point} ({killed_at}): {verdict} {took:.1f} s")
        if problem:
            tally.failures.append(f"{point} ({killed_at}): {problem}")
            self._console.print(f"[red]{problem}[/red]", markup=True)
        return bool(killed_at)

    def _once(self, flow: Flow, point: Point | None) -> None:
        # Who was killed in the flow before may have lost a nudge, or its trust in Redis.
        with self._ticker.ticking(lambda: False):
            flow.prepare()
        self._stack.await_web()
        gate = self._stack.gate
        gate.watch(point)
        try:
            with self._ticker.ticking(lambda: bool(gate.killed_at)):
                flow.run()
                self._stack.converge(lambda: [*flow.unsettled(), *unfinished()])
                time.sleep(_AFTERMATH_SECONDS)
                self._stack.converge(lambda: [*flow.unsettled(), *unfinished()])
        finally:
            gate.stop_watching()
        broken = books.verify()
        assert not broken, f"the books don't agree: {broken}"


class Ticker:
    """Stands in for beat: sends every frequent sweep, at shorter intervals."""

    def __init__(self) -> None:
        self._tasks = [
            (sweep["task"], sweep.get("kwargs", {}))
            for sweep in settings.CELERY_BEAT_SCHEDULE.values()
            if sweep["schedule"] <= _SELDOM_SECONDS and sweep["task"] not in _BY_THE_CLOCK
        ]

    def ticking(self, is_needed: Callable[[], bool]) -> "_Ticking":
        """Tick while the block runs, once it is needed or the block takes long."""
        return _Ticking(self._tasks, is_needed)


class _Ticking:
    def __init__(self, tasks: list[Call], is_needed: Callable[[], bool]) -> None:
        self._tasks, self._is_needed = tasks, is_needed
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._tick)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _tick(self) -> None:
        started = time.monotonic()
        with Redis.from_url(app.conf.broker_write_url) as broker:
            while not self._over.wait(_TICK_SECONDS):
                is_stalled = time.monotonic() - started > _STALLED_SECONDS
                # As beat does, go on when Redis took too long: the next tick comes.
                with suppress(KombuError, RedisError, OSError):
                    if (self._is_needed() or is_stalled) and not _is_behind(broker):
                        self._send()

    def _send(self) -> None:
        for task, arguments in self._tasks:
            app.send_task(task, kwargs=arguments, ignore_result=True, expires=60)


def _is_behind(broker: Redis) -> bool:
    """Whether the worker has yet to take what was sent: on a busy machine it would get further
    behind with each tick, and nothing would be done before it lapses."""
    prefix = settings.CELERY_BROKER_TRANSPORT_OPTIONS["global_keyprefix"]
    return any(broker.llen(f"{prefix}{queue}") for queue in queues.PROCESSES)


def add_up(shares: Iterable[Mapping[str, Tally]]) -> dict[str, Tally]:
    """Return what the shares of a run found together, by flow."""
    together: dict[str, Tally] = {}
    for share in shares:
        for name, tally in share.items():
            whole = together.setdefault(name, Tally())
            whole.points += tally.points
            whole.failures += tally.failures
            # A flow's length differs by a few, as sweeps come by the clock.
            whole.exchanges = max(whole.exchanges, tally.exchanges)
            whole.messages = max(whole.messages, tally.messages)
            whole.slowest = max(whole.slowest, tally.slowest)
    return together


def report(tallies: Mapping[str, Tally]) -> bool:
    """Print the table of a run and each failure; return whether all points held."""
    console = Console()
    table = Table("Flow", "Exchanges (messages)", "Points killed at", "Failed", "Slowest, s")
    for name, tally in tallies.items():
        size = f"{tally.exchanges} ({tally.messages})"
        row = (size, str(tally.points), str(len(tally.failures)), f"{tally.slowest:.1f}")
        table.add_row(name, *row)
    console.print(table)
    for name, tally in tallies.items():
        for failure in _shortened(tally.failures):
            console.print(f"{name}: {failure}", markup=False)
    if any(tally.failures for tally in tallies.values()):
        return False
    points = sum(tally.points for tally in tallies.values())
    held = "the invariants held after each" if points else "nothing was tried"
    console.print(f"{points:,} points enumerated; {held}.")
    return True


def _shortened(failures: list[str]) -> Iterator[str]:
    for failure in failures[:50]:
        yield failure[:1000]
