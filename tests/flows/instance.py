"""A whole LearnFlow as `make run` starts it, with a state folder and a port of its own."""

import contextlib
import os
import queue
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

import psutil

from devtools.launcher.ports import choose_port

ROOT = Path(__file__).resolve().parents[2]
_UNCONFIGURED = ("DATABASE_URL", "REDIS_URL", "STRIPE_SECRET_KEY", "EMAIL_HOST", "PORT")
# Only so that a failure ends: a busy machine may take its time.
_PATIENCE = 600.0


class Instance:
    """`python -m devtools.launcher run`, what it printed, and the processes it started."""

    def __init__(self, folder: Path, **settings: str) -> None:
        """Start it. `folder` gets the state; `settings` go over the defaults for tests."""
        self.state = folder / "state"
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("DJANGO_SETTINGS")}
        self.environment = {
            **inherited,
            # An empty value is "not configured", whatever a developer's .env says.
            **dict.fromkeys(_UNCONFIGURED, ""),
            "PORT": str(choose_port()),
            "LEARNFLOW_STATE": str(self.state),
            "LEARNFLOW_DEMO": "off",
            "WEB_CONCURRENCY": "1",
            **settings,
        }
        self.lines: list[str] = []
        self._printed: queue.Queue[str] = queue.Queue()
        self.process = self.launch()
        threading.Thread(target=self._read, daemon=True).start()

    @classmethod
    @contextmanager
    def start(cls, **settings: str) -> Iterator[Self]:
        """Run an instance until the block ends."""
        # Not pytest's own folder, which another user, such as root's PostgreSQL, may not enter.
        with tempfile.TemporaryDirectory(prefix="learnflow-") as folder:
            Path(folder).chmod(0o711)
            instance = cls(Path(folder), **settings)
            try:
                yield instance
            finally:
                instance.stop()

    def launch(self) -> "subprocess.Popen[str]":
        """Start the launcher (again) in this instance's environment."""
        return subprocess.Popen(
            [sys.executable, "-m", "devtools.launcher", "run"],
            env=self.environment,
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def stop(self) -> None:
        """End it as Ctrl-C would and wait."""
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(timeout=300)
        if self.process.stdout is not None:
            self.process.stdout.close()

    @property
    def database_url(self) -> str:
        """The address of the embedded PostgreSQL, as the web process was given it."""
        return self.child("gunicorn").environ()["DATABASE_URL"]

    def mails_to(self, address: str) -> dict[str, int]:
        """Count the mails to one address by kind."""
        return dict(
            Counter(
                path.name.split("-01")[0]
                for path in Path(self.state, "mail").glob("*.eml")
                if f"To: {address}" in path.read_text()
            )
        )

    def await_line(self, text: str, *, patience: float = _PATIENCE) -> str:
        """Return the next line with `text` in it. Raises AssertionError after so many seconds."""
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            try:
                line = self._printed.get(timeout=0.5)
            except queue.Empty:
                continue
            if text in line:
                return line
        raise AssertionError(f"no line with {text!r} among:\n{''.join(self.lines)}")

    def children(self) -> list[psutil.Process]:
        """Return every process of this instance, however it came to be."""
        descendants = psutil.Process(self.process.pid).children(recursive=True)
        return [process for process in descendants if process.is_running()]

    def child(self, part: str) -> psutil.Process:
        """Return the first process of this instance with `part` in its command line. Raises
        LookupError when there is none."""
        for process in self.children():
            # Others come and go meanwhile.
            with contextlib.suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
                if part in " ".join(process.cmdline()):
                    return process
        raise LookupError(f"no process of this instance has {part!r} in its command line")

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line)
            self._printed.put(line)
