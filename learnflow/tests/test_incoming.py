"""When a request is whole, in whatever pieces it comes."""

from collections.abc import Iterator

import pytest

from learnflow.web.incoming import MAX_HEAD, Incoming, RefusedError

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
     b"Content-Length: 5\r\nTransfer-Encoding: chunked", b"Transfer-Encoding: gzip",
     b"Content-Length: " + b"9" * 50],
)  # fmt: skip
def test_what_cannot_be_right_is_the_parser_s_to_refuse(headers: bytes) -> None:
    _, answers = take(b"POST /a HTTP/1.1\r\n" + headers + b"\r\n\r\n")
    assert answers == [True]


@pytest.mark.parametrize(
    ("pieces", "status"),
    [
        ([b"GET /" + b"a" * MAX_HEAD], 414),
        ([b"GET / HTTP/1.1\r\nA: " + b"a" * MAX_HEAD], 431),
        ([b"POST / HTTP/1.1\r\nContent-Length: 1001\r\n\r\n"], 413),
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
