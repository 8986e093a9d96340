"""The whole product, as `make run` starts it."""

import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from benchmarks.load import HOST
from benchmarks.servers import Application, ServerError, running
from benchmarks.stack import ROOT, end
from devtools.launcher.ports import LOOPBACK
from devtools.launcher.programs import plan_beat, plan_workers

_START_SECONDS = 600.0


@dataclass(frozen=True, kw_only=True)
class Product:
    """Where the web process answers, and the processes by their names."""

    address: str
    processes: dict[str, int]


@contextmanager
def whole_product(
    application: Application, *, environment: Mapping[str, str], logs: Path
) -> Iterator[Product]:
    """Keep web process, workers and beat running."""
    with ExitStack() as started:
        web = started.enter_context(running(application, environment=environment, logs=logs))
        processes = {"web": web.pid}
        for program in (*plan_workers(environment), plan_beat()):
            log = started.enter_context((logs / f"{program.name}.log").open("wb"))
            process = subprocess.Popen(
                program.command, cwd=ROOT, env=environment, stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip
            started.callback(end, process)
            processes[program.name] = process.pid
        address = f"http://{LOOPBACK}:{web.port}"
        _await_health(address)
        yield Product(address=address, processes=processes)


def _await_health(address: str) -> None:
    """Return when web process, workers and beat are there."""
    deadline = time.monotonic() + _START_SECONDS
    headers = {"Host": HOST, "X-Forwarded-Proto": "https"}
    while httpx.get(f"{address}/api/v1/health/", headers=headers, timeout=30).status_code != 200:
        if time.monotonic() > deadline:
            raise ServerError("the workers did not start")
        time.sleep(0.5)
