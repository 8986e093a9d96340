"""How the Stripe SDK's calls travel: by urllib3's pool of connections, which all threads share.

The SDK's own client goes by requests, which looks for proxies, passwords and cookies anew in each
call: that took half of a call's processor time. Here the environment's proxy (`HTTPS_PROXY`,
`NO_PROXY`) is looked for once.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

import stripe
import urllib3


class PooledClient(stripe.HTTPClient):
    """Raises stripe.APIConnectionError for whatever isn't an answer. Follows no redirects and tries
    nothing twice. May be used by any number of threads, and keeps `connections` of them open."""

    name = "urllib3"

    def __init__(self, *, base: str, timeout: tuple[float, float], connections: int) -> None:
        super().__init__()
        options: dict[str, Any] = {
            "maxsize": connections,
            "timeout": urllib3.Timeout(connect=timeout[0], read=timeout[1]),
            "retries": False,
            "ca_certs": stripe.ca_bundle_path,
        }
        proxy = _find_proxy(base)
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
        return answer.data, answer.status, answer.headers

    def close(self) -> None:
        """Close the connections that nobody uses."""
        self._pool.clear()


def _find_proxy(base: str) -> str | None:
    parts = urlsplit(base)
    if proxy_bypass(parts.netloc):
        return None
    proxies = getproxies()
    return proxies.get(parts.scheme) or proxies.get("all")


def _sign_in_at(proxy: str) -> dict[str, str] | None:
    parts = urlsplit(proxy)
    if not parts.username:
        return None
    words = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return dict(urllib3.make_headers(proxy_basic_auth=words))
