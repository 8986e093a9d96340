"""How calls to Stripe travel: by few connections, and what isn't an answer is the SDK's error."""

import threading
import traceback
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import stripe

from payments import apps, stripe_gateway, stripe_http
from payments.errors import PaymentsUnavailable
from payments.stripe_http import PooledClient


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    connections = 0
    paths: list[str]
    headers: list[Any]
    status = 200


@pytest.fixture
def server() -> Iterator[_Server]:
    """Answers each request with its body, and counts connections."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            made.connections += 1
            super().setup()

        def answer(self) -> None:
            made.paths.append(self.path)
            made.headers.append(self.headers)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}"
            self.send_response(made.status)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Location", "/elsewhere")
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = answer  # noqa: N815 - as the base class names them

        def log_message(self, *_: Any) -> None: ...

    made = _Server(("127.0.0.1", 0), Handler)
    made.paths, made.headers = [], []
    threading.Thread(target=made.serve_forever, daemon=True).start()
    yield made
    made.shutdown()
    made.server_close()


def _client(base: str) -> PooledClient:
    return PooledClient(base=base, timeout=(5.0, 5.0), connections=4)


def _base(server: _Server) -> str:
    return f"http://127.0.0.1:{server.server_address[1]}"


def test_calls_share_their_connections(server: _Server) -> None:
    client = _client(_base(server))
    for _ in range(3):
        body, status, headers = client.request("post", f"{_base(server)}/v1/x", {"A": "b"}, "c=d")
        assert (body, status, headers["Content-Length"]) == (b"c=d", 200, "3")
    assert server.connections == 1
    assert {found["A"] for found in server.headers} == {"b"}
    client.close()


def test_it_follows_nobody_elsewhere(server: _Server) -> None:
    """The key would go along."""
    server.status = 302
    assert _client(_base(server)).request("get", f"{_base(server)}/v1/x", {})[1] == 302
    assert server.paths == ["/v1/x"]


def test_what_isnt_an_answer_is_the_sdks_error() -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as taken:
        base = f"http://127.0.0.1:{taken.server_address[1]}"
    with pytest.raises(stripe.APIConnectionError, match="can't be reached"):
        _client(base).request("get", f"{base}/v1/x", {})


@pytest.mark.parametrize("key", ["sk_test_nobody's\n", "sk_test_\N{EURO SIGN}"])
def test_what_cant_be_sent_is_the_sdks_error_and_isnt_told(server: _Server, key: str) -> None:
    client, headers = _client(_base(server)), {"Authorization": f"Bearer {key}"}
    with pytest.raises(stripe.APIConnectionError, match="can't be asked") as raised:
        client.request("get", f"{_base(server)}/v1/x", headers)
    assert "sk_test" not in "".join(traceback.format_exception(raised.value))
    assert not server.paths


@pytest.fixture
def unproxied(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An environment without proxies."""
    for name in ("http_proxy", "https_proxy", "no_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    return monkeypatch


@pytest.mark.parametrize("scheme", ["http://", ""])
@pytest.mark.parametrize("variable", ["HTTP_PROXY", "ALL_PROXY"])
def test_it_goes_by_the_environments_proxy(
    server: _Server, unproxied: pytest.MonkeyPatch, variable: str, scheme: str
) -> None:
    unproxied.setenv(variable, _base(server).replace("http://", f"{scheme}me:my%20word@"))
    client = _client("http://stripe.test")
    assert client.request("get", "http://stripe.test/v1/x", {})[1] == 200
    assert server.paths == ["http://stripe.test/v1/x"]
    assert server.headers[0]["Proxy-Authorization"].startswith("Basic ")
    unproxied.setenv("NO_PROXY", "stripe.test")
    assert stripe_http.find_proxy("http://stripe.test") is None


@pytest.mark.parametrize(
    "proxy",
    [
        "socks5://me:secret@proxy.test:1080", "http://", "http://me:secret@[::1", "http://a:99999",
        "http://me:secret%E2%82%AC@proxy.test:3128",
    ],
)  # fmt: skip
def test_without_a_way_to_stripe_nothing_starts_and_buyers_are_told_to_wait(
    unproxied: pytest.MonkeyPatch, settings: Any, proxy: str
) -> None:
    unproxied.setenv("HTTPS_PROXY", proxy)
    with pytest.raises(SystemExit, match=r"can't start, HTTPS_PROXY .* proxy ") as stopped:
        apps._require_way_to("")
    settings.STRIPE_SECRET_KEY = "sk_test_proxied"
    settings.STRIPE_API_BASE = ""
    with pytest.raises(PaymentsUnavailable) as raised:
        stripe_gateway.retrieve_balance()
    told = [str(stopped.value), *traceback.format_exception(raised.value)]
    assert "secret" not in "".join(told)


def test_a_way_around_the_proxy_starts(unproxied: pytest.MonkeyPatch) -> None:
    unproxied.setenv("HTTPS_PROXY", "socks5://proxy.test:1080")
    apps._require_way_to("http://standin.test")
    unproxied.setenv("NO_PROXY", "api.stripe.com")
    apps._require_way_to("")
