"""How the Stripe SDK's calls travel: by urllib3's pool of connections, which all threads share.

The SDK's own client goes by requests, which looks for proxies, passwords and cookies anew in each
call: that took half of a call's processor time. Here the environment's proxy (`HTTPS_PROXY`,
`NO_PROXY`) is looked for once.

No error says what was sent: the key is part of it.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

import stripe
import urllib3

# Of proxies: SOCKS would take a package more.
_SCHEMES = ("http", "https")


class PooledClient(stripe.HTTPClient):
    """Raises stripe.APIConnectionError for whatever isn't an answer, and where the environment's
    proxy is none. Follows no redirects and tries nothing twice. May be used by any number of
    threads, and keeps `connections` of them open."""

    name = "urllib3"

    def __init__(self, *, base: str, timeout: tuple[float, float], connections: int) -> None:
        super().__init__()
        options: dict[str, Any] = {
            "maxsize": connections,
            "timeout": urllib3.Timeout(connect=timeout[0], read=timeout[1]),
            "retries": False,
            "ca_certs": stripe.ca_bundle_path,
        }
        try:
            proxy = find_proxy(base)
        except ValueError as exc:
            raise stripe.APIConnectionError(f"Stripe can't be reached: {exc}") from None
        self._pool: urllib3.PoolManager = (
            urllib3.ProxyManager(proxy, proxy_headers=_sign_in_at(proxy), **options)
            if proxy
            else urllib3.PoolManager(**options)
        )

    # As the SDK's own clients, which give bytes, too.
    def request(  # type: ignore[override]
        self, method: str, url: str, headers: Mapping[str, str] | None, post_data: Any = None
    ) -> tuple[bytes, int, Mapping[str, str]]:
        try:
            answer = self._pool.request(
                method.upper(), url, headers=headers, body=post_data, redirect=False
            )
        except (urllib3.exceptions.HTTPError, OSError) as exc:
            raise stripe.APIConnectionError(
                f"Stripe can't be reached: {type(exc).__name__}: {exc}"
            ) from exc
        except ValueError as exc:
            # What can't be sent at all, such as a key with a line's end: the text quotes it.
            raise stripe.APIConnectionError(
                f"Stripe can't be asked: {type(exc).__name__}"
            ) from None
        return answer.data, answer.status, answer.headers

    def close(self) -> None:
        """Close the connections that nobody uses."""
        self._pool.clear()


def find_proxy(base: str) -> str | None:
    """Return the environment's proxy for calls to this address; one without a scheme is spoken to
    by HTTP. Raises ValueError for one by which no call can go; its text holds no password."""
    parts = urlsplit(base)
    if proxy_bypass(parts.netloc):
        return None
    proxies = getproxies()
    given = proxies.get(parts.scheme) or proxies.get("all")
    if not given:
        return None
    proxy = given if "://" in given else f"http://{given}"
    try:
        address = urllib3.util.parse_url(proxy)
        _sign_in_at(proxy)
    except ValueError:
        raise ValueError("the environment's proxy is no address") from None
    if address.scheme not in _SCHEMES or not address.host:
        raise ValueError("the environment's proxy must be an http:// or https:// address")
    return proxy


def _sign_in_at(proxy: str) -> dict[str, str] | None:
    parts = urlsplit(proxy)
    if not parts.username:
        return None
    words = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return dict(urllib3.make_headers(proxy_basic_auth=words))
