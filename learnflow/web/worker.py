"""gunicorn's threads, given to whole requests only.

gunicorn's own worker gives a thread to whoever begins to send: eight visitors who never end hold
all of its threads, and it closes one connection after another, waiting up to two seconds for each
visitor to let go. Here the loop that accepts connections also takes requests in, as nginx does, and
closes without waiting. A thread never waits for a visitor's next byte, and not without end for one
who takes in what it sends.
"""

import contextlib
import errno
import os
import socket
import struct
import threading
import time
from collections.abc import Callable
from functools import partial
from selectors import EVENT_READ
from typing import Any

from gunicorn.http.parser import RequestParser
from gunicorn.http.unreader import Unreader
from gunicorn.workers.gthread import STOP_KEEPALIVE_LINGER, TConn, ThreadWorker

from learnflow.web.incoming import Incoming, RefusedError
from learnflow.web.refusals import compose_refusal

# A request is here by then, and for larger ones at this rate from then on.
PATIENCE_SECONDS = 15.0
SLOWEST_BYTES_A_SECOND = 4096
# How long a visitor may take to notice that the connection has ended.
LINGER_SECONDS = 2.0
_LINGERING_AT_MOST = 200
# How long a thread waits for a visitor to take in a piece of the answer. For all pieces together it
# waits as long, and beyond it for as many bytes as were taken in at the rate above.
SENDING_SECONDS = 15
# The same of what the loop says, and gunicorn's errors, which know no other limit (a C `timeval`).
_SENDING = struct.pack("ll", SENDING_SECONDS, 0)
_NO_ROOM = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
_PIECE = 32 * 1024
_FILE_PIECE = 64 * 1024
_MEBIBYTE = 1024 * 1024


class GatheringWorker(ThreadWorker):
    """For plain HTTP, which is what LearnFlow's web process speaks: TLS ends in front of it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._incoming: dict[TConn, Incoming] = {}
        self._since: dict[TConn, float] = {}
        self._lingering: dict[TConn, float] = {}
        self._watched: set[TConn] = set()
        # Their bodies take an open file each, beside the connection's.
        self._on_disk: set[Incoming] = set()
        self._local = threading.local()
        self._stops_at: float | None = None
        self._max_body = 0

    def init_process(self) -> None:
        from django.conf import settings

        files = (settings.LESSON_FILE_MAX_BYTES, settings.COURSE_FILE_MAX_BYTES)
        # Somewhat more than the views take: they say best what is wrong with a file.
        self._max_body = max(32 * _MEBIBYTE, 2 * max(files))
        super().init_process()

    # --- The loop, which nothing that a visitor does may end -------------------------------------

    def wait_for_and_dispatch_events(self, timeout: float | None) -> None:
        """As gunicorn does. An event of what an earlier one of them has ended is none any more, and
        what goes wrong with a connection ends that connection, not the process."""
        for key, _ in self.poller.select(timeout):
            if self.poller.get_map().get(key.fd) is not key:
                continue
            try:
                key.data(key.fileobj)
            except Exception:
                self.log.exception("A connection can't go on")
                for conn in getattr(key.data, "args", ()):
                    self._abandon(conn)

    def _abandon(self, conn: TConn) -> None:
        """Close what is in an unknown state, wherever it is kept."""
        if self._lingering.pop(conn, None) is None:
            self.nr_conns -= 1
        if (incoming := self._incoming.pop(conn, None)) is not None:
            self._forget(incoming)
        self._since.pop(conn, None)
        self._watched.discard(conn)
        with contextlib.suppress(ValueError):
            self.keepalived_conns.remove(conn)
        with contextlib.suppress(KeyError, ValueError, OSError):
            self.poller.unregister(conn.sock)
        conn.close()

    # --- Taking requests in, in the loop's own thread --------------------------------------------

    def accept(self, listener: Any) -> None:
        """Take a connection, and the room of the slowest when there is none."""
        try:
            sock, address = listener.accept()
        except OSError as problem:
            # Anything else is what went wrong with that connection (accept(2)).
            if problem.errno in _NO_ROOM:
                self._free_file()
            return
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, _SENDING)
        self.nr_conns += 1
        if self._is_full():
            self._make_room()
        self._gather(TConn(self.cfg, sock, address, listener.getsockname()))

    def on_client_socket_readable(self, conn: TConn, client: Any) -> None:
        """Take the next request of a connection that was kept."""
        self.poller.unregister(client)
        self.keepalived_conns.remove(conn)
        self._gather(conn)

    def _gather(self, conn: TConn, data: bytes = b"") -> None:
        self._incoming[conn] = Incoming(max_body=self._max_body)
        self._since[conn] = time.monotonic()
        conn.sock.setblocking(False)
        if data and self._take(conn, data):
            return
        # What is asked is usually here already, and costs no look at the poller.
        if self._receive(conn):
            self._watch(conn, self._receive)

    def _receive(self, conn: TConn, _: Any = None) -> bool:
        """Take what has come; whether more is to come."""
        try:
            data = conn.sock.recv(_PIECE)
        except (BlockingIOError, InterruptedError):
            return True
        except OSError:
            self._give_up(conn)
            return False
        if not data:
            # Half a request and no more of it: whoever sent it may still be listening.
            self._give_up(conn, 400 if self._incoming[conn].size else None)
            return False
        return not self._take(conn, data)

    def _take(self, conn: TConn, data: bytes) -> bool:
        """Whether nothing more is to come of the request: it is whole, or refused."""
        incoming = self._incoming[conn]
        try:
            is_whole = incoming.take(data)
        except RefusedError as refusal:
            self._give_up(conn, refusal.status)
            return True
        except OSError as problem:
            self.log.warning("No room for a request's body: %s", problem)
            self._give_up(conn, 503)
            return True
        if incoming.is_on_disk and incoming not in self._on_disk:
            self._on_disk.add(incoming)
            if self._is_full() and not is_whole:
                self._make_room()
                if conn not in self._incoming:
                    return True
        if is_whole:
            self._hand_over(conn, incoming)
        elif incoming.wants_continue and not incoming.is_asked_for:
            incoming.is_asked_for = True
            self._send(conn, b"HTTP/1.1 100 Continue\r\n\r\n")
        return is_whole

    def _hand_over(self, conn: TConn, incoming: Incoming) -> None:
        self._unwatch(conn)
        del self._incoming[conn], self._since[conn]
        conn.incoming = incoming
        if conn.parser is None:
            conn.initialized = True
            conn.parser = RequestParser(self.cfg, conn.sock, conn.client)
        conn.parser.unreader = _Gathered(incoming)
        self.enqueue_req(conn)

    # --- Letting go ------------------------------------------------------------------------------

    def finish_request(self, conn: TConn, fs: Any) -> None:
        """Keep the connection for the next request, or end it without waiting for the visitor."""
        try:
            is_kept = bool(fs.result()) and not fs.cancelled()
        except Exception:
            is_kept = False
        surplus = conn.incoming.surplus
        self._forget(conn.incoming)
        try:
            if not is_kept:
                self._end(conn)
            elif surplus:
                self._gather(conn, surplus)
            else:
                super().finish_request(conn, fs)
        except Exception:
            # Others have finished too, and are told in the same turn of the loop.
            self.log.exception("A connection can't go on")
            self._abandon(conn)

    def murder_pending(self) -> None:
        """Give up what is too slow, and close what its visitor hasn't noticed to have ended."""
        now = time.monotonic()
        if not self.alive and self._stops_at is None:
            self._stops_at = now + STOP_KEEPALIVE_LINGER
        for conn, incoming in list(self._incoming.items()):
            limit = self._since[conn] + PATIENCE_SECONDS + incoming.size / SLOWEST_BYTES_A_SECOND
            if self._stops_at and not incoming.size:
                limit = min(limit, self._stops_at)
            if now >= limit:
                self._give_up(conn, 408 if incoming.size else None)
        for conn, limit in list(self._lingering.items()):
            if now >= limit:
                self._close(conn)

    def _is_full(self) -> bool:
        return bool(self.nr_conns + len(self._on_disk) >= self.worker_connections)

    def _free_file(self) -> None:
        """Close what has ended already; where nothing has, `_make_room`."""
        if self._lingering:
            self._close(next(iter(self._lingering)))
        else:
            self._make_room()

    def _make_room(self) -> None:
        """End the connection that has been sending, or idle, for longest."""
        if self._incoming:
            conn = next(iter(self._incoming))
            self._give_up(conn, 408 if self._incoming[conn].size else None)
        elif self.keepalived_conns:
            conn = self.keepalived_conns.popleft()
            self.poller.unregister(conn.sock)
            self._end(conn)

    def _give_up(self, conn: TConn, status: int | None = None) -> None:
        incoming = self._incoming.pop(conn)
        del self._since[conn]
        self._forget(incoming)
        self._unwatch(conn)
        if status is not None:
            self.log.warning("Refused a request of %s: %s", conn.client, status)
            self._send(conn, compose_refusal(status, incoming.head))
        self._end(conn)

    def _forget(self, incoming: Incoming) -> None:
        self._on_disk.discard(incoming)
        incoming.close()

    def _end(self, conn: TConn) -> None:
        """Say that nothing more comes, and read on for a moment: a connection closed on unread
        bytes would be reset, and the answer lost with it (RFC 9112, 9.6)."""
        self.nr_conns -= 1
        try:
            conn.sock.setblocking(False)
            conn.sock.shutdown(socket.SHUT_WR)
        except OSError:
            conn.close()
            return
        while len(self._lingering) >= _LINGERING_AT_MOST:
            self._close(next(iter(self._lingering)))
        self._lingering[conn] = time.monotonic() + LINGER_SECONDS
        if not self._drain(conn):
            self._watch(conn, self._drain)

    def _drain(self, conn: TConn, _: Any = None) -> bool:
        """Read what nobody wants; whether the visitor has let go."""
        try:
            if conn.sock.recv(_PIECE):
                return False
        except (BlockingIOError, InterruptedError):
            return False
        except OSError as problem:
            self.log.debug("gone: %s", problem)
        self._close(conn)
        return True

    def _close(self, conn: TConn) -> None:
        del self._lingering[conn]
        self._unwatch(conn)
        conn.close()

    def _send(self, conn: TConn, data: bytes) -> None:
        try:
            conn.sock.send(data)
        except OSError as problem:
            self.log.debug("nobody listens: %s", problem)

    def _watch(self, conn: TConn, call: Callable[..., Any]) -> None:
        self.poller.register(conn.sock, EVENT_READ, partial(call, conn))
        self._watched.add(conn)

    def _unwatch(self, conn: TConn) -> None:
        if conn in self._watched:
            self._watched.remove(conn)
            self.poller.unregister(conn.sock)

    # --- Answering, in a request's thread --------------------------------------------------------

    def handle(self, conn: TConn) -> Any:
        """As gunicorn does, with the request at hand for an error's answer."""
        self._local.head = conn.incoming.head
        return super().handle(conn)

    def handle_request(self, req: Any, conn: TConn) -> Any:
        """As gunicorn does, for a visitor who takes the answer in."""
        sock = conn.sock
        sock.settimeout(SENDING_SECONDS)
        conn.sock = _Timed(sock)
        try:
            return super().handle_request(req, conn)
        except TimeoutError:
            self.log.warning("%s took in no more of its answer", conn.client)
            return False
        finally:
            conn.sock = sock

    def handle_error(self, req: Any, client: Any, addr: Any, exc: Exception) -> None:
        """As gunicorn does, in the shape of every other error."""
        super().handle_error(req, _InShape(client, self._local.head), addr, exc)


class _Gathered(Unreader):
    """Gives the parser a request that is here, and nothing beyond it."""

    def __init__(self, incoming: Incoming) -> None:
        super().__init__()
        self.unread(incoming.head)
        self._body = incoming.open_body()

    def chunk(self, size_hint: int | None = None) -> bytes:
        return self._body.read(max(8192, size_hint or 0))


class _Timed:
    """The visitor's socket for one answer, whatever its length and pieces. Only waiting for the
    visitor counts, not what it takes to make the answer. Raises TimeoutError."""

    def __init__(self, sock: Any) -> None:
        self._sock = sock
        self._left = float(SENDING_SECONDS)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)

    def sendall(self, data: bytes) -> None:
        """Send all of it. A socket's time-out is for all of what it is given at once, however
        little the visitor takes at a time."""
        if self._left <= 0:
            raise TimeoutError
        self._sock.settimeout(min(SENDING_SECONDS, self._left))
        began = time.monotonic()
        self._sock.sendall(data)
        self._left += len(data) / SLOWEST_BYTES_A_SECOND - (time.monotonic() - began)

    def sendfile(self, file: Any, offset: int = 0, count: int = 0) -> None:
        """Send so many bytes of a file, in pieces: the system's own way has the time-out anew for
        every byte that a visitor takes."""
        end = offset + count
        while data := os.pread(file.fileno(), min(_FILE_PIECE, end - offset), offset):
            self.sendall(data)
            offset += len(data)


class _InShape:
    """The visitor's socket, on which gunicorn's page for an error becomes ours."""

    def __init__(self, sock: Any, head: bytes) -> None:
        self._sock = sock
        self._head = head

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)

    def sendall(self, page: bytes) -> None:
        self._sock.sendall(compose_refusal(int(page.split(b" ", 2)[1]), self._head))
