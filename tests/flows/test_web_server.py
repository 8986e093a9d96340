"""The web server as it is configured, on real connections: slow visitors hold nobody up, and what
it refuses by itself has the error shape."""

import json
import socket
from collections.abc import Iterator
from contextlib import ExitStack

import httpx
import pytest
from django.conf import settings

from tests.factories import make_course
from tests.flows.slowness import Slowness
from tests.flows.web import running_web

pytestmark = [
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
    pytest.mark.xdist_group("instance"),
]

SLOW_VISITORS = 40
# Within so many seconds everybody else is answered: far less than the slow ones are given.
HELD_UP = 5.0
LOGIN = "/api/v1/auth/login/"
HALVES = {
    "nothing": b"",
    "half a head": b"GET /api/v1/courses/ HTTP/1.1\r\nHost: localhost\r\nX-Sl",
    "half a body": f"POST {LOGIN} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    'Content-Length: 100\r\n\r\n{"email": "'.encode(),
    "half a chunk": f"POST {LOGIN} HTTP/1.1\r\nHost: localhost\r\n"
    "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n64\r\n{".encode(),
    # Refused at once, and the visitor doesn't let go.
    "nonsense": b"NONSENSE\r\n\r\n",
}
LONG = b"a" * 5000


@pytest.fixture(scope="module")
def address(
    django_db_setup: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, int]]:
    with running_web(tmp_path_factory.mktemp("web"), WEB_THREADS="8") as url:
        # The first request of a process takes longer than any other.
        httpx.get(f"{url}/api/v1/courses/", trust_env=False, timeout=60).raise_for_status()
        yield httpx.URL(url).host, httpx.URL(url).port or 0


def exchange(address: tuple[str, int], said: bytes, *, ends: bool = False) -> bytes:
    """Say something and return all that is answered until the server closes."""
    with socket.create_connection(address, timeout=60) as sock:
        sock.sendall(said)
        if ends:
            sock.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: sock.recv(65536), b""))


def parse(answer: bytes) -> tuple[int, dict[str, str], dict]:
    head, _, body = answer.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines)
    return int(first.split()[1]), headers, json.loads(body)["error"]


@pytest.mark.parametrize("said", HALVES.values(), ids=HALVES)
def test_slow_visitors_hold_nobody_up(address: tuple[str, int], said: bytes) -> None:
    course = make_course()
    host, port = address
    with Slowness() as slowness, ExitStack() as stack:
        for _ in range(SLOW_VISITORS):
            sock = stack.enter_context(socket.create_connection(address, timeout=60))
            sock.sendall(said)
        answers = []
        for _ in range(3):
            url = f"http://{host}:{port}/api/v1/courses/{course.slug}/"
            answers.append(httpx.get(url, trust_env=False, timeout=60))
            assert answers[-1].json()["slug"] == course.slug
        body = {"email": "nobody@learnflow.test", "password": "wrong"}
        url = f"http://{host}:{port}{LOGIN}"
        answers.append(httpx.post(url, json=body, trust_env=False, timeout=60))
        assert answers[-1].status_code == 401
    slowest = max(answer.elapsed.total_seconds() for answer in answers)
    assert slowest < slowness.stretch(HELD_UP)


REFUSED = {
    "no request line": (b"NONSENSE\r\n\r\n", 400, "BAD_REQUEST"),
    "no version": (b"GET / HTTP/9.9\r\nHost: localhost\r\n\r\n", 400, "BAD_REQUEST"),
    "two lengths": (
        b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400, "BAD_REQUEST",
    ),
    "bad header": (b"GET / HTTP/1.1\r\nHo st: x\r\n\r\n", 400, "BAD_REQUEST"),
    "long address": (b"GET /" + LONG + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414, "URI_TOO_LONG"),
    "endless address": (b"GET /" + LONG * 20, 414, "URI_TOO_LONG"),
    "long header": (
        b"GET / HTTP/1.1\r\nA: " + LONG * 2 + b"\r\n\r\n", 431, "HEADERS_TOO_LARGE",
    ),
    "many headers": (
        b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 200 + b"\r\n", 431, "HEADERS_TOO_LARGE",
    ),
    "endless headers": (b"GET / HTTP/1.1\r\nA: " + LONG * 20, 431, "HEADERS_TOO_LARGE"),
    "huge body": (
        b"POST / HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n", 413, "PAYLOAD_TOO_LARGE",
    ),
    "unknown encoding": (
        b"POST / HTTP/1.1\r\nTransfer-Encoding: nonsense\r\n\r\n", 501, "NOT_IMPLEMENTED",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("said", "status", "code"), REFUSED.values(), ids=REFUSED)
def test_what_the_server_refuses_has_the_shape(
    address: tuple[str, int], said: bytes, status: int, code: str
) -> None:
    got, headers, error = parse(exchange(address, said))
    assert (got, error["code"], error["status"]) == (status, code, status)
    assert set(error) == {"code", "message", "status", "details", "request_id"}
    assert headers["x-request-id"] == error["request_id"]
    assert headers["connection"] == "close"
    assert headers["content-type"] == "application/json"


@pytest.mark.parametrize("half", ["half a head", "half a body", "half a chunk"])
def test_a_request_that_ends_early_is_answered(address: tuple[str, int], half: str) -> None:
    got, headers, error = parse(exchange(address, HALVES[half], ends=True))
    assert (got, error["code"], headers["connection"]) == (400, "BAD_REQUEST", "close")


def test_a_broken_chunk_is_refused_in_shape(address: tuple[str, int]) -> None:
    said = HALVES["half a chunk"].replace(b"64\r\n{", b"zz\r\n{}\r\n0\r\n\r\n")
    got, headers, error = parse(exchange(address, said))
    assert (got, error["code"], headers["connection"]) == (400, "BAD_REQUEST", "close")


def test_no_header_tells_the_server_where_the_path_begins(address: tuple[str, int]) -> None:
    end = b"Host: localhost\r\nConnection: close\r\n\r\n"
    for name in (b"Script_Name: /elsewhere\r\n", b"SCRIPT_NAME: /health\r\n", b"Path_Info: /\r\n"):
        said = b"GET /health/live/ HTTP/1.1\r\n" + name + end
        assert exchange(address, said).startswith(b"HTTP/1.1 200 ")


def test_a_browser_may_read_why_it_was_refused(address: tuple[str, int]) -> None:
    origin = settings.CORS_ALLOWED_ORIGINS[0]
    said = b"GET / HTTP/1.1\r\nOrigin: %s\r\nA: " + LONG * 2 + b"\r\n\r\n"
    _, headers, _ = parse(exchange(address, said.replace(b"%s", origin.encode())))
    assert headers["access-control-allow-origin"] == origin
    assert "X-Request-ID".lower() in headers["access-control-expose-headers"]
    _, headers, _ = parse(exchange(address, said.replace(b"%s", b"https://elsewhere.test")))
    assert "access-control-allow-origin" not in headers


def test_pieces_chunks_and_what_follows_at_once_are_understood(address: tuple[str, int]) -> None:
    body = b'{"email": "nobody@learnflow.test", "password": "wrong"}'
    head = (
        f"POST {LOGIN} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n".encode()
    )
    chunked = head + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    sized = head + b"Content-Length: %d\r\n\r\n%s" % (len(body), body)
    last = b"GET /health/live/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    answers = exchange(address, chunked + sized + chunked + last)
    assert answers.count(b"HTTP/1.1 401 ") == 3
    assert answers.count(b"HTTP/1.1 200 ") == 1


def test_who_waits_to_be_asked_for_the_body_is_asked(address: tuple[str, int]) -> None:
    body = b'{"email": "nobody@learnflow.test", "password": "wrong"}'
    head = (
        f"POST {LOGIN} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        f"Expect: 100-continue\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    with socket.create_connection(address, timeout=60) as sock:
        sock.sendall(head.encode())
        assert sock.recv(65536) == b"HTTP/1.1 100 Continue\r\n\r\n"
        sock.sendall(body)
        assert b"".join(iter(lambda: sock.recv(65536), b"")).startswith(b"HTTP/1.1 401 ")


def test_one_connection_serves_many_requests(address: tuple[str, int]) -> None:
    host, port = address
    # Whatever comes between two requests: it's the server that is to keep the connection.
    kept = httpx.Limits(keepalive_expiry=None)
    url = f"http://{host}:{port}"
    with httpx.Client(base_url=url, trust_env=False, timeout=60, limits=kept) as client:
        answers = [client.get("/health/live/") for _ in range(50)]
        streams = {answer.extensions["network_stream"] for answer in answers}
    assert [answer.status_code for answer in answers] == [200] * 50
    assert len(streams) == 1
