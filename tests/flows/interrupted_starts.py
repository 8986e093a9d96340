"""Starts LearnFlow for the first time, pulls the plug, and starts it again: it must come up by
itself, with all of its demo.

    python -m tests.flows.interrupted_starts [--times 10] [--seed 1]

Each time in a new state folder, at a random moment of the first start. Ends with 0 when every
second start came up whole.
"""

import argparse
import contextlib
import json
import os
import random
import signal
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

import psutil
import psycopg

from api.demo.sources import read_people, read_shelves
from devtools.launcher.leftovers import MARK
from devtools.launcher.ports import choose_port
from devtools.printable import be_printable
from tests.flows.instance import Instance

_PATIENCE = 600.0
READY = "LearnFlow is ready at"


class InterruptedInstance(Instance):
    """An instance with the demo that somebody kills, and starts again in the same folder."""

    def __init__(self, folder: Path, *, port: str, **settings: str) -> None:
        super().__init__(folder, LEARNFLOW_DEMO="on", PORT=port, **settings)

    def await_step(self, is_reached: Callable[["InterruptedInstance"], bool]) -> None:
        """Wait until the start has come to a step. Raises AssertionError if it ends before."""
        deadline = time.monotonic() + _PATIENCE
        while not is_reached(self):
            assert self.process.poll() is None, "".join(self.lines)
            assert not self.has_printed(READY), "it was ready before that step"
            assert time.monotonic() < deadline, "".join(self.lines)
            time.sleep(0.01)

    def await_ready(self) -> None:
        """Wait until it is ready. Raises AssertionError, with all it printed, if it isn't."""
        deadline = time.monotonic() + _PATIENCE
        while not self.has_printed(READY):
            assert self.process.poll() is None, "".join(self.lines)
            assert time.monotonic() < deadline, "".join(self.lines)
            time.sleep(0.1)

    def has_printed(self, text: str) -> bool:
        """Whether any line so far has `text` in it."""
        return any(text in line for line in list(self.lines))

    def pull_the_plug(self) -> None:
        """Kill every process at once, as a power cut would; nobody gets to clean up."""
        while doomed := [*self._launched(), *self._marked()]:
            for process in doomed:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.kill()
            psutil.wait_procs(doomed, timeout=60)
            self.process.poll()

    def kill_the_launcher(self) -> None:
        """Kill the launcher alone; what it started notices."""
        self.process.kill()
        self.process.wait()

    def press_ctrl_c(self) -> None:
        """Interrupt the launcher and what runs in its terminal's group, and wait for its end."""
        session = os.getsid(self.process.pid)
        for process in self._launched():
            with contextlib.suppress(psutil.NoSuchProcess, ProcessLookupError):
                if os.getsid(process.pid) == session:
                    process.send_signal(signal.SIGINT)
        assert self.process.wait(timeout=300) == 0, "".join(self.lines)

    def has_given_up_words(self) -> bool:
        """Whether anything it printed is a traceback of the launcher's own."""
        return any(line.startswith("Traceback") for line in list(self.lines))

    def _launched(self) -> list[psutil.Process]:
        try:
            launcher = psutil.Process(self.process.pid)
            found = [launcher, *launcher.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []
        return [process for process in found if _is_alive(process)]

    def _marked(self) -> list[psutil.Process]:
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error, OSError):
                in_state = Path(process.cwd()).is_relative_to(self.state)
                if in_state or process.environ().get(MARK) == str(self.state):
                    found.append(process)
        return found


def _is_alive(process: psutil.Process) -> bool:
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def find_fault(instance: InterruptedInstance) -> str | None:
    """What an instance that is ready lacks of a whole first start, or None."""
    people, shelves = read_people(), read_shelves()
    courses = sum(len(shelf.courses) for shelf in shelves)
    expected = {"users_user": len(people.everybody), "courses_course": courses}
    with psycopg.connect(instance.database_url) as connection:
        found = {name: _count(connection, name) for name in (*expected, "orders_order")}
        pictures = connection.execute(
            "SELECT thumbnail FROM courses_course UNION ALL "
            "SELECT profile_picture FROM users_userprofile"
        ).fetchall()
    if not found.pop("orders_order") or found != expected:
        return f"rows are {found}, not {expected}"
    for (name,) in pictures:
        if not _is_whole_picture(instance.state / "media" / name):
            return f"{name} is no whole picture"
    return _find_fault_of_web(instance.environment["PORT"], courses)


def _find_fault_of_web(port: str, courses: int) -> str | None:
    url = f"http://127.0.0.1:{port}"
    with urllib.request.urlopen(f"{url}/static/admin/css/base.css") as answer:
        if not answer.read().rstrip().endswith(b"}"):
            return "a static file is not whole"
    login = json.dumps({"email": "student@learnflow.test", "password": "learnflow-demo-2026"})
    request = urllib.request.Request(
        f"{url}/api/v1/auth/login/",
        data=login.encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request) as answer:
        if "access" not in answer.read().decode():
            return "the demo's student can't log in"
    with urllib.request.urlopen(f"{url}/api/v1/courses/") as answer:
        count = json.load(answer)["count"]
    return None if 0 < count <= courses else f"the catalogue holds {count}"


def _count(connection: psycopg.Connection, table: str) -> int:
    row = connection.execute(f'SELECT count(*) FROM "{table}"').fetchone()
    assert row is not None
    return int(row[0])


def _is_whole_picture(path: Path) -> bool:
    """A WebP file says how long it is."""
    content = path.read_bytes() if path.exists() else b""
    return content[:4] == b"RIFF" and int.from_bytes(content[4:8], "little") + 8 == len(content)


def main(arguments: list[str]) -> int:
    be_printable()
    parser = argparse.ArgumentParser(prog="python -m tests.flows.interrupted_starts")
    parser.add_argument("--times", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    moments = random.Random(options.seed)
    whole, first = _start_whole()
    print(f"left alone: ready after {whole:.1f} s; {first or 'whole'}", flush=True)
    faults = [first]
    for number in range(1, options.times + 1):
        faults.append(_interrupt_once(number, moments.uniform(0, whole)))
    return 1 if any(faults) else 0


def _start_whole() -> tuple[float, str | None]:
    """How long a first start takes here, and what is wrong with it."""
    with tempfile.TemporaryDirectory(prefix="learnflow-") as folder:
        Path(folder).chmod(0o711)
        begin = time.monotonic()
        instance = InterruptedInstance(Path(folder), port=str(choose_port()))
        try:
            instance.await_ready()
            return time.monotonic() - begin, find_fault(instance)
        finally:
            instance.stop()


def _interrupt_once(number: int, seconds: float) -> str | None:
    """Start, pull the plug after `seconds`, start again. Answers what is wrong then."""
    with tempfile.TemporaryDirectory(prefix="learnflow-") as folder:
        Path(folder).chmod(0o711)
        port = str(choose_port())
        first = InterruptedInstance(Path(folder), port=port)
        time.sleep(seconds)
        last = (first.lines or ["nothing"])[-1].strip()[:70]
        first.pull_the_plug()
        first.stop()
        begin = time.monotonic()
        second = InterruptedInstance(Path(folder), port=port)
        try:
            second.await_ready()
            fault = find_fault(second)
        except AssertionError as problem:
            fault = f"it did not come up:\n{problem}"
        finally:
            second.stop()
        took = time.monotonic() - begin
    print(f"{number}: killed after {seconds:.1f} s ({last}); again in {took:.1f} s: "
          f"{fault or 'whole'}", flush=True)  # fmt: skip
    return fault


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
