"""HTTP/1.1 on loopback, for a process that does everything in one thread.

Each call is less than a millisecond of work that holds Python's one lock. Threads would only wait
for each other, and the webhooks behind all of them.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from urllib.parse import parse_qsl, unquote

import httptools

logger = logging.getLogger(__name__)

_PHRASES = {status.value: status.phrase for status in HTTPStatus}
_FORM = "application/x-www-form-urlencoded"
_GO_ON = b"HTTP/1.1 100 Continue\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Request:
    """One request, whole. The names of headers are in small letters."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes

    @property
    def arguments(self) -> list[tuple[str, str]]:
        """The pairs of the query."""
        return parse_qsl(self.query, keep_blank_values=True)

    @property
    def form(self) -> list[tuple[str, str]]:
        """The pairs of the body; none when it is no form."""
        if not self.headers.get("content-type", "").lower().startswith(_FORM):
            return []
        return parse_qsl(self.body.decode(errors="replace"), keep_blank_values=True)


@dataclass(slots=True)
class Response:
    """What is answered; `Content-Length` and `Connection` are written by the server."""

    body: str = ""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


Answer = Callable[[Request], Awaitable[Response]]


class Connection(asyncio.Protocol):
    """One client's connection, kept open. Its requests are answered one after the other.

    When `answer` raises ConnectionAbortedError, it is hung up without an answer.
    """

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._parser = httptools.HttpRequestParser(self)
        self._requests: deque[tuple[Request, bool]] = deque()
        self._answering: asyncio.Task[None] | None = None
        self._url = b""
        self._headers: dict[str, str] = {}
        self._body = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Take what the client sends; whoever speaks no HTTP is hung up on."""
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._transport.write(_write(Response(status=400), "GET", keeps_open=False))
            self._transport.close()

    def on_message_begin(self) -> None:
        """A request begins."""
        self._url, self._headers, self._body = b"", {}, b""

    def on_url(self, url: bytes) -> None:
        """A piece of its address."""
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """One of its headers."""
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        """All headers are there; some clients wait here before they send the body."""
        if self._headers.get("expect", "").lower() == "100-continue":
            self._transport.write(_GO_ON)

    def on_body(self, body: bytes) -> None:
        """A piece of its body."""
        self._body += body

    def on_message_complete(self) -> None:
        """It is whole: answer it after those before."""
        path, _, query = self._url.decode("latin-1").partition("?")
        method = self._parser.get_method().decode()
        request = Request(method, unquote(path), query, self._headers, self._body)
        self._requests.append((request, self._parser.should_keep_alive()))
        if self._answering is None:
            self._answering = asyncio.create_task(self._answer_all())

    async def _answer_all(self) -> None:
        while self._requests:
            request, keeps_open = self._requests.popleft()
            try:
                response = await self._answer(request)
            except ConnectionAbortedError:
                self._transport.close()
                return
            except Exception:
                logger.exception("%s %s failed", request.method, request.path)
                response = Response(status=500)
            self._transport.write(_write(response, request.method, keeps_open=keeps_open))
            if not keeps_open:
                self._transport.close()
                return
        self._answering = None


def _write(response: Response, method: str, *, keeps_open: bool) -> bytes:
    body = response.body.encode()
    lines = [f"HTTP/1.1 {response.status} {_PHRASES.get(response.status, '')}"]
    lines += [f"{name}: {value}" for name, value in response.headers.items()]
    if response.status != HTTPStatus.NO_CONTENT:
        lines.append(f"Content-Length: {len(body)}")
    if not keeps_open:
        lines.append("Connection: close")
    head = "\r\n".join([*lines, "\r\n"]).encode("latin-1")
    return head if method == "HEAD" else head + body
