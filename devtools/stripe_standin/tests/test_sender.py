"""Sending webhooks to receivers that answer in their own ways, or don't."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from devtools.stripe_standin.sender import Sender

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def receive(reader: asyncio.StreamReader) -> bytes:
    """One request; its body has two bytes."""
    head = await reader.readuntil(b"\r\n\r\n")
    return head + await reader.readexactly(2)


def send(talk: Talk, *, times: int = 1, timeout: float = 60.0) -> tuple[list[int], int]:
    """The statuses of that many posts to a receiver, and how many connections it had."""
    connections = 0

    async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        try:
            await talk(reader, writer)
        finally:
            writer.close()

    async def run() -> list[int]:
        sender = Sender(timeout)
        async with await asyncio.start_server(meet, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            url = f"http://127.0.0.1:{port}/hook?a=1"
            statuses = [await sender.post(url, b"{}", {"X-Kind": "test"}) for _ in range(times)]
            sender.close()
            return statuses

    return asyncio.run(run()), connections


def test_a_connection_serves_again():
    requests = []

    async def talk(reader, writer):
        for status in (b"200 OK", b"500 No"):
            requests.append(await receive(reader))
            writer.write(b"HTTP/1.1 " + status + b"\r\nContent-Length: 2\r\n\r\n{}")

    assert send(talk, times=2) == ([200, 500], 1)
    assert requests[0].startswith(b"POST /hook?a=1 HTTP/1.1\r\nHost: 127.0.0.1:")
    assert b"\r\nX-Kind: test\r\n" in requests[0]


def test_one_that_is_closed_does_not():
    async def talk(reader, writer):
        await receive(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")

    assert send(talk, times=2) == ([200, 200], 2)


def test_an_answer_without_a_length_ends_with_its_connection():
    async def talk(reader, writer):
        await receive(reader)
        writer.write(b"HTTP/1.0 302 Found\r\nLocation: /other\r\n\r\nelsewhere")

    assert send(talk) == ([302], 1)


def test_who_hangs_up_has_not_answered_whatever_was_answered_before():
    async def talk(reader, writer):
        await receive(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        await receive(reader)

    with pytest.raises(ConnectionError, match="without an answer"):
        send(talk, times=2)


def test_what_is_no_http_is_no_answer():
    async def talk(reader, writer):
        await receive(reader)
        writer.write(b"SSH-2.0-OpenSSH\r\n")
        await reader.read()

    with pytest.raises(ConnectionError, match="no HTTP"):
        send(talk)


def test_who_says_nothing_is_not_waited_for_longer_than_told():
    async def talk(reader, writer):
        await reader.read()

    with pytest.raises(TimeoutError):
        send(talk, timeout=0.05)
