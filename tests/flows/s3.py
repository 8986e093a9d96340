"""As much of S3 as the product uses, in memory, that can be made to hang."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from devtools.launcher.ports import LOOPBACK


class S3StandIn:
    """Objects by path. While `hang` holds, requests are taken and not answered."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.status = 200
        self.requests: list[str] = []
        # What is sent a byte at a time: nothing, or "head" or "body" of each answer.
        self.trickles = ""
        self._goes_on = threading.Event()
        self._ends = threading.Event()
        self._goes_on.set()
        self._server = ThreadingHTTPServer(
            (LOOPBACK, 0), type("Handler", (_Handler,), {"standin": self})
        )

    @classmethod
    @contextmanager
    def start(cls) -> Iterator[Self]:
        """Answer until the block ends."""
        standin = cls()
        thread = threading.Thread(target=standin._server.serve_forever)
        thread.start()
        try:
            yield standin
        finally:
            standin.go_on()
            standin._ends.set()
            standin._server.shutdown()
            standin._server.server_close()
            thread.join()

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://{LOOPBACK}:{self._server.server_address[1]}"

    def hang(self) -> None:
        """Answer nobody from now on."""
        self._goes_on.clear()

    def go_on(self) -> None:
        """Answer again, also those who wait."""
        self._goes_on.set()


class _Handler(BaseHTTPRequestHandler):
    standin: S3StandIn
    protocol_version = "HTTP/1.1"

    def do_PUT(self) -> None:
        content = self._body()
        if self._begins():
            self.standin.objects[self._path()] = content
            self._answer(200)

    def do_GET(self) -> None:
        if self._begins():
            found = self.standin.objects.get(self._path())
            self._answer(404 if found is None else 200, found or b"")

    do_HEAD = do_GET  # noqa: N815 - its name

    def do_DELETE(self) -> None:
        if self._begins():
            self.standin.objects.pop(self._path(), None)
            self._answer(204)

    def _begins(self) -> bool:
        self.standin.requests.append(f"{self.command} {self._path()}")
        self.standin._goes_on.wait(600)
        if self.standin.status != 200:
            self._answer(self.standin.status)
        return self.standin.status == 200

    def _path(self) -> str:
        return self.path.partition("?")[0]

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass
        return b"".join(parts)

    def _answer(self, status: int, content: bytes = b"") -> None:
        try:
            if self.standin.trickles == "head":
                self._trickle(b"HTTP/1.1 200 OK\r\nX-Long: " + b"." * 10_000)
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.send_header("ETag", '"of-this"')
            self.send_header("Last-Modified", "Sun, 29 Nov 2026 10:00:00 GMT")
            self.end_headers()
            if self.command != "HEAD":
                (self._trickle if self.standin.trickles else self.wfile.write)(content)
        except OSError:
            self.close_connection = True

    def _trickle(self, content: bytes) -> None:
        for byte in content:
            if self.standin._ends.wait(0.1):
                raise ConnectionAbortedError
            self.wfile.write(bytes([byte]))

    def log_message(self, *_: Any) -> None:
        pass
