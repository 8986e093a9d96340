"""Loopback ports: which are free, and whose process answers on one."""

import random
import socket
from collections.abc import Iterable

import psutil

LOOPBACK = "127.0.0.1"

# Below the range from which systems take the local ports of outgoing connections, so that a server
# that is restarted finds its port still free.
_CANDIDATES = range(20_000, 32_000)


def is_free(port: int) -> bool:
    """Whether a server could listen on `port` of 127.0.0.1 now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
            probe.listen(1)
        except OSError:
            return False
    return True


def choose_port(*, preferred: int | None = None, taken: Iterable[int] = ()) -> int:
    """A free loopback port that is not in `taken`: `preferred` if that is free.

    Raises RuntimeError when a thousand random candidates are all in use.
    """
    refused = set(taken)
    if preferred is not None and preferred not in refused and is_free(preferred):
        return preferred
    for port in random.sample(_CANDIDATES, 1000):
        if port not in refused and is_free(port):
            return port
    raise RuntimeError("No free loopback port was found.")


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
