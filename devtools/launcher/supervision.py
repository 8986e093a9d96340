"""The supervisor (supervisord) that keeps every process of a start alive, and how we talk to it."""

import configparser
import os
import shlex
import subprocess
import sys
import tempfile
import xmlrpc.client
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from supervisor.xmlrpc import SupervisorTransport

from devtools.launcher import child

GROUP = "app"

# The path of a Unix socket has room for about a hundred bytes, and supervisord adds its number.
_LONGEST_SOCKET_PATH = 90
_STOP_SECONDS = 60.0


@dataclass(frozen=True)
class Program:
    """A process to keep running: started again with a growing pause whenever it ends.

    Programs of a lower `rank` start earlier and stop later. Those `in_group` are the product
    itself: they wait for `Supervisor.start_group` and stop side by side.
    """

    name: str
    command: Sequence[str]
    rank: int
    stop_signal: str = "TERM"
    stop_seconds: int = 20
    in_group: bool = False


class Supervisor:
    """One supervisord with `programs`, whose files lie in `run` and whose logs in `logs`."""

    def __init__(self, *, programs: Sequence[Program], run: Path, logs: Path, root: Path) -> None:
        self.programs = programs
        self.logs = logs
        self._run = run
        self._root = root
        self._process: subprocess.Popen[bytes] | None = None
        self._socket = run / "supervisor.sock"

    def start(self, environment: Mapping[str, str]) -> None:
        """Start it and the programs outside the group, all with `environment`."""
        self._run.mkdir(parents=True, exist_ok=True)
        self._socket = _place_socket(self._run)
        self.logs.mkdir(parents=True, exist_ok=True)
        configuration = self._run / "supervisord.conf"
        with configuration.open("w", encoding="utf-8") as file:
            self._configuration().write(file)
        supervisord = [sys.executable, "-m", "supervisor.supervisord", "-c", str(configuration)]
        self._process = subprocess.Popen(
            # Should the launcher be killed outright, supervisord stops everything in order.
            [sys.executable, child.__file__, "--signal=SIGTERM", "--", *supervisord],
            env=dict(environment),
            # A session of its own: Ctrl-C and a closing terminal reach the launcher alone.
            start_new_session=True,
            cwd=self._root,
        )

    def start_group(self) -> None:
        """Start the programs of the group."""
        with self._remote() as remote:
            remote.supervisor.startProcessGroup(GROUP, False)

    def pid_of(self, name: str) -> int | None:
        """The process id of program `name`, or None while it isn't running."""
        info = self._info_of(name)
        return int(info["pid"]) or None if info else None

    def ended_at(self, name: str) -> int:
        """When program `name` last ended, in seconds; 0 if it never did or nobody knows."""
        info = self._info_of(name)
        return int(info["stop"]) if info else 0

    def is_alive(self) -> bool:
        """Whether supervisord itself still runs."""
        return self._process is not None and self._process.poll() is None

    def stop(self) -> None:
        """Stop every program in order, then supervisord; kill what doesn't go in a minute."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(timeout=_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._socket.unlink(missing_ok=True)
        if self._socket.parent != self._run:
            self._socket.parent.rmdir()

    def _info_of(self, name: str) -> Any:
        in_group = any(program.in_group for program in self.programs if program.name == name)
        full_name = f"{GROUP}:{name}" if in_group else name
        try:
            with self._remote() as remote:
                return remote.supervisor.getProcessInfo(full_name)
        except (OSError, xmlrpc.client.Error):
            return None

    def _remote(self) -> xmlrpc.client.ServerProxy:
        transport = SupervisorTransport(None, None, f"unix://{self._socket}")
        return xmlrpc.client.ServerProxy("http://127.0.0.1", transport=transport)

    def _configuration(self) -> configparser.RawConfigParser:
        """supervisord.conf. No secret is in it: the programs take theirs from the environment."""
        sections: dict[str, dict[str, object]] = {
            "supervisord": {
                "nodaemon": "true",
                "silent": "true",
                "logfile": self.logs / "supervisor.log",
                "logfile_maxbytes": "5MB",
                "logfile_backups": 1,
                "pidfile": self._run / "supervisord.pid",
                "childlogdir": self.logs,
                "directory": self._root,
                **({"user": "root"} if os.geteuid() == 0 else {}),
            },
            "unix_http_server": {"file": self._socket, "chmod": "0700"},
            "rpcinterface:supervisor": {
                "supervisor.rpcinterface_factory": (
                    "supervisor.rpcinterface:make_main_rpcinterface"
                ),
            },
        }
        for program in self.programs:
            sections[f"program:{program.name}"] = self._program(program)
        members = [program for program in self.programs if program.in_group]
        if members:
            sections[f"group:{GROUP}"] = {
                "programs": ",".join(program.name for program in members),
                "priority": max(program.rank for program in members),
            }
        parser = configparser.RawConfigParser()
        for title, values in sections.items():
            # supervisord reads `%` as the start of an expansion.
            parser[title] = {name: str(value).replace("%", "%%") for name, value in values.items()}
        return parser

    def _program(self, program: Program) -> dict[str, object]:
        return {
            "command": shlex.join(program.command),
            "priority": program.rank,
            "autostart": str(not program.in_group).lower(),
            "autorestart": "true",
            # Never give up: the pause grows by a second with each failure in a row.
            "startretries": 1_000_000,
            "startsecs": 2,
            "stopsignal": program.stop_signal,
            "stopwaitsecs": program.stop_seconds,
            "killasgroup": "true",
            "redirect_stderr": "true",
            # supervisord expands this value twice.
            "stdout_logfile": str(self.logs / f"{program.name}.log").replace("%", "%%"),
            "stdout_logfile_maxbytes": "5MB",
            "stdout_logfile_backups": 1,
        }


def _place_socket(run: Path) -> Path:
    """Where supervisord is to listen: in `run`, or in a new folder if that has too long a name."""
    path = run / "supervisor.sock"
    if len(os.fsencode(path)) > _LONGEST_SOCKET_PATH:
        return Path(tempfile.mkdtemp(prefix="learnflow-")) / path.name
    path.unlink(missing_ok=True)
    return path
