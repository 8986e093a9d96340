"""Loopback ports: which are free, and whose process answers on one."""

import contextlib
import errno
import random
import socket
from collections.abc import Iterable

import psutil

from devtools.launcher.errors import LauncherError, describe

LOOPBACK = "127.0.0.1"

# Below the range from which systems take the local ports of outgoing connections, so that a server
# that is restarted finds its port still free.
_CANDIDATES = range(20_000, 32_000)


def is_free(port: int) -> bool:
    """Whether a server could listen on `port` of 127.0.0.1 now."""
    try:
        _listen_once(port)
    except OSError:
        return False
    return True


def insist_on(port: int) -> None:
    """Raise LauncherError, naming who has it if that can be seen, unless `port` is free."""
    try:
        _listen_once(port)
    except PermissionError:
        raise LauncherError(
            f"Port {port} is open to the system's administrator alone: set PORT to 1024 or more."
        ) from None
    except OSError as problem:
        if problem.errno != errno.EADDRINUSE:
            raise LauncherError(f"Port {port} can't be used: {describe(problem)}") from None
        raise LauncherError(
            f"Port {port} is taken by {_holder_of(port)}: stop it, or set PORT."
        ) from None


def _listen_once(port: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((LOOPBACK, port))
        probe.listen(1)


def _holder_of(port: int) -> str:
    """The program that listens on `port`, as far as this user may know."""
    with contextlib.suppress(psutil.Error, OSError):
        for connection in psutil.net_connections(kind="tcp"):
            listens = connection.status == psutil.CONN_LISTEN
            if listens and connection.laddr[1:2] == (port,) and connection.pid is not None:
                name = psutil.Process(connection.pid).name()
                return f"another program, {name} (process {connection.pid})"
    return "another program"


def choose_port(*, preferred: int | None = None, taken: Iterable[int] = ()) -> int:
    """A free loopback port that is not in `taken`: `preferred` if that is free.

    Raises LauncherError when a thousand random candidates are all in use.
    """
    refused = set(taken)
    if preferred is not None and preferred not in refused and is_free(preferred):
        return preferred
    for port in random.sample(_CANDIDATES, 1000):
        if port not in refused and is_free(port):
            return port
    raise LauncherError("No free port was found between 20000 and 32000: end what holds them.")


def listens(*, pid: int, port: int) -> bool:
    """Whether process `pid` itself (not a stranger) is the one listening on `port`."""
    try:
        connections = psutil.Process(pid).net_connections(kind="tcp")
    except psutil.Error:
        return False
    return any(
        connection.status == psutil.CONN_LISTEN and connection.laddr.port == port
        for connection in connections
    )
