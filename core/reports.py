"""Error reports (Sentry): what went wrong and where, and nobody's data.

Reports carry no bodies, headers, cookies, query strings or local variables. What is left is looked
through for fields that hold somebody's data or a secret, by name (`core.private_fields`), and for
addresses and tokens within any text. An outage is reported once, however many requests meet it; who
answers with an error isn't away, and that error is one like any other.
"""

import re
import threading
import time
from collections.abc import Mapping
from smtplib import (
    SMTPConnectError,
    SMTPRecipientsRefused,
    SMTPResponseException,
    SMTPServerDisconnected,
)
from typing import Any, cast
from urllib.parse import urlsplit

import redis
import sentry_sdk
from django.core.cache import cache
from django_redis import get_redis_connection
from kombu.exceptions import OperationalError as BrokerError
from redis.exceptions import AuthorizationError
from sentry_sdk.integrations.celery import CeleryIntegration

from core.errors import Unavailable
from core.logging import request_id
from core.postgresql.outages import is_database_away, is_of_database
from core.private_fields import is_private

FILTERED = "[Filtered]"
# An outage is over when it wasn't met for so long.
QUIET_SECONDS = 300
# The same error of another kind is reported so often within that time by one process.
_REPEATS = 5

_HEADERS = {"host", "user-agent", "content-type", "content-length", "x-request-id", "accept"}
_UNSAMPLED = ("/health/", "/api/v1/health/", "/metrics")
_SECRETS = re.compile(
    r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"  # addresses
    r"|eyJ[\w-]+\.[\w-]+(?:\.[\w-]*)?"  # tokens of ours
    r"|\b(?:sk|rk|pk|whsec|pi|seti|cs)_[\w]{8,}(?:_secret_\w+)?"  # Stripe's
    r"|(?i:bearer)\s+\S+"
    r"|(?<=:)[^/\s:@]+(?=@)"  # a password in an address
    # What PostgreSQL quotes of a row, and addresses' queries.
    r"|(?<=\)=\().*?(?=\))|(?<=row contains \().*(?=\))|(?<=\?)[^\s\"']*=[^\s\"']*"
)
_OUTAGES: tuple[tuple[type[BaseException], str], ...] = (
    (redis.ConnectionError, "Redis"),
    (redis.TimeoutError, "Redis"),
    (BrokerError, "broker"),
    (SMTPServerDisconnected, "mail server"),
    (SMTPConnectError, "mail server"),
    (ConnectionError, "connection"),
    (TimeoutError, "connection"),
)
# They answered: each is a fault of its own, to be told also while something is away.
_ANSWERS = (
    redis.ResponseError,
    # redis-py has these for failed connections.
    redis.AuthenticationError,
    AuthorizationError,
    SMTPResponseException,
    SMTPRecipientsRefused,
)
# "Service not available, closing transmission channel" (RFC 5321), whatever it is said to.
_SMTP_CLOSES = 421


def start_reports(*, dsn: str, environment: str, sample_rate: float, **options: Any) -> None:
    """Report errors from now on. `options` go to the SDK as they are."""

    def sample(context: Mapping[str, Any]) -> float:
        return 0.0 if _is_unsampled(context) else sample_rate

    sentry_sdk.init(
        dsn=dsn,
        environment=environment,
        traces_sampler=sample,
        send_default_pii=False,
        max_request_body_size="never",
        include_local_variables=False,
        before_send=cast(Any, prepare_event),
        before_send_transaction=cast(Any, prepare_transaction),
        before_breadcrumb=lambda crumb, hint: _clean(crumb),
        integrations=[CeleryIntegration(monitor_beat_tasks=False, propagate_traces=False)],
        **options,
    )


def prepare_event(event: dict[str, Any], hint: dict[str, Any]) -> dict[str, Any] | None:
    """Return what of an event is sent, None for nothing."""
    exc = (hint.get("exc_info") or (None, None, None))[1]
    # A log line may say of itself that it tells of an outage.
    outage = getattr(hint.get("log_record"), "outage", None) or _find_outage(exc)
    if outage:
        event["fingerprint"] = ["outage", outage]
    if not _reports.lets(outage, _kind_of(event)):
        return None
    cleaned = _without_data(event)
    if request_id.get() != "-":
        cleaned["tags"] = {**(cleaned.get("tags") or {}), "request_id": request_id.get()}
    return cleaned


def prepare_transaction(event: dict[str, Any], hint: dict[str, Any]) -> dict[str, Any]:
    """Return what of a transaction is sent."""
    return _without_data(event)


def _without_data(event: dict[str, Any]) -> dict[str, Any]:
    request = event.pop("request", None)
    user = event.pop("user", None)
    cleaned: dict[str, Any] = _clean(event)
    if request:
        headers = request.get("headers") or {}
        cleaned["request"] = {
            "method": request.get("method"),
            "url": urlsplit(str(request.get("url") or ""))._replace(query="", fragment="").geturl(),
            "headers": {name: v for name, v in headers.items() if name.lower() in _HEADERS},
        }
    if user and user.get("id"):
        cleaned["user"] = {"id": user["id"]}
    return cleaned


def _clean(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {
            key: FILTERED if is_private(str(key)) and not _is_the_sdks(key, part) else _clean(part)
            for key, part in value.items()
        }
    if isinstance(value, list | tuple):
        return [_clean(part) for part in value]
    return _SECRETS.sub(FILTERED, value) if isinstance(value, str) else value


def _is_the_sdks(key: object, part: object) -> bool:
    """Whether this is a part of the report, named like a field of ours, and not that."""
    return isinstance(part, Mapping | list) and key in {
        "exception", "values", "breadcrumbs", "data", "contexts", "extra", "sdk", "modules",
        "spans",
        "stacktrace", "frames", "threads", "logentry", "params", "tags", "trace", "runtime",
    }  # fmt: skip


def _find_outage(exc: BaseException | None) -> str | None:
    """Return what is away, by this error or what it came of; None also when it answered."""
    while exc is not None:
        if isinstance(exc, Unavailable):
            return exc.code
        if is_of_database(exc):
            return "PostgreSQL" if is_database_away(exc) else None
        if getattr(exc, "smtp_code", None) == _SMTP_CLOSES:
            return "mail server"
        for kind, name in _OUTAGES:
            if isinstance(exc, kind):
                return None if _is_answer(exc) or _is_answer(exc.__cause__) else name
        if _is_answer(exc):
            return None
        exc = exc.__cause__ or (None if exc.__suppress_context__ else exc.__context__)
    return None


def _is_answer(exc: BaseException | None) -> bool:
    return isinstance(exc, _ANSWERS) and not isinstance(exc, SMTPConnectError)


def _kind_of(event: Mapping[str, Any]) -> str:
    """Return what tells this error from others: its type, those of what it came of, and its place,
    or the logged sentence."""
    values = (event.get("exception") or {}).get("values") or [{}]
    frames = (values[-1].get("stacktrace") or {}).get("frames") or [{}]
    # A library raises the same error in one place, whoever of us called it.
    frames = [frame for frame in frames if frame.get("in_app")] or frames
    sentence = (event.get("logentry") or {}).get("message", "")
    place = (frames[-1].get("module"), frames[-1].get("function"), frames[-1].get("lineno"))
    types = [value.get("type") for value in values]
    return repr((types, place, event.get("logger"), sentence))


class _Reports:
    """What was reported of late, by this process, and in Redis by all of them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._met: dict[str, tuple[float, int]] = {}

    def lets(self, outage: str | None, kind: str) -> bool:
        """Note one more of this; False when it has been told often enough."""
        key = f"outage:{outage}" if outage else kind
        now = time.monotonic()
        with self._lock:
            self._met = {k: m for k, m in self._met.items() if now - m[0] < QUIET_SECONDS}
            since, times = self._met.get(key, (now, 0))
            # An outage goes on as long as it is met; another error is counted from its first time.
            self._met[key] = (now if outage else since, times + 1)
        if outage is None:
            return times < _REPEATS
        return times == 0 and _is_first_of_all(key)

    def forget(self) -> None:
        """Forget what was met."""
        with self._lock:
            self._met.clear()


_reports = _Reports()


def _is_first_of_all(key: str) -> bool:
    """Whether no other process reported this outage. Without Redis each reports for itself."""
    try:
        return bool(get_redis_connection("default").set(_key(key), 1, nx=True, ex=QUIET_SECONDS))
    except redis.RedisError:
        return True


def _key(name: str) -> str:
    return str(cache.make_key(f"report:{name}"))


def _is_unsampled(context: Mapping[str, Any]) -> bool:
    """Whether nobody wants to know how long this took: probes, and what beat sets off."""
    transaction = context.get("transaction_context") or {}
    path = str((context.get("wsgi_environ") or {}).get("PATH_INFO", ""))
    is_task = str(transaction.get("op", "")).startswith("queue")
    return is_task or path.startswith(_UNSAMPLED)
