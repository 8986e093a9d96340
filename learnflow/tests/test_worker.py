"""Visitors who are too slow, without waiting for them: time is moved."""

import errno
import os
import selectors
import socket
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import pytest
from gunicorn.config import Config
from gunicorn.workers.gthread import TConn

from learnflow.web import worker as web
from learnflow.web.worker import GatheringWorker


@pytest.fixture
def worker() -> Iterator[GatheringWorker]:
    """A worker that only takes requests in; what is whole lands in `worker.whole`."""
    cfg = Config()
    cfg.set("worker_connections", 3)
    made = GatheringWorker(1, os.getppid(), [], None, 30, cfg, mock.Mock())
    made.poller = selectors.DefaultSelector()
    made.alive = True
    made._max_body = 1000
    made.whole = []
    made.enqueue_req = made.whole.append
    yield made
    for incoming in made._incoming.values():
        incoming.close()
    for conn in [*made._incoming, *made._lingering, *made.whole]:
        conn.close()
    made.poller.close()
    made.tmp.close()


class Visitor:
    def __init__(self, worker: GatheringWorker, said: bytes = b"") -> None:
        ours, self.sock = socket.socketpair()
        self.sock.settimeout(10)
        self.sock.sendall(said)
        listener = mock.Mock(**{"accept.return_value": (ours, "here"), "getsockname": str})
        worker.accept(listener)

    def hear(self) -> bytes:
        with self.sock:
            return b"".join(iter(lambda: self.sock.recv(65536), b""))


def pass_time(worker: GatheringWorker, seconds: float) -> None:
    for conn in worker._since:
        worker._since[conn] -= seconds
    for conn in worker._lingering:
        worker._lingering[conn] -= seconds
    worker.murder_pending()


def test_half_a_request_is_waited_for_and_then_refused(worker: GatheringWorker) -> None:
    visitor = Visitor(worker, b"GET / HTTP/1.1\r\nHos")
    pass_time(worker, web.PATIENCE_SECONDS - 1)
    assert len(worker._incoming) == 1
    pass_time(worker, 2)
    assert visitor.hear().startswith(b"HTTP/1.1 408 Request Timeout\r\nConnection: close")
    assert (worker.nr_conns, worker.whole) == (0, [])


def test_who_says_nothing_at_all_hears_nothing(worker: GatheringWorker) -> None:
    visitor = Visitor(worker)
    pass_time(worker, web.PATIENCE_SECONDS + 1)
    assert visitor.hear() == b""


def test_a_large_body_has_longer(worker: GatheringWorker) -> None:
    size = 100 * web.SLOWEST_BYTES_A_SECOND
    worker._max_body = 2 * size
    head = b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % (size + 1)
    visitor = Visitor(worker, head)
    for _ in range(size // 4096):
        visitor.sock.sendall(b"a" * 4096)
        for key, _ in worker.poller.select(0):
            key.data(key.fileobj)
    pass_time(worker, web.PATIENCE_SECONDS + 99)
    assert len(worker._incoming) == 1
    pass_time(worker, 2)
    assert visitor.hear().startswith(b"HTTP/1.1 408")


def test_an_ended_connection_is_closed_though_its_visitor_stays(worker: GatheringWorker) -> None:
    visitor = Visitor(worker, b"GET /" + b"a" * 100_000)
    for _ in range(10):
        for key, _events in worker.poller.select(0):
            key.data(key.fileobj)
    assert len(worker._lingering) == 1
    pass_time(worker, web.LINGER_SECONDS + 1)
    assert (worker._lingering, worker._watched) == ({}, set())
    assert b"HTTP/1.1 414" in visitor.hear()


def test_when_there_is_no_room_the_slowest_goes(worker: GatheringWorker) -> None:
    first = Visitor(worker, b"GET / HT")
    others = [Visitor(worker, b"GET / HT") for _ in range(3)]
    assert first.hear().startswith(b"HTTP/1.1 408")
    assert worker.nr_conns < 3
    for visitor in others:
        visitor.sock.close()


def test_a_whole_request_is_handed_over_with_what_follows_it(worker: GatheringWorker) -> None:
    said = b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n"
    visitor = Visitor(worker, said + b"GET /b")
    conn: Any = worker.whole[0]
    assert isinstance(conn, TConn)
    assert (conn.parser.unreader.read(None), conn.incoming.surplus) == (said, b"GET /b")
    visitor.sock.close()


def test_a_stopping_worker_waits_for_no_first_byte(worker: GatheringWorker) -> None:
    silent, speaking = Visitor(worker), Visitor(worker, b"GET / HT")
    worker.alive = False
    worker.murder_pending()
    assert len(worker._incoming) == 2
    assert worker._stops_at is not None
    worker._stops_at -= 10
    worker.murder_pending()
    assert silent.hear() == b""
    assert len(worker._incoming) == 1
    speaking.sock.close()


def test_what_an_earlier_event_ended_has_no_event_any_more(worker: GatheringWorker) -> None:
    first, second = Visitor(worker, b"GET / HT"), Visitor(worker, b"GET / HT")
    ready = dict(worker.poller.get_map())
    first.sock.sendall(b"TP")
    first.sock.shutdown(socket.SHUT_WR)
    second.sock.sendall(b"TP")
    events = [(key, selectors.EVENT_READ) for key in ready.values()]
    with mock.patch.object(worker.poller, "select", return_value=events):
        worker._make_room()
        worker.wait_for_and_dispatch_events(0)
    assert first.hear().startswith(b"HTTP/1.1 408")
    (kept,) = worker._incoming.values()
    assert kept.head == b"GET / HTTP"
    second.sock.close()


def test_what_goes_wrong_with_a_connection_ends_no_other(worker: GatheringWorker) -> None:
    first, second = Visitor(worker, b"GET / HT"), Visitor(worker, b"GET / HT")
    broken = next(iter(worker._incoming.values()))
    with mock.patch.object(broken, "take", side_effect=KeyError("a fault of ours")):
        for visitor in (first, second):
            visitor.sock.sendall(b"TP")
        worker.wait_for_and_dispatch_events(0)
    assert first.hear() == b""
    assert ([item.head for item in worker._incoming.values()], worker.nr_conns) == (
        [b"GET / HTTP"], 1,
    )  # fmt: skip
    assert len(worker.poller.get_map()) == 1
    second.sock.close()


def test_a_body_for_which_there_is_no_room_is_refused(worker: GatheringWorker) -> None:
    worker._max_body = 10**6
    visitor = Visitor(worker, b"POST / HTTP/1.1\r\nContent-Length: 200000\r\n\r\n")
    full = OSError(errno.EMFILE, "Too many open files")
    with mock.patch("tempfile.TemporaryFile", side_effect=full):
        for _ in range(3):
            visitor.sock.sendall(b"a" * 30_000)
            worker.wait_for_and_dispatch_events(0)
    assert visitor.hear().startswith(b"HTTP/1.1 503 Service Unavailable")
    assert (worker.nr_conns, worker._on_disk) == (0, set())


def test_bodies_on_disk_take_room_as_connections_do(worker: GatheringWorker) -> None:
    worker._max_body = 10**6
    first = Visitor(worker, b"GET / HT")
    second = Visitor(worker, b"POST / HTTP/1.1\r\nContent-Length: 200000\r\n\r\n")
    for _ in range(3):
        second.sock.sendall(b"a" * 30_000)
        worker.wait_for_and_dispatch_events(0)
    assert first.hear().startswith(b"HTTP/1.1 408")
    assert list(worker._incoming.values()) == list(worker._on_disk)
    second.sock.close()


@pytest.mark.parametrize("number", [errno.ENETDOWN, errno.EPROTO, errno.EPERM, errno.ENFILE])
def test_a_connection_that_failed_before_it_was_taken_ends_nothing(
    worker: GatheringWorker, number: int
) -> None:
    worker.accept(mock.Mock(**{"accept.side_effect": OSError(number, "no")}))
    assert worker.nr_conns == 0


def test_without_files_what_has_ended_is_closed_first(worker: GatheringWorker) -> None:
    ended = Visitor(worker, b"GET / HT")
    worker._make_room()
    waiting = Visitor(worker, b"GET / HT")
    worker.accept(mock.Mock(**{"accept.side_effect": OSError(errno.EMFILE, "no")}))
    assert (len(worker._lingering), len(worker._incoming)) == (0, 1)
    for visitor in (ended, waiting):
        visitor.sock.close()


def test_who_takes_in_little_of_an_answer_at_a_time_holds_no_thread(
    worker: GatheringWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web, "SENDING_SECONDS", 0.2)
    visitor, conn = answer_with(worker, lambda _: iter([b"a" * 50_000_000]), headers=b"")
    with sipping(visitor, 1_000):
        assert worker.handle(conn) is False


@contextmanager
def sipping(visitor: Visitor, size: int) -> Iterator[None]:
    """Let the visitor take in a little, again and again, for ten seconds at the most."""
    done = threading.Event()

    def sip() -> None:
        with visitor.sock:
            for _ in range(500):
                if done.wait(0.02):
                    return
                visitor.sock.recv(size)

    thread = threading.Thread(target=sip)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def answer_with(
    worker: GatheringWorker,
    make: Callable[[Any], Any],
    *,
    headers: bytes = b"Connection: close\r\n",
) -> tuple[Visitor, TConn]:
    """A visitor whose request is to be answered with what `make` gives for its environment."""
    visitor = Visitor(worker, b"GET / HTTP/1.1\r\nHost: x\r\n" + headers + b"\r\n")
    (conn,) = worker.whole
    conn.server = ("127.0.0.1", 80)
    conn.client = ("127.0.0.1", 1)

    def answer(environ: Any, start_response: Any) -> Any:
        start_response("200 OK", [])
        return make(environ)

    worker.wsgi = answer
    worker.max_requests = 10
    return visitor, conn


def in_a_file(size: int) -> Callable[[Any], Any]:
    def make(environ: Any) -> Any:
        file = tempfile.TemporaryFile()  # noqa: SIM115 (the answer closes it)
        file.truncate(size)
        return environ["wsgi.file_wrapper"](file)

    return make


def in_pieces(size: int) -> Callable[[Any], Any]:
    return lambda environ: (b"\0" * 1_000 for _ in range(size // 1_000))


@pytest.mark.parametrize("make", [in_a_file, in_pieces])
def test_who_takes_in_a_long_answer_by_sips_is_left(
    worker: GatheringWorker, monkeypatch: pytest.MonkeyPatch, make: Any
) -> None:
    monkeypatch.setattr(web, "SENDING_SECONDS", 0.5)
    monkeypatch.setattr(web, "SLOWEST_BYTES_A_SECOND", 1_000_000_000)
    visitor, conn = answer_with(worker, make(50_000_000))
    # Each sip well within the time that a piece has.
    with sipping(visitor, 50_000):
        assert worker.handle(conn) is False
    worker.log.warning.assert_called_once_with("%s took in no more of its answer", conn.client)


@pytest.mark.parametrize("make", [in_a_file, in_pieces])
def test_who_takes_it_in_gets_all_of_a_long_answer(worker: GatheringWorker, make: Any) -> None:
    visitor, conn = answer_with(worker, make(3_000_000))
    heard: list[bytes] = []
    hearing = threading.Thread(target=lambda: heard.append(visitor.hear()))
    hearing.start()
    worker.handle(conn)
    conn.sock.shutdown(socket.SHUT_WR)
    hearing.join()
    assert heard[0].count(b"\0") == 3_000_000
    worker.log.warning.assert_not_called()


def test_time_that_the_answer_takes_to_make_is_not_the_visitors(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = [0.0]
    monkeypatch.setattr(web.time, "monotonic", lambda: now[0])
    sock = mock.Mock()
    timed = web._Timed(sock)
    for _ in range(10):
        now[0] += 100
        timed.sendall(b"a")
    sock.sendall.side_effect = lambda data: now.__setitem__(0, now[0] + 10)
    timed.sendall(b"a" * 4096)
    timed.sendall(b"a" * 4096)
    with pytest.raises(TimeoutError):
        timed.sendall(b"a")
