"""A TCP line to a server that can be made a black hole: it takes connections and never answers."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Self

from devtools.launcher.ports import LOOPBACK

_CHUNK = 65_536


class Wire:
    """Forwards to `port` of this machine, from a port of its own."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._is_silent = False
        self._is_cut = False
        # Connections made under an older number have been through a silence and never recover.
        self._era = 0
        self._connections: dict[asyncio.Task[None], asyncio.StreamWriter] = {}
        self._loop = asyncio.new_event_loop()
        self._server = self._loop.run_until_complete(asyncio.start_server(self._take, LOOPBACK, 0))

    @classmethod
    @contextmanager
    def to(cls, port: int) -> Iterator[Self]:
        """Keep a line to `port` until the block ends."""
        wire = cls(port)
        thread = threading.Thread(target=wire._loop.run_forever)
        thread.start()
        try:
            yield wire
        finally:
            asyncio.run_coroutine_threadsafe(wire._end(), wire._loop).result(timeout=120)
            wire._loop.call_soon_threadsafe(wire._loop.stop)
            thread.join()
            wire._loop.close()

    @property
    def port(self) -> int:
        """Where to connect to."""
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    def silence(self) -> None:
        """Swallow whatever is sent from now on; new connections are taken, and not answered."""
        self._is_silent = True
        self._era += 1

    def restore(self) -> None:
        """Forward new connections again. Older ones stay silent, as after a failover: whoever still
        has one must find out for himself."""
        self._is_silent = self._is_cut = False

    def cut(self) -> None:
        """Hang up every connection, and new ones at once."""
        self._is_cut = True
        self._loop.call_soon_threadsafe(self._hang_up)

    def _hang_up(self) -> None:
        """Let all that is carried end, once, as an end mustn't be cut off; also what has not begun
        and never gets to an end of its own."""
        while self._connections:
            task, writer = self._connections.popitem()
            task.cancel()
            writer.close()

    def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = self._loop.create_task(self._serve(reader, writer))
        self._connections[task] = writer
        task.add_done_callback(lambda task: self._connections.pop(task, None))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if self._is_cut:
                pass
            elif self._is_silent:
                await _swallow(reader)
            else:
                await self._carry(reader, writer)
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            await _close(writer)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Forward both ways until the client leaves. What the server says, or that it left, doesn't
        reach a client behind a silence."""
        era = self._era
        theirs, ours = await asyncio.open_connection(LOOPBACK, self._target)
        back = asyncio.create_task(self._pump(theirs, writer, era))
        try:
            await self._pump(reader, ours, era)
            await _swallow(reader)
        finally:
            back.cancel()
            # At once: whoever is cut off on the way out comes no further.
            ours.close()
            await asyncio.gather(back, return_exceptions=True)
            await _close(ours)

    async def _pump(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, era: int
    ) -> None:
        while (data := await source.read(_CHUNK)) and era == self._era:
            sink.write(data)
            await sink.drain()
        if era == self._era:
            sink.close()

    async def _end(self) -> None:
        self._server.close()
        # Taking a connection is a task too, which another one follows.
        while others := asyncio.all_tasks() - {asyncio.current_task()}:
            self._hang_up()
            await asyncio.wait(others)
        # What is closed is gone a turn of the loop later.
        await asyncio.sleep(0)


async def _swallow(reader: asyncio.StreamReader) -> None:
    while await reader.read(_CHUNK):
        pass


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()
