"""One LearnFlow whose web process and worker speak to everything through proxies that can kill."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import httpx
from django.conf import settings

from devtools.launcher.ports import LOOPBACK, choose_port
from devtools.stripe_standin.client import StandIn
from tests.crash.gate import Gate
from tests.crash.proxy import Proxy

ROOT = Path(__file__).resolve().parents[2]
ROLES = ("web", "worker")
SERVICES = ("postgres", "redis", "stripe")
# How long claims of a dead process hold here. In production it is longer, and so are the pauses
# between sweeps, which together stay below a minute; here only the waiting is shorter.
LEASE_SECONDS = "1"


class Nursery:
    """The process that forks one role, and the child that is alive now."""

    def __init__(self, role: str, port: int, log: Path, environment: dict[str, str]) -> None:
        """Start it; `start` gives the first child."""
        self._lock = threading.Lock()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.crash.nursery", role, str(port), str(log)],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log.open("ab"),
            text=True,
        )
        self._child = 0
        self._expect("ready")

    def start(self) -> None:
        """Fork a child."""
        with self._lock:
            self._child = int(self._say("start"))

    def kill(self) -> None:
        """Kill the child with all its processes and return when it is gone."""
        with self._lock:
            if self._child:
                os.killpg(self._child, signal.SIGKILL)
                self._say(f"wait {self._child}")
                self._child = 0

    def close(self) -> None:
        """End the child and the nursery."""
        with contextlib.suppress(ProcessLookupError, OSError, AssertionError):
            self.kill()
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()

    def _say(self, text: str) -> str:
        assert self._process.stdin is not None
        self._process.stdin.write(text + "\n")
        self._process.stdin.flush()
        return self._hear()

    def _hear(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the nursery is gone; see its log"
        return line.strip()

    def _expect(self, text: str) -> None:
        heard = self._hear()
        assert heard == text, heard


class Stack:
    """The product on the database and the Redis of this process' settings."""

    def __init__(self, folder: Path, standin: StandIn, *, patience: float) -> None:
        """`folder` gets logs, mails and media. Whatever has to be over has `patience` seconds."""
        self.folder, self.standin, self.patience = folder, standin, patience
        self._scratch = folder / "tmp"
        self._scratch.mkdir()
        self.gate = Gate(self._kill)
        self.url = f"http://{LOOPBACK}:{choose_port()}"
        self.restarts = 0
        self._proxies: list[Proxy] = []
        self._nurseries = {role: self._nursery(role) for role in ROLES}

    @classmethod
    @contextmanager
    def start(cls, folder: Path, *, patience: float) -> Iterator["Stack"]:
        """Run it until the block ends."""
        with StandIn.start(retry_delay=0.2) as standin:
            stack = cls(folder, standin, patience=patience)
            try:
                for nursery in stack._nurseries.values():
                    nursery.start()
                stack.await_web()
                hook = f"{stack.url}/api/v1/payments/webhook/stripe/"
                standin.send_webhooks_to(hook, standin.webhook_secret)
                yield stack
            finally:
                stack.close()

    @property
    def mails(self) -> Path:
        """Where mails are written."""
        return self.folder / "mail"

    def await_web(self) -> None:
        """Return when the web process answers."""
        deadline = time.monotonic() + self.patience
        while time.monotonic() < deadline:
            with contextlib.suppress(httpx.HTTPError):
                httpx.get(f"{self.url}/health/live/", trust_env=False, timeout=5)
                return
            time.sleep(0.02)
        raise AssertionError(f"the web process doesn't answer; see {self.folder}")

    def converge(self, differences: Callable[[], list[str]]) -> None:
        """Wait until there are none. Raises AssertionError naming what is left in the end."""
        deadline = time.monotonic() + self.patience
        while left := differences():
            assert time.monotonic() < deadline, "; ".join(left)
            time.sleep(0.05)

    def close(self) -> None:
        """End all processes."""
        for nursery in self._nurseries.values():
            nursery.close()
        for proxy in self._proxies:
            proxy.close()

    def _kill(self, role: str) -> None:
        nursery = self._nurseries[role]
        nursery.kill()
        self.restarts += 1
        # As a supervisor does.
        threading.Thread(target=nursery.start, daemon=True).start()

    def _nursery(self, role: str) -> Nursery:
        log = self.folder / f"{role}.log"
        port = urlsplit(self.url).port
        assert port is not None
        return Nursery(role, port, log, {**os.environ, **self._environment(role)})

    def _environment(self, role: str) -> dict[str, str]:
        return {
            "DJANGO_SETTINGS_MODULE": "learnflow.settings.development",
            "SECRET_KEY": settings.SECRET_KEY,
            "JWT_SECRET": settings.JWT_SECRET,
            "DATABASE_URL": self._through(role, "postgres", os.environ["DATABASE_URL"])
            + "?sslmode=disable",
            "REDIS_URL": self._through(role, "redis", os.environ["REDIS_URL"]),
            "STRIPE_API_BASE": self._through(role, "stripe", self.standin.url),
            "STRIPE_SECRET_KEY": self.standin.secret_key,
            "STRIPE_PUBLIC_KEY": self.standin.publishable_key,
            "STRIPE_WEBHOOK_SECRET": self.standin.webhook_secret,
            "MEDIA_ROOT": str(self.folder / "media"),
            "EMAIL_FILE_PATH": str(self.mails),
            "LEASE_SECONDS": LEASE_SECONDS,
            "MAIL_LEASE_SECONDS": LEASE_SECONDS,
            "WEB_CONCURRENCY": "1",
            "PROMETHEUS_MULTIPROC_DIR": "",
            # The dead don't clean up behind themselves; whoever removes the folder does.
            "TMPDIR": str(self._scratch),
            **{f"THROTTLE_{scope.upper()}": "none" for scope in settings.THROTTLE_RATES},
        }

    def _through(self, role: str, service: str, url: str) -> str:
        """Return the URL with a proxy in between."""
        parts = urlsplit(url)
        assert parts.port is not None
        proxy = Proxy(gate=self.gate, role=role, service=service, target=parts.port)
        self._proxies.append(proxy)
        host = parts.netloc.rpartition(":")[0]
        return urlunsplit(parts._replace(netloc=f"{host}:{proxy.port}"))
