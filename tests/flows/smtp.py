"""A mail server that takes mails, or falls silent where a test says."""

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self

from devtools.launcher.ports import LOOPBACK


class MailServer:
    """Keeps what it is sent. At the command `silent_at` (HELLO for the greeting) it says nothing
    more, at `leaves_at` it hangs up."""

    def __init__(self) -> None:
        self.mails: list[str] = []
        self.silent_at = ""
        self.leaves_at = ""
        self._ends = threading.Event()
        handler = type("Handler", (_Handler,), {"server_": self})
        self._server = socketserver.ThreadingTCPServer((LOOPBACK, 0), handler)

    @classmethod
    @contextmanager
    def start(cls) -> Iterator[Self]:
        """Answer until the block ends."""
        server = cls()
        thread = threading.Thread(target=server._server.serve_forever)
        thread.start()
        try:
            yield server
        finally:
            server._ends.set()
            server._server.shutdown()
            server._server.server_close()
            thread.join()

    @property
    def port(self) -> int:
        """Where it listens."""
        port: int = self._server.server_address[1]
        return port


class _Handler(socketserver.StreamRequestHandler):
    server_: MailServer

    def handle(self) -> None:
        try:
            if self._goes_on("HELLO"):
                self._say("220 mail.learnflow.test")
                while (line := self.rfile.readline()) and self._answer(line.decode().strip()):
                    pass
        except OSError:
            pass

    def _answer(self, line: str) -> bool:
        command = line.partition(" ")[0].upper()
        if not self._goes_on(command):
            return False
        if command == "DATA":
            self._say("354 go on")
            self._take()
        self._say({"QUIT": "221 bye", "EHLO": "250 mail.learnflow.test"}.get(command, "250 ok"))
        return command != "QUIT"

    def _take(self) -> None:
        lines = []
        while (line := self.rfile.readline().decode(errors="replace")) not in ("", ".\r\n"):
            lines.append(line)
        self.server_.mails.append("".join(lines))

    def _goes_on(self, command: str) -> bool:
        if command == self.server_.silent_at:
            self.server_._ends.wait(120)
            return False
        return command != self.server_.leaves_at

    def _say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())
