"""Cutting the streams of PostgreSQL, Redis and HTTP into the messages they consist of."""

import re
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Message:
    """One message. With `is_last` its sender now waits for an answer; `label` is for people."""

    data: bytes
    label: str
    is_last: bool


class Cutter(Protocol):
    """Takes bytes as they come and gives messages when they are whole."""

    def feed(self, data: bytes) -> list[Message]:
        """Return the messages that these bytes complete."""
        ...


class PostgresRequests:
    """What a client says to PostgreSQL (its docs, "Message Formats"). The connection must be made
    without encryption, so that it opens with the startup message."""

    # Query, Sync, PasswordMessage, Terminate, Flush, CopyDone: after these the server speaks.
    _LAST = frozenset(b"QSpXHc")

    def __init__(self) -> None:
        self._buffer = b""
        self._has_started = False

    def feed(self, data: bytes) -> list[Message]:
        """Return the messages that these bytes complete."""
        self._buffer += data
        messages = []
        while (message := self._next()) is not None:
            messages.append(message)
        return messages

    def _next(self) -> Message | None:
        head = 1 if self._has_started else 0
        if len(self._buffer) < head + 4:
            return None
        size = head + int.from_bytes(self._buffer[head : head + 4], "big")
        if len(self._buffer) < size:
            return None
        data, self._buffer = self._buffer[:size], self._buffer[size:]
        if not self._has_started:
            self._has_started = True
            return Message(data, "startup", is_last=True)
        return Message(data, _statement(data), is_last=data[0] in self._LAST)


class PostgresAnswers:
    """What PostgreSQL answers; the client speaks again after ReadyForQuery or a demand for a
    password."""

    def __init__(self) -> None:
        self._buffer = b""

    def feed(self, data: bytes) -> list[Message]:
        """Return the messages that these bytes complete."""
        self._buffer += data
        messages = []
        while len(self._buffer) >= 5:
            size = 1 + int.from_bytes(self._buffer[1:5], "big")
            if len(self._buffer) < size:
                break
            message, self._buffer = self._buffer[:size], self._buffer[size:]
            messages.append(Message(message, "", is_last=message[:1] in (b"Z", b"R")))
        return messages


class RedisRequests:
    """Commands to Redis (its docs, "RESP"): arrays of bulk strings."""

    def __init__(self) -> None:
        self._buffer = b""

    def feed(self, data: bytes) -> list[Message]:
        """Return the commands that these bytes complete."""
        self._buffer += data
        messages = []
        while (message := self._next()) is not None:
            messages.append(message)
        return messages

    def _next(self) -> Message | None:
        head, found, _ = self._buffer.partition(b"\r\n")
        if not found:
            return None
        position, words = len(head) + 2, []
        for _ in range(int(head[1:])):
            line, found, _ = self._buffer[position:].partition(b"\r\n")
            if not found:
                return None
            start = position + len(line) + 2
            end = start + int(line[1:])
            if len(self._buffer) < end + 2:
                return None
            words.append(self._buffer[start:end])
            position = end + 2
        data, self._buffer = self._buffer[:position], self._buffer[position:]
        label = b" ".join(words[:2]).decode(errors="replace")[:60]
        return Message(data, label, is_last=True)


class HttpRequests:
    """HTTP/1.1 requests with a Content-Length, as Stripe's SDK sends them."""

    def __init__(self) -> None:
        self._buffer = b""

    def feed(self, data: bytes) -> list[Message]:
        """Return the requests that these bytes complete."""
        self._buffer += data
        messages = []
        while b"\r\n\r\n" in self._buffer:
            head, _, body = self._buffer.partition(b"\r\n\r\n")
            length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
            size = int(length.group(1)) if length else 0
            if len(body) < size:
                break
            end = len(head) + 4 + size
            message, self._buffer = self._buffer[:end], self._buffer[end:]
            words = b" ".join(head.split(b" ", 2)[:2]).decode(errors="replace")
            label = re.sub(r"_\w{14,}", "_…", words.partition("?")[0])
            messages.append(Message(message, label, is_last=True))
        return messages


class Chunks:
    """Answers of which it doesn't matter where they end: whatever comes is one."""

    def feed(self, data: bytes) -> list[Message]:
        """Return the bytes as they came."""
        return [Message(data, "", is_last=True)]


def _statement(data: bytes) -> str:
    """Return the start of a statement's text, where the message has one."""
    kind, body = data[:1], data[5:]
    if kind == b"Q":
        text = body
    elif kind == b"P":
        text = body.partition(b"\0")[2]
    else:
        return ""
    return " ".join(text.partition(b"\0")[0].decode(errors="replace").split())[:90]
