"""Log lines: one for each record, with its time, level, client and the id of the request that it is
about, as text or as JSON; and whose request that is, from the web process to the last worker.

A record never shows a query string, a body or a token: what looks like a secret is blanked here,
whoever wrote it.
"""

import datetime as dt
import json
import logging
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

NOBODY = "-"
request_id: ContextVar[str] = ContextVar("request_id", default=NOBODY)
# Whoever asked, in a worker; in a web process the request itself knows (`core.origin`).
client: ContextVar[str] = ContextVar("client", default=NOBODY)
# What a worker is at.
task: ContextVar[str] = ContextVar("task", default="")

_SECRET = re.compile(
    r"(?i)\b([\w-]*(?:token|secret|password|passwd|signature|api_?key|session(?:id|_?key)?))"
    r"(\"?'?\s*[=:]\s*\"?'?)([^\s&,;\"'<>}\])]+)"
)
_BEARER = re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}")
_QUERY = re.compile(r"(?<=[\w/])\?[^\s\"'<>]*=[^\s\"'<>]*")
_CONTROLS = {**{number: f"\\x{number:02x}" for number in (*range(32), 127)},
             9: "\t", 10: "\\n", 13: "\\r"}  # fmt: skip


def current_id() -> str:
    """Return the id of the request at hand, to be stored with what it causes; "" without one."""
    found = request_id.get()
    return "" if found == NOBODY else found


@contextmanager
def on_behalf_of(identity: str, *, asked_by: str = NOBODY) -> Iterator[None]:
    """Write log lines as being about this request, and store what is caused as caused by it. An
    empty identity changes nothing: then it isn't known."""
    if not identity or identity == request_id.get():
        yield
        return
    tokens = request_id.set(identity), client.set(asked_by)
    try:
        yield
    finally:
        request_id.reset(tokens[0])
        client.reset(tokens[1])


class RequestIdFilter(logging.Filter):
    """Adds `request_id`, `client` and `task` to each record; "-", "-" and "" where there is
    none."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.request_id = request_id.get()
        record.client = find_client()
        record.task = task.get()
        return True


class AccessFilter(logging.Filter):
    """Takes `request_id` and `client` of gunicorn's access lines from the request they are about,
    which is over by then."""

    def filter(self, record: logging.LogRecord) -> bool:
        atoms: Any = record.args if isinstance(record.args, Mapping) else {}
        record.request_id = str(atoms.get("{x-request-id}o") or NOBODY)
        record.client = _find_address(atoms)
        record.task = ""
        record.access = {name: atoms.get(atom) for name, atom in _ACCESS.items()}
        return True


_ACCESS = {"method": "m", "path": "U", "status": "s", "bytes": "B", "milliseconds": "M"}


class TextFormatter(logging.Formatter):
    """`TIME LEVEL LOGGER [REQUEST] CLIENT MESSAGE`, one line but for tracebacks."""

    def format(self, record: logging.LogRecord) -> str:
        head = f"{_time(record)} {record.levelname} {record.name} [{_of(record, 'request_id')}]"
        doing = _of(record, "task", "")
        words = f"{doing}: {message}" if (message := _message(record)) and doing else message
        text = f"{head} {_of(record, 'client')} {words}"
        trace = _trace(self, record)
        return f"{text}\n{trace}" if trace else text


class JSONFormatter(logging.Formatter):
    """One JSON object a line, for machines."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": _time(record),
            "level": record.levelname,
            "logger": record.name,
            "message": _message(record),
            "request_id": _of(record, "request_id"),
            "client": _of(record, "client"),
            "process": record.process,
        }
        if doing := _of(record, "task", ""):
            line["task"] = doing
        line |= getattr(record, "access", {})
        if trace := _trace(self, record):
            line["exception"] = trace
        return json.dumps(line, ensure_ascii=False, default=str)


def describe_logging(*, level: str, form: str) -> dict[str, Any]:
    """Return the configuration of logging for every process of ours, gunicorn's own lines
    included; `form` is "text" or "json"."""
    console = {"class": "logging.StreamHandler", "formatter": form}
    access = {"handlers": ["access"], "level": "INFO", "propagate": False}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {
            "request_id": {"()": "core.logging.RequestIdFilter"},
            "access": {"()": "core.logging.AccessFilter"},
        },
        "formatters": {
            "text": {"()": "core.logging.TextFormatter"},
            "json": {"()": "core.logging.JSONFormatter"},
        },
        "handlers": {
            "console": {**console, "filters": ["request_id"]},
            "access": {**console, "filters": ["access"], "stream": "ext://sys.stdout"},
        },
        "root": {"handlers": ["console"], "level": level},
        "loggers": {
            "gunicorn.error": {"handlers": ["console"], "level": "INFO", "propagate": False},
            "gunicorn.access": access,
            "django.request": {"level": "ERROR"},
            "stripe": {"level": "WARNING"},
            "celery.beat": {"level": "WARNING"},
            "celery.worker.strategy": {"level": "WARNING"},
            # That nobody took a sweep in time is nothing to tell: the next one comes.
            "celery.worker.request": {"level": "WARNING"},
            "celery.app.trace": {"level": "WARNING"},
        },
    }


def blank_secrets(text: str) -> str:
    """Return the text without what looks like a secret, or a query string."""
    text = _QUERY.sub("?…", text)
    text = _BEARER.sub(r"\1 …", text)
    return _SECRET.sub(r"\1\2…", text)


def find_client() -> str:
    """Return the address of whoever asked, "-" when nobody did."""
    from core.network import client_ip
    from core.origin import current_request

    request = current_request.get()
    if request is None:
        return client.get()
    return client_ip(request) or NOBODY


def _find_address(atoms: Any) -> str:
    from core.network import client_address

    told = atoms.get("{x-forwarded-for}i")
    peer = {"REMOTE_ADDR": atoms.get("h"), "HTTP_X_FORWARDED_FOR": told}
    return client_address(peer) or NOBODY


def _time(record: logging.LogRecord) -> str:
    at = dt.datetime.fromtimestamp(record.created, tz=dt.UTC)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _of(record: logging.LogRecord, name: str, missing: str = NOBODY) -> str:
    return str(getattr(record, name, missing))


def _message(record: logging.LogRecord) -> str:
    """A line feed in what a stranger sent must not begin a line of its own."""
    return blank_secrets(record.getMessage().translate(_CONTROLS))


def _trace(formatter: logging.Formatter, record: logging.LogRecord) -> str:
    if record.exc_info and not record.exc_text:
        record.exc_text = formatter.formatException(record.exc_info)
    return blank_secrets(record.exc_text or "")
