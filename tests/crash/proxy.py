"""A proxy before one service for one process: everything it says passes the gate."""

import contextlib
import socket
import threading
from dataclasses import dataclass

from tests.crash.gate import Gate, KilledError
from tests.crash.messages import (
    Chunks,
    Cutter,
    HttpRequests,
    PostgresAnswers,
    PostgresRequests,
    RedisRequests,
)

_LOOPBACK = "127.0.0.1"
_CHUNK = 65536
# Redis' answer to a wait for work that came to nothing.
_NO_WORK = b"*-1\r\n"

_CUTTERS: dict[str, tuple[type[Cutter], type[Cutter]]] = {
    "postgres": (PostgresRequests, PostgresAnswers),
    "redis": (RedisRequests, Chunks),
    "stripe": (HttpRequests, Chunks),
}


class Proxy:
    """Listens on a port of its own and passes on to one port of this machine."""

    def __init__(self, *, gate: Gate, role: str, service: str, target: int) -> None:
        """`service` is postgres, redis or stripe."""
        self._gate, self._role, self._service, self._target = gate, role, service, target
        self._listener = socket.create_server((_LOOPBACK, 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Take no new connections."""
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection((_LOOPBACK, self._target))
            except OSError:
                client.close()
                continue
            for side in (client, server):
                side.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            _Connection(self._gate, self._role, self._service, client, server).start()


@dataclass
class _Connection:
    gate: Gate
    role: str
    service: str
    client: socket.socket
    server: socket.socket
    keeps_answer: bool = False
    waits_for_work: bool = False

    def start(self) -> None:
        for pump in (self._pass_requests, self._pass_answers):
            threading.Thread(target=self._until_closed, args=(pump,), daemon=True).start()

    def _until_closed(self, pump: "object") -> None:
        with contextlib.suppress(OSError, KilledError):
            pump()  # type: ignore[operator]
        for side in (self.client, self.server):
            with contextlib.suppress(OSError):
                side.shutdown(socket.SHUT_RDWR)
            side.close()

    def _pass_requests(self) -> None:
        cutter = _CUTTERS[self.service][0]()
        request, label, count = b"", "", 0
        while data := self.client.recv(_CHUNK):
            for message in cutter.feed(data):
                request += message.data
                label = label or message.label
                count += 1
                if message.is_last:
                    self._pass_request(request, label, count)
                    request, label, count = b"", "", 0

    def _pass_request(self, request: bytes, label: str, count: int) -> None:
        # A wait for work is only seen once there is some: idle waits come by the clock.
        self.waits_for_work = self.service == "redis" and label.startswith("BRPOP")
        if not self.waits_for_work:
            self.keeps_answer = self.gate.request(self.role, self.service, label, messages=count)
        self.server.sendall(request)

    def _pass_answers(self) -> None:
        cutter = _CUTTERS[self.service][1]()
        while data := self.server.recv(_CHUNK):
            messages = cutter.feed(data)
            if self.waits_for_work and data != _NO_WORK:
                self.keeps_answer = self.gate.request(
                    self.role, self.service, "BRPOP's answer", messages=1
                )
            if not self.keeps_answer:
                self.client.sendall(data)
            elif messages and messages[-1].is_last:
                self.gate.answer(self.role)
