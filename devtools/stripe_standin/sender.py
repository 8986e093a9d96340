"""POST requests to the receivers of webhooks, over connections that are kept."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from urllib.parse import SplitResult, urlsplit

import httptools


class Sender:
    """Sends to any number of receivers, any number at once."""

    def __init__(self, timeout: float) -> None:
        """`timeout` is how many seconds a receiver has to answer."""
        self._timeout = timeout
        self._idle: defaultdict[tuple[str, str], list[_Wire]] = defaultdict(list)

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> int:
        """Send the body and return the status of the answer; redirections aren't followed.

        Raises OSError (TimeoutError among others) when no answer came, ValueError for no address.
        """
        address = urlsplit(url)
        target = address.path or "/"
        if address.query:
            target = f"{target}?{address.query}"
        lines = [f"POST {target} HTTP/1.1", f"Host: {address.netloc}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        lines += [f"Content-Length: {len(body)}", "\r\n"]
        idle = self._idle[address.scheme, address.netloc]
        wire = None
        try:
            async with asyncio.timeout(self._timeout):
                wire = _take(idle) or await _connect(address)
                status = await wire.ask("\r\n".join(lines).encode("latin-1") + body)
        except BaseException:
            if wire is not None:
                wire.close()
            raise
        if wire.is_open:
            idle.append(wire)
        return status

    def close(self) -> None:
        """Close all connections that are idle."""
        for wires in self._idle.values():
            while wires:
                wires.pop().close()


class _Wire(asyncio.Protocol):
    """One connection to a receiver. `is_open` says whether it takes another request."""

    def __init__(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._answer: asyncio.Future[int] | None = None
        self._status: int | None = None
        self.is_open = True

    async def ask(self, message: bytes) -> int:
        """Send a request and wait for the status that it is answered with."""
        self._answer, self._status = asyncio.get_running_loop().create_future(), None
        self._transport.write(message)
        return await self._answer

    def close(self) -> None:
        """Hang up."""
        self.is_open = False
        self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Take what the receiver sends."""
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self._end(ConnectionError(f"no HTTP: {error}"))
            self.close()

    def on_headers_complete(self) -> None:
        """The answer's head is whole; of the rest nothing is wanted."""
        self._status = self._parser.get_status_code()

    def on_message_complete(self) -> None:
        """The answer is whole."""
        if not self._parser.should_keep_alive():
            self.close()
        self._end(self._parser.get_status_code())

    def connection_lost(self, error: Exception | None) -> None:
        """It is closed. An answer of unknown length ends with that; else there will be none."""
        self.is_open = False
        self._end(self._status or error or ConnectionError("closed without an answer"))

    def _end(self, outcome: int | Exception) -> None:
        answer, self._answer = self._answer, None
        if answer is None or answer.done():
            return
        if isinstance(outcome, Exception):
            answer.set_exception(outcome)
        else:
            answer.set_result(outcome)


def _take(idle: list[_Wire]) -> _Wire | None:
    while idle:
        wire = idle.pop()
        if wire.is_open:
            return wire
    return None


async def _connect(address: SplitResult) -> _Wire:
    secure = address.scheme == "https"
    port = address.port or (443 if secure else 80)
    loop = asyncio.get_running_loop()
    _, wire = await loop.create_connection(_Wire, address.hostname or "", port, ssl=secure or None)
    return wire
