"""The kinds of addresses that a library reads: what it wouldn't take isn't one. Asking it costs no
connection."""

import re
from collections.abc import Iterable
from urllib.parse import parse_qs, parse_qsl, urlsplit

import psycopg
from kombu import Connection as BrokerConnection
from psycopg import pq
from psycopg.conninfo import make_conninfo
from redis import ConnectionPool, RedisError
from sentry_sdk.utils import BadDsn, Dsn

from learnflow.settings.kinds import split_address

_DATABASES = ("postgres", "postgresql", "pgsql")
_REDISES = ("redis", "rediss")
_DJANGOS_OPTIONS = frozenset({"assume_role"})
# libpq reads these only when it connects.
_WHOLE_OPTIONS = frozenset({
    "connect_timeout", "keepalives", "keepalives_idle", "keepalives_interval", "keepalives_count",
    "tcp_user_timeout",
})  # fmt: skip
# No server listens there, and nothing is looked up or sent to find that out.
_NOWHERE = "/learnflow-nowhere"


def database(value: str) -> None:
    """Where the database is: a server's address or, without a host, a socket of this machine."""
    parts = split_address(value, needs_host=False)
    if parts is None or parts.scheme not in _DATABASES or len(parts.path.strip("/")) == 0:
        raise ValueError("must be an address such as postgres://user:password@host:port/name")
    options = {name: given[0] for name, given in parse_qs(parts.query, True).items()}
    known = {option.keyword.decode() for option in pq.Conninfo.get_defaults()}
    if unknown := options.keys() - known - _DJANGOS_OPTIONS:
        raise ValueError(f"must have no options that PostgreSQL doesn't know: {_names(unknown)}")
    options = {name: text for name, text in options.items() if name in known}
    if not _is_taken(options):
        # By itself each may be right, and two of them contradict each other.
        wrong = [name for name, text in options.items() if not _is_taken({name: text})]
        raise ValueError(f"must have options that PostgreSQL takes: see {_names(wrong or options)}")


def _is_taken(options: dict[str, str]) -> bool:
    """Whether libpq takes these: it tries to connect only when it does."""
    for name in _WHOLE_OPTIONS & options.keys():
        if not re.fullmatch(r"[0-9]{1,9}", options[name]):
            return False
    # What depends on where the server is can't be said of nowhere.
    tried = {**options, "host": _NOWHERE, "hostaddr": ""}
    if tried.get("gssencmode") == "require":
        tried["gssencmode"] = "prefer"
    try:
        connection = pq.PGconn.connect_start(make_conninfo(**tried).encode())
    except psycopg.Error:
        return False
    try:
        return _NOWHERE.encode() in connection.error_message
    finally:
        connection.finish()


def redis(value: str) -> None:
    """Where Redis is, for the cache and for the broker, which reads the address in its own way."""
    parts = split_address(value)
    if parts is None or parts.scheme not in _REDISES or not re.fullmatch(r"(/\d*)?", parts.path):
        raise ValueError("must be an address such as redis://:password@host:port/0")
    try:
        pool = ConnectionPool.from_url(value)
        pool.connection_class(**pool.connection_kwargs)
        BrokerConnection(value)
    except (ValueError, TypeError, LookupError, RedisError):
        options = [name for name, _ in parse_qsl(urlsplit(value).query, True)]
        raise ValueError(
            f"must have options that both the cache and the broker take: see {_names(options)} "
            "(time-outs have settings of their own)"
        ) from None


def report_address(value: str) -> None:
    """Where error reports go: a DSN as Sentry shows it."""
    try:
        if split_address(value) is None:
            raise BadDsn
        Dsn(value)
    except ValueError:
        raise ValueError("must be a DSN such as https://key@o1.ingest.sentry.io/2") from None


def _names(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))
