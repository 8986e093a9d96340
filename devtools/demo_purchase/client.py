"""An HTTP client that outlives a restart of what it talks to, for a bounded time."""

import time
from collections.abc import Callable
from typing import Any, TypeVar

import httpx

# Of each request, and of what comes a while after one.
PATIENCE_SECONDS = 120.0
_LONGEST_PAUSE = 5.0


Answer = TypeVar("Answer")


class DemoError(Exception):
    """A step did not hold; the text says which expectation failed."""


class PatientClient:
    """Sends requests until they are answered: by anything but a 429, a 5xx or a broken connection.

    Requests may therefore be sent twice. The caller gives those that must not count twice an
    idempotency key. Each request has `patience` seconds, which end with a DemoError.
    """

    def __init__(
        self,
        base_url: str,
        *,
        patience: float = PATIENCE_SECONDS,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._client = httpx.Client(
            base_url=base_url,
            timeout=15.0,
            # Loopback alone: a proxy of the environment has no business here.
            trust_env=False,
            transport=transport,
        )
        self._patience = patience
        self.token: str | None = None

    def get(self, path: str, *, anonymous: bool = False, **query: str | int) -> httpx.Response:
        """GET `path`, with the token unless `anonymous`."""
        headers = self._headers(anonymous=anonymous)
        return self._send("GET", path, headers=headers, params=query)

    def post(
        self, path: str, body: dict[str, Any], *, idempotency_key: str | None = None
    ) -> httpx.Response:
        """POST `body` as JSON."""
        headers = self._headers()
        if idempotency_key is not None:
            headers["Idempotency-Key"] = idempotency_key
        return self._send("POST", path, headers=headers, json=body)

    def post_form(self, path: str, form: dict[str, str], *, idempotency_key: str) -> httpx.Response:
        """POST `form` url-encoded with a publishable key in `form`, as Stripe.js does."""
        return self._send("POST", path, headers={"Idempotency-Key": idempotency_key}, data=form)

    def _headers(self, *, anonymous: bool = False) -> dict[str, str]:
        if self.token is None or anonymous:
            return {}
        return {"Authorization": f"Bearer {self.token}"}

    def _send(self, method: str, path: str, **request: Any) -> httpx.Response:
        deadline = time.monotonic() + self._patience
        pause = 0.2
        while True:
            response: httpx.Response | None = None
            try:
                response = self._client.request(method, path, **request)
                trouble = f"{response.status_code} {response.text[:300]}"
            except httpx.TransportError as error:
                trouble = repr(error)
            if response is not None and not _is_passing(response):
                return response
            pause = _pause_before_retry(response, pause)
            if time.monotonic() + pause > deadline:
                raise DemoError(f"{method} {path} was not answered in time: {trouble}")
            time.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)


def expect(response: httpx.Response, *statuses: int) -> Any:
    """The JSON of `response`, which has to have one of `statuses`. Raises DemoError otherwise."""
    if response.status_code not in statuses:
        request = response.request
        raise DemoError(
            f"{request.method} {request.url.path} answered {response.status_code}: "
            f"{response.text[:500]}"
        )
    return response.json()


def poll(seconds: float, what: str, look: Callable[[], Answer | None]) -> Answer:
    """What `look` answers once that is not None. Raises DemoError naming `what` after `seconds`."""
    deadline = time.monotonic() + seconds
    while (answer := look()) is None:
        if time.monotonic() > deadline:
            raise DemoError(f"{what} did not happen within {seconds:.0f} s")
        time.sleep(0.25)
    return answer


def _is_passing(response: httpx.Response) -> bool:
    """Whether the trouble `response` tells of may be over soon."""
    return response.status_code == httpx.codes.TOO_MANY_REQUESTS or response.is_server_error


def _pause_before_retry(response: httpx.Response | None, pause: float) -> float:
    asked = response.headers.get("Retry-After", "") if response is not None else ""
    return max(pause, float(asked)) if asked.isdigit() else pause
