"""nginx as it stands in front of the web process: addresses, errors, names, and restarts."""

import json
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
import yaml
from django.conf import settings

from devtools.launcher.ports import LOOPBACK, choose_port
from tests.factories import make_course
from tests.flows.proxy import NGINX, Names, running_nginx
from tests.flows.web import running_web

pytestmark = [
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
    pytest.mark.xdist_group("instance"),
]
needs_nginx = pytest.mark.skipif(NGINX is None, reason="nginx isn't installed here")

ORIGIN = "https://spa.learnflow.test"
LOGIN = "/api/v1/auth/login/"
REFRESH = "/api/v1/auth/refresh/"
# What httpx says of an answer that ends in its midst.
CUT_OFF = "without sending complete message body"


@pytest.fixture(scope="module")
def web(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("web")
    with running_web(folder, WEB_CONCURRENCY="2", TRUSTED_PROXIES=LOOPBACK) as url:
        yield url


@pytest.fixture(scope="module")
def proxy(web: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("nginx")
    with (
        Names.answering() as names,
        running_nginx(folder, web_port=httpx.URL(web).port or 0, names=names) as url,
    ):
        (folder / "static" / "page.svg").write_text("<svg/>")
        yield url


@pytest.fixture
def client(proxy: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=proxy, trust_env=False, timeout=60) as client:
        yield client


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[tuple[httpx.Client, int, Names]]:
    """nginx before a port on which nothing listens."""
    port = choose_port()
    with (
        Names.answering() as names,
        running_nginx(tmp_path, web_port=port, names=names) as url,
        httpx.Client(base_url=url, trust_env=False, timeout=60) as client,
    ):
        yield client, port, names


@needs_nginx
def test_the_port_is_kept(client: httpx.Client, proxy: str) -> None:
    """Without it a form of the admin would come from elsewhere, and be refused."""
    page = client.get("/admin/login/")
    form = {"username": "nobody@learnflow.test", "password": "wrong",
            "csrfmiddlewaretoken": client.cookies["csrftoken"]}  # fmt: skip
    assert page.status_code == 200
    answer = client.post("/admin/login/", data=form, headers={"Origin": proxy})
    assert (answer.status_code, "Please enter the correct" in answer.text) == (200, True)
    strange = client.post("/admin/login/", data=form, headers={"Origin": ORIGIN})
    assert strange.status_code == 403


@needs_nginx
def test_json_is_compressed(client: httpx.Client) -> None:
    for _ in range(5):
        make_course()
    answer = client.get("/api/v1/courses/", headers={"Accept-Encoding": "gzip"})
    assert answer.headers["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in answer.headers["Vary"]


@needs_nginx
def test_one_request_id_from_end_to_end(client: httpx.Client) -> None:
    given = {"X-Request-ID": "from-the-browser-1"}
    assert (
        client.get("/api/v1/nope/", headers=given).headers["X-Request-ID"] == given["X-Request-ID"]
    )
    made = client.get("/api/v1/nope/", headers={"X-Request-ID": "no good id"})
    assert made.json()["error"]["request_id"] == made.headers["X-Request-ID"] != "no good id"


def check_refusal(answer: httpx.Response, status: int, code: str) -> None:
    error = answer.json()["error"]
    assert (answer.status_code, error["status"], error["code"]) == (status, status, code)
    assert set(error) == {"code", "message", "status", "details", "request_id"}
    assert answer.headers["X-Request-ID"] == error["request_id"]
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert answer.headers["Access-Control-Allow-Credentials"] == "true"
    assert "X-Request-ID" in answer.headers["Access-Control-Expose-Headers"]


@needs_nginx
@pytest.mark.parametrize(
    ("ask", "status", "code"),
    [
        (lambda client: client.post(LOGIN, content=b"a" * 22 * 1024 * 1024,
                                    headers={"Origin": ORIGIN}), 413, "PAYLOAD_TOO_LARGE"),
        (lambda client: client.get("/api/v1/courses/", headers={"Origin": ORIGIN,
                                   "X-Long": "a" * 40_000}), 431, "HEADERS_TOO_LARGE"),
    ],
    ids=["body", "headers"],
)  # fmt: skip
def test_what_is_too_large_is_refused_in_shape(
    client: httpx.Client, ask: Callable[[httpx.Client], httpx.Response], status: int, code: str
) -> None:
    check_refusal(ask(client), status, code)


@needs_nginx
@pytest.mark.parametrize(
    ("said", "status", "code"),
    [
        (b"NONSENSE\r\n\r\n", 400, "BAD_REQUEST"),
        (b"GET /api/v1/courses/ HTTP/1.1\r\n\r\n", 400, "BAD_REQUEST"),
        (b"GET /api/" + b"a" * 40_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414, "URI_TOO_LONG"),
        (b"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: odd\r\n\r\n",
         501, "NOT_IMPLEMENTED"),
        (b"GET / HTTP/7.1\r\nHost: x\r\n\r\n", 505, "VERSION_NOT_SUPPORTED"),
    ],
    ids=["line", "host", "address", "encoding", "version"],
)  # fmt: skip
def test_what_cannot_be_read_is_refused_in_shape(
    proxy: str, said: bytes, status: int, code: str
) -> None:
    url = httpx.URL(proxy)
    with socket.create_connection((url.host, url.port), timeout=60) as sock:
        sock.sendall(said)
        head, _, body = b"".join(iter(lambda: sock.recv(65536), b"")).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status)
    assert b"Connection: close" in head
    assert json.loads(body)["error"]["code"] == code


@needs_nginx
@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/static/nothing.css", 404, "NOT_FOUND"),
        ("GET", "/media/nothing.webp", 404, "NOT_FOUND"),
        ("GET", "/static/", 403, "PERMISSION_DENIED"),
        ("POST", "/static/page.svg", 405, "METHOD_NOT_ALLOWED"),
        ("TRACE", "/api/v1/courses/", 405, "METHOD_NOT_ALLOWED"),
    ],
)
def test_files_that_it_does_not_give_are_refused_in_shape(
    client: httpx.Client, method: str, path: str, status: int, code: str
) -> None:
    check_refusal(client.request(method, path, headers={"Origin": ORIGIN}), status, code)


@needs_nginx
@pytest.mark.parametrize(
    ("asked", "status", "code"),
    [
        ({"Range": "bytes=900-"}, 416, "RANGE_NOT_SATISFIABLE"),
        ({"If-Match": '"another"'}, 412, "PRECONDITION_FAILED"),
    ],
)
def test_parts_and_states_that_a_file_has_not_are_refused_in_shape(
    client: httpx.Client, asked: dict[str, str], status: int, code: str
) -> None:
    answer = client.get("/static/page.svg", headers={"Origin": ORIGIN, **asked})
    check_refusal(answer, status, code)


@needs_nginx
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_without_the_application_it_says_so_in_shape(
    alone: tuple[httpx.Client, int, Names], method: str
) -> None:
    answer = alone[0].request(method, "/api/v1/courses/", headers={"Origin": ORIGIN})
    check_refusal(answer, 502, "SERVICE_UNAVAILABLE")
    assert answer.headers["Retry-After"] == "5"


@needs_nginx
def test_a_web_process_with_a_new_address_is_found(
    alone: tuple[httpx.Client, int, Names],
) -> None:
    client, port, names = alone
    assert client.get("/").status_code == 502
    with stand_in("127.0.0.2", port) as server:
        names.address = "127.0.0.2"
        answer = until(lambda: client.get("/"), lambda answer: answer.status_code == 200)
        assert answer.json() == {"host": f"{client.base_url.host}:{client.base_url.port}"}
        server.shutdown()


@needs_nginx
def test_files_carry_a_policy(client: httpx.Client) -> None:
    answer = client.get("/static/page.svg")
    assert answer.status_code == 200
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]


@needs_nginx
def test_who_claims_another_address_is_not_believed(client: httpx.Client, web: str) -> None:
    """nginx adds who it speaks with; the application believes nginx, and nobody before it."""
    answer = client.get("/metrics", headers={"X-Forwarded-For": LOOPBACK})
    assert answer.status_code == 404


@needs_nginx
def test_restarting_a_process_loses_no_request(client: httpx.Client, web: str) -> None:
    course = make_course()
    with traffic(client.base_url, course.slug, writes=True) as seen:
        for _ in range(3):
            end_one_process(web, signal.SIGTERM, seen)
    assert seen.pop("wrong") == []
    assert min(seen["read"], seen["written"]) > 20


@needs_nginx
def test_killing_a_process_loses_no_request_that_only_reads(client: httpx.Client, web: str) -> None:
    course = make_course()
    with traffic(client.base_url, course.slug, writes=False) as seen:
        for _ in range(3):
            end_one_process(web, signal.SIGKILL, seen)
    wrong = seen.pop("wrong")
    # Of an answer that had begun the visitor has the head already: no other can take its place.
    cut_off = [why for why in wrong if CUT_OFF in why[-1]]
    assert wrong == cut_off
    assert len(cut_off) <= 3 * READERS
    assert seen["read"] > 20


def test_nginx_alone_is_believed_and_has_an_address_of_its_own() -> None:
    compose = yaml.safe_load(Path(settings.BASE_DIR, "docker-compose.yml").read_text())
    pool = compose["networks"]["default"]["ipam"]["config"][0]
    address = compose["services"]["nginx"]["networks"]["default"]["ipv4_address"]
    assert address != pool["gateway"]
    assert ip_address(address) in ip_network(pool["subnet"])
    assert ip_address(address) not in ip_network(pool["ip_range"]), "another may get it"
    believed = compose["services"]["web"]["environment"]["TRUSTED_PROXIES"]
    assert believed == f"${{TRUSTED_PROXIES:-{address}}}"


def until(ask: Callable[[], Any], holds: Callable[[Any], bool]) -> Any:
    deadline = time.monotonic() + 300
    while not holds(answer := ask()):
        assert time.monotonic() < deadline, answer
        time.sleep(0.1)
    return answer


def stand_in(address: str, port: int) -> HTTPServer:
    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps({"host": self.headers["Host"]}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            pass

    server = HTTPServer((address, port), Answers)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


READERS = 2


class traffic:  # noqa: N801 - used as a context manager
    """Visitors who read, and others who try to sign in, until the block ends."""

    def __init__(self, base_url: httpx.URL, slug: str, *, writes: bool) -> None:
        self._base, self._slug = base_url, slug
        self.seen: dict[str, Any] = {"read": 0, **({"written": 0} if writes else {}), "wrong": []}
        self._ends = threading.Event()
        visitors = [self._read] * READERS + [self._write] * (2 if writes else 0)
        self._threads = [threading.Thread(target=self._visit, args=(visit,)) for visit in visitors]

    def __enter__(self) -> dict[str, Any]:
        for thread in self._threads:
            thread.start()
        return self.seen

    def __exit__(self, *exception: object) -> None:
        self._ends.set()
        for thread in self._threads:
            thread.join(300)

    def _visit(self, visit: Callable[[httpx.Client], None]) -> None:
        with httpx.Client(base_url=self._base, trust_env=False, timeout=120) as client:
            while not self._ends.is_set():
                try:
                    visit(client)
                except httpx.TransportError as problem:
                    self.seen["wrong"].append((visit.__name__, 0, repr(problem)))

    def _read(self, client: httpx.Client) -> None:
        answer = client.get(f"/api/v1/courses/{self._slug}/")
        self._note("read", answer, 200)

    def _write(self, client: httpx.Client) -> None:
        self._note("written", client.post(REFRESH, json={"refresh": "nonsense"}), 401)

    def _note(self, kind: str, answer: httpx.Response, wanted: int) -> None:
        if answer.status_code == wanted:
            self.seen[kind] += 1
        else:
            self.seen["wrong"].append((kind, answer.status_code, answer.text[:200]))


def end_one_process(web: str, number: signal.Signals, seen: dict[str, Any]) -> None:
    """End the older process behind the address in the midst of the traffic, and wait for its
    successor, and for more traffic, to be there."""
    arbiter = next(
        psutil.Process(process.pid)
        for process in psutil.process_iter(["cmdline"])
        if str(httpx.URL(web).port) in " ".join(process.info["cmdline"] or [])
        and process.ppid() == os.getpid()
    )
    until(arbiter.children, lambda children: len(children) == 2)
    before = arbiter.children()
    before[0].send_signal(number)
    known = {process.pid for process in before}
    until(
        arbiter.children,
        lambda children: (
            len(children) == 2
            and before[0].pid not in {process.pid for process in children}
            and {process.pid for process in children} != known
        ),
    )
    enough = {kind: count + 40 for kind, count in seen.items() if kind != "wrong"}
    until(lambda: seen, lambda seen: all(seen[kind] > enough[kind] for kind in enough))
