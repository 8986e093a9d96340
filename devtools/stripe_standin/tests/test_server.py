"""How the stand-in speaks HTTP: connections are kept, and their requests answered in order."""

import http.client
import socket

import pytest


@pytest.fixture
def wire(standin):
    host, port = standin.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=60) as connection:
        yield connection


def read_answer(wire):
    answer = http.client.HTTPResponse(wire)
    answer.begin()
    return answer.status, answer.read()


def test_a_connection_is_kept_open(standin, wire):
    for _ in range(3):
        wire.sendall(b"GET /_control/health HTTP/1.1\r\nHost: x\r\n\r\n")
        status, body = read_answer(wire)
        assert status == 200
        assert b'"ok": true' in body


def test_one_that_is_to_be_closed_is(standin, wire):
    wire.sendall(b"GET /_control/health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    everything = b"".join(iter(lambda: wire.recv(65536), b""))
    assert b"\r\nConnection: close\r\n" in everything


def test_requests_sent_together_are_answered_in_their_order(standin, wire):
    standin.fault("hang", "charges.list", seconds=0.2)
    key = standin.secret_key.encode()
    head = b" HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + key + b"\r\n\r\n"
    wire.sendall(b"GET /v1/charges" + head + b"GET /v1/refunds" + head)
    everything = b""
    while everything.count(b'"url"') < 2:
        piece = wire.recv(65536)
        assert piece
        everything += piece
    assert everything.index(b'"/v1/charges"') < everything.index(b'"/v1/refunds"')


def test_a_body_may_come_in_pieces_after_the_head(standin, wire):
    body = b"email=a%40learnflow.test&name=Ada+L"
    key = standin.secret_key.encode()
    wire.sendall(
        b"POST /v1/customers HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + key + b"\r\n"
        b"Content-Type: application/x-www-form-urlencoded\r\nExpect: 100-continue\r\n"
        b"Content-Length: %d\r\n\r\n" % len(body)
    )
    assert wire.recv(65536) == b"HTTP/1.1 100 Continue\r\n\r\n"
    wire.sendall(body[:9])
    wire.sendall(body[9:])
    status, answer = read_answer(wire)
    assert status == 200
    assert b'"Ada L"' in answer


def test_what_is_no_http_is_hung_up_on(standin, wire):
    wire.sendall(b"what is this?\r\n\r\n")
    everything = b"".join(iter(lambda: wire.recv(65536), b""))
    assert everything.startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize("path", ["/v1/charges/", "/v1/charges"])
def test_a_question_of_the_head_alone_gets_no_body(standin, wire, path):
    wire.sendall(
        f"HEAD {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {standin.secret_key}\r\n"
        "Connection: close\r\n\r\n".encode()
    )
    everything = b"".join(iter(lambda: wire.recv(65536), b""))
    assert everything.startswith(b"HTTP/1.1 200 OK\r\n")
    assert everything.endswith(b"\r\n\r\n")
