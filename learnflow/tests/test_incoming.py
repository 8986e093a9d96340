"""When a request is whole, in whatever pieces it comes."""

from collections.abc import Iterator
from typing import Any

import pytest
from gunicorn.config import Config
from gunicorn.http.errors import (
    ChunkMissingTerminator,
    InvalidChunkExtension,
    InvalidChunkSize,
    ParseException,
)
from gunicorn.http.parser import RequestParser
from gunicorn.http.unreader import IterUnreader

from learnflow.web.incoming import MAX_HEAD, Incoming, RefusedError
from learnflow.web.worker import _Gathered

PLAIN = b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n"
SIZED = b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\n\r\nhello world"
CHUNKED = (
    b"POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\nHost: x\r\n\r\n"
    b"5\r\nhello\r\n6;a=b\r\n world\r\n0\r\nTrailer: x\r\n\r\n"
)
# What looks like its end is its content.
DECEIVING = b"POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n7\r\n0\r\n\r\n\r\n\r\n0\r\n\r\n"
WHOLE = {
    PLAIN: PLAIN,
    SIZED: SIZED,
    CHUNKED: SIZED,
    DECEIVING: b"POST /a HTTP/1.1\r\nContent-Length: 7\r\n\r\n0\r\n\r\n\r\n",
}


@pytest.fixture(autouse=True)
def made() -> Iterator[list[Incoming]]:
    """All that a test takes in, closed after it."""
    _made.clear()
    yield _made
    for incoming in _made:
        incoming.close()


_made: list[Incoming] = []


def take(*pieces: bytes, max_body: int = 1000) -> tuple[Incoming, list[bool]]:
    incoming = Incoming(max_body=max_body)
    _made.append(incoming)
    return incoming, [incoming.take(piece) for piece in pieces]


def read(incoming: Incoming) -> bytes:
    return incoming.head + incoming.open_body().read()


@pytest.mark.parametrize("request_", WHOLE)
def test_it_is_whole_with_its_last_byte_and_not_before(request_: bytes) -> None:
    incoming, answers = take(*[request_[i : i + 1] for i in range(len(request_))])
    assert answers == [*[False] * (len(request_) - 1), True]
    assert read(incoming) == WHOLE[request_]


@pytest.mark.parametrize("request_", WHOLE)
@pytest.mark.parametrize("cut", range(0, 28, 3))
def test_what_comes_after_it_is_the_next(request_: bytes, cut: int) -> None:
    incoming, _ = take(request_[:cut], request_[cut:] + b"GET /next")
    assert (read(incoming), incoming.surplus) == (WHOLE[request_], b"GET /next")


@pytest.mark.parametrize(
    "headers",
    [b"Content-Length: x", b"Content-Length: -1", b"Content-Length: 1\r\nContent-Length: 2",
     b"Content-Length: 5\r\nTransfer-Encoding: chunked", b"Content-Length: 5\x0b"],
)  # fmt: skip
def test_what_cannot_be_right_is_the_parser_s_to_refuse(headers: bytes) -> None:
    _, answers = take(b"POST /a HTTP/1.1\r\n" + headers + b"\r\n\r\n")
    assert answers == [True]


LINE = b"POST /a HTTP/1.1\r\nHost: x\r\n"
NEXT = b"GET /next HTTP/1.1\r\nHost: x\r\n\r\n"
IN_CHUNKS = b"Transfer-Encoding: chunked\r\n\r\n"
# Each might hide a request in another's body, wherever two readers see another end of it.
AMBIGUOUS = [
    *[
        LINE + line + b"\r\n\r\nhello"
        for line in [
            b"Content-Length: +5", b"Content-Length : 5", b"Content-Length: 5\x0b",
            b"Content-Length:\x0c5", b"Content-Length: 5, 5", b"Content-Length: 5\r\n ",
            b"Content-Length:\r\n 5", b"Content-Length: 5\r\nContent-Length: 5",
            b"Content-Length: 0x5", b"Content-Length: 5_0", b"Content-Length: \xb2",
            b"Content-Length: 5\0", b"Content_Length: 5", b"X: a\nContent-Length: 5",
            b" Content-Length: 5", b"Content-Length: " + b"0" * 30 + b"5",
        ]
    ],
    *[
        LINE + line + b"\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
        for line in [
            b"Transfer-Encoding: \x0bchunked", b"Transfer-Encoding: chunked\x0c",
            b"Transfer-Encoding: chunked\n", b"Transfer-Encoding:\rchunked",
            b"Transfer-Encoding : chunked", b"Transfer-Encoding:\r\n chunked",
            b"Transfer-Encoding: chunked\r\n a", b"Transfer-Encoding: chunked, chunked",
            b"Transfer-Encoding: chunked\r\nContent-Length: 5", b"X: a\nTransfer-Encoding: chunked",
            b"Transfer-Encoding: chunked\r\nContent-Length : 5", b"Transfer-Encoding: xchunked",
            b"Transfer-Encoding: identity", b"Transfer-Encoding: chunked\r\nExpect: wonders",
        ]
    ],
    b"POST /a HTTP/1.0\r\nX: HTTP/1.1\r\n" + IN_CHUNKS + b"5\r\nhello\r\n0\r\n\r\n",
    *[
        LINE + IN_CHUNKS + chunks
        for chunks in [
            b"0x5\r\nhello\r\n0\r\n\r\n", b"5\nhello\r\n0\r\n\r\n", b"5\r\nhelloXX0\r\n\r\n",
            b"5\r\nhello\n\n0\r\n\r\n", b"5 \r\nhello\r\n0\r\n\r\n", b" 5\r\nhello\r\n0\r\n\r\n",
            b"5;a\rb\r\nhello\r\n0\r\n\r\n", b"5;a\nhello\r\n0\r\n\r\n",
            b"5;\r\nhello\r\n0\r\n\r\n",
            b"5\r\nhello\r\n0\n\n", b"5\r\nhello\r\n0\r\n\n", b"5\r\nhello\r\n0\r\n bad\r\n\r\n",
            b"5\r\nhello\r\n0\r\nA: b\n\r\n", b"-5\r\nhello\r\n0\r\n\r\n",
            b"5\r\r\nhello\r\n0\r\n\r\n",
            b"5\r\nhello\r\n0\r\n \r\n\r\n", b"0o5\r\nhello\r\n0\r\n\r\n",
            b"5;a=b\r\nhello\r\n0\r\nA: b\r\n\r\n", b"0005\r\nhello\r\n000\r\n\r\n",
        ]
    ],
]  # fmt: skip


def parse(source: Any) -> tuple[bytes, bytes] | None:
    """What gunicorn's parser makes of it: the body, and what is left; None when it refuses."""
    parser = RequestParser(Config(), iter([]), ("192.0.2.1", 1))
    parser.unreader = source
    try:
        body = next(parser).body.read()
        return body, source.read(None) or b""
    except (ParseException, ChunkMissingTerminator, InvalidChunkSize, InvalidChunkExtension):
        return None


@pytest.mark.parametrize("said", AMBIGUOUS)
def test_a_request_ends_where_the_parser_of_all_its_bytes_sees_its_end(said: bytes) -> None:
    expected = parse(IterUnreader(iter([said + NEXT])))
    try:
        incoming, answers = take(said + NEXT)
    except RefusedError:
        found = None
    else:
        assert answers == [True]
        found = parse(_Gathered(incoming))
        found = found and (found[0], incoming.surplus)
    assert found == expected
    assert expected in (None, (b"hello", NEXT), (b"", b"hello" + NEXT))


@pytest.mark.parametrize(
    ("pieces", "status"),
    [
        ([b"GET /" + b"a" * MAX_HEAD], 414),
        ([b"GET / HTTP/1.1\r\nA: " + b"a" * MAX_HEAD], 431),
        ([b"POST / HTTP/1.1\r\nContent-Length: 1001\r\n\r\n"], 413),
        ([b"POST / HTTP/1.1\r\nContent-Length: " + b"9" * 50 + b"\r\n\r\n"], 413),
        ([b"POST / HTTP/1.1\r\nTransfer-Encoding: identity, chunked\r\n\r\n"], 501),
        ([LINE + IN_CHUNKS + b"0\r\n" + b"A: b\r\n" * 20_000], 431),
        ([LINE + IN_CHUNKS + (b"1;a=" + b"b" * 900 + b"\r\na\r\n") * 80], 413),
        (
            [b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", b"3000\r\n" + b"a" * 2000],
            413,
        ),
    ],
)
def test_too_much_is_refused(pieces: list[bytes], status: int) -> None:
    with pytest.raises(RefusedError) as refusal:
        take(*pieces)
    assert refusal.value.status == status


def test_a_large_body_goes_to_the_disk() -> None:
    head = b"POST /a HTTP/1.1\r\nContent-Length: 200000\r\n\r\n"
    incoming, answers = take(head, b"a" * 100_000, b"b" * 100_000, max_body=10**6)
    assert answers == [False, False, True]
    source = incoming.open_body()
    assert source._rolled  # type: ignore[attr-defined]
    assert source.read() == b"a" * 100_000 + b"b" * 100_000
    incoming.close()


def test_who_waits_to_be_asked_is_asked_once() -> None:
    head = b"POST /a HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"
    incoming, _ = take(head)
    assert incoming.wants_continue
    assert incoming.take(b"ab")
    assert read(incoming) == b"POST /a HTTP/1.1\r\nContent-Length: 2\r\n\r\nab"


def test_nobody_of_http_1_0_is_asked_for_a_body() -> None:
    head = b"POST /a HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"
    incoming, _ = take(head)
    assert not incoming.wants_continue
