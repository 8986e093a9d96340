"""One end for all that an operation on S3 sends and receives.

botocore's time-outs are of each read: a server that sends a byte now and then is never given up.
So each socket of a client that `keep_time` was told of has no more time than `time_limit` left.
"""

import io
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from botocore.awsrequest import (
    AWSHTTPConnection,
    AWSHTTPConnectionPool,
    AWSHTTPSConnection,
    AWSHTTPSConnectionPool,
)

_operation = threading.local()


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Give everything that this thread exchanges with S3 in the block together so long. Whatever is
    left then fails as a connection that timed out."""
    _operation.ends_at = time.monotonic() + seconds
    try:
        yield
    finally:
        _operation.ends_at = None


def keep_time(client: Any) -> None:
    """Let the client's connections hold to `time_limit`."""
    client._endpoint.http_session._manager.pool_classes_by_scheme = {
        "http": _Pool,
        "https": _SecurePool,
    }


def _require_time(given: float | None) -> float | None:
    """Return the lesser of `given` and what is left. Raises TimeoutError when nothing is."""
    ends_at = getattr(_operation, "ends_at", None)
    if ends_at is None:
        return given
    left: float = ends_at - time.monotonic()
    if left <= 0:
        raise TimeoutError("S3 takes too long")
    return left if given is None else min(given, left)


class _TimedSocket:
    """A socket whose every call has only the time that is left."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)

    def makefile(self, mode: str, buffering: int | None = None) -> io.BufferedReader:
        """Return a file to read what arrives: neither http.client nor botocore makes another."""
        raw = _TimedReader(self, self._sock.makefile(mode, 0))  # type: ignore[call-overload]
        return io.BufferedReader(raw, 1 if buffering == 0 else io.DEFAULT_BUFFER_SIZE)

    def sendall(self, data: Any) -> None:
        """Send all of it, or raise TimeoutError."""
        with self.timed():
            self._sock.sendall(data)

    @contextmanager
    def timed(self) -> Iterator[None]:
        """Lower the socket's own time-out for the block."""
        given = self._sock.gettimeout()
        self._sock.settimeout(_require_time(given))
        try:
            yield
        finally:
            self._sock.settimeout(given)


class _TimedReader(io.RawIOBase):
    def __init__(self, sock: _TimedSocket, raw: Any) -> None:
        self._sock = sock
        self._raw = raw

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        with self._sock.timed():
            count: int | None = self._raw.readinto(buffer)
            return count

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Timed:
    """Makes a connection of botocore's one that keeps time."""

    sock: Any

    def connect(self) -> None:
        _require_time(None)
        super().connect()  # type: ignore[misc]
        self.sock = _TimedSocket(self.sock)


class _Connection(_Timed, AWSHTTPConnection):
    pass


class _SecureConnection(_Timed, AWSHTTPSConnection):
    pass


class _Pool(AWSHTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(AWSHTTPSConnectionPool):
    ConnectionCls = _SecureConnection
