"""The kinds of values that settings have. Each is a function of the text that raises ValueError,
saying what the setting must be, when the text isn't that."""

import ipaddress
import re
from collections.abc import Callable, Collection
from decimal import Decimal
from email.utils import parseaddr
from importlib.machinery import PathFinder
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from core.countries import is_country
from core.money import require_cents
from core.rates import parse_rate
from learnflow.queues import PROCESSES, split_groups

Kind = Callable[[str], object]

_ROOT = Path(__file__).resolve().parents[2]
_YES = frozenset({"true", "on", "ok", "y", "yes", "1"})
_NO = frozenset({"false", "off", "no", "n", "0"})
_WHOLE = re.compile(r"[+-]?[0-9]{1,18}")
_DECIMAL = re.compile(r"[+-]?[0-9]{1,18}(\.[0-9]{1,9})?")
_HOST = re.compile(r"\*|\.?[a-z0-9]([a-z0-9.-]*[a-z0-9])?\.?|\[[0-9a-f:.]+\]")
_DATABASES = ("postgres", "postgresql", "pgsql")
_REDISES = ("redis", "rediss")


def text(value: str) -> None:
    """Any text."""


def whole(least: int, most: int) -> Kind:
    """Return the kind of whole numbers from `least` to `most`."""

    def check(value: str) -> None:
        if not _WHOLE.fullmatch(value.strip()) or not least <= int(value) <= most:
            raise ValueError(f"must be a whole number from {least} to {most}")

    return check


def number(least: str, most: str, *, places: int = 9) -> Kind:
    """Return the kind of numbers from `least` to `most` with so many places at most."""

    def check(value: str) -> None:
        found = _DECIMAL.fullmatch(value.strip())
        if (
            not found
            or not Decimal(least) <= Decimal(value.strip()) <= Decimal(most)
            or len((found[1] or ".")[1:]) > places
        ):
            fine = f" with at most {places} places" if places < 9 else ""
            raise ValueError(f"must be a number from {least} to {most}{fine}")

    return check


def switch(value: str) -> None:
    """On or off, in the words that the settings know; they take any other word for off."""
    if value.strip().lower() not in _YES | _NO:
        raise ValueError("must be True or False (or on, off, yes, no, 1, 0)")


def one_of(*words: str) -> Kind:
    """Return the kind of exactly these words."""

    def check(value: str) -> None:
        if value not in words:
            raise ValueError(f"must be one of {', '.join(words)}")

    return check


def each(kind: Kind) -> Kind:
    """Return the kind of comma-separated lists of `kind`."""

    def check(value: str) -> None:
        for part in value.split(","):
            if part.strip():
                kind(part.strip())

    return check


def beginning(*starts: str) -> Kind:
    """Return the kind of texts that begin in one of these ways, without white space."""

    def check(value: str) -> None:
        if not value.startswith(starts) or value != "".join(value.split()):
            raise ValueError(f"must begin with {' or '.join(starts)}")

    return check


def address(value: str) -> None:
    """The address of a site or an API."""
    parts = _split(value)
    if parts is None or parts.scheme not in ("http", "https") or parts.query or parts.fragment:
        raise ValueError("must be an address with its scheme, such as https://example.com")


def origin(value: str) -> None:
    """An address without a path, as browsers send it as `Origin`."""
    parts = _split(value)
    if parts is None or parts.scheme not in ("http", "https") or value.count("/") > 2:
        raise ValueError(
            "must be an origin with its scheme and no path, such as https://example.com"
        )


def allowed_origin(value: str) -> None:
    """An origin that may call the API; not *, which with cookies means anybody."""
    if value == "*":
        raise ValueError("must name each origin: * would let any page act for who is signed in")
    origin(value)


def server(*schemes: str) -> Kind:
    """Return the kind of addresses of a server that speaks this."""

    def check(value: str) -> None:
        parts = _split(value)
        if parts is None or parts.scheme not in schemes:
            raise ValueError(f"must be an address such as {schemes[0]}://user:password@host:port/…")

    return check


def database(value: str) -> None:
    """Where the database is: a server's address or, without a host, a socket of this machine."""
    parts = _split(value, needs_host=False)
    if parts is None or parts.scheme not in _DATABASES or len(parts.path.strip("/")) == 0:
        raise ValueError("must be an address such as postgres://user:password@host:port/name")


def redis(value: str) -> None:
    """Where Redis is."""
    parts = _split(value)
    if parts is None or parts.scheme not in _REDISES or not re.fullmatch(r"(/\d*)?", parts.path):
        raise ValueError("must be an address such as redis://:password@host:port/0")


def worker_groups(value: str) -> None:
    """Each queue once, in groups that share a worker."""
    try:
        split_groups(value)
    except ValueError:
        raise ValueError(f"must name each of {', '.join(PROCESSES)} once") from None


def host(value: str) -> None:
    """A host's name or address, nothing around it."""
    if not re.fullmatch(r"[A-Za-z0-9._:-]+", value) or value.count(":") == 1:
        raise ValueError("must be a host's name alone, without scheme and port")


def served_host(value: str) -> None:
    """A name that the API answers to; Django compares it without the port."""
    if not _HOST.fullmatch(value.lower()):
        raise ValueError("must be a host's name alone, without scheme and port")


def network(value: str) -> None:
    """An address or a network."""
    try:
        ipaddress.ip_network(value, strict=False)
    except ValueError:
        raise ValueError("must be addresses or networks such as 10.0.0.0/8") from None


def rate(value: str) -> None:
    """How often something may be done."""
    try:
        parse_rate(value)
    except ValueError:
        raise ValueError("must be a rate such as 600/min (sec, min, hour, day), or none") from None


def mailbox(value: str) -> None:
    """Somebody's e-mail address, with or without a name before it."""
    name, at, domain = parseaddr(value)[1].rpartition("@")
    if not (name and at and re.fullmatch(r"[A-Za-z0-9.-]+|\[[^\]]+\]", domain)):
        raise ValueError("must be an e-mail address")


def currency(value: str) -> None:
    """The currency of all prices."""
    try:
        require_cents(value.lower())
    except ValueError as exc:
        raise ValueError(f"must be a currency that is counted in hundredths ({exc})") from None


def tax_rates(value: str) -> None:
    """Percentages by country."""
    form = "must be percentages by two-letter country such as DE=19,FR=20"
    for part in value.split(","):
        country, equals, percent = part.partition("=")
        if not equals or not _DECIMAL.fullmatch(percent.strip()):
            raise ValueError(form)
        if not is_country(country.strip().upper()):
            raise ValueError(f"{form} ({country.strip()!r} is no country)")
        if not 0 <= Decimal(percent.strip()) <= 100:
            raise ValueError(f"{form} ({percent.strip()} is no percentage)")


def dotted(value: str) -> None:
    """The dotted path of something in a module that there is. What a module holds is only known
    when it is imported, which its app does as soon as it can."""
    module, _, name = value.rpartition(".")
    if not (module and name.isidentifier() and _has_module(module)):
        raise ValueError("must be the dotted path of something in a module that can be found")


def _has_module(name: str) -> bool:
    """Look for a module without importing it, or the package it is in: the apps aren't ready."""
    paths: Collection[str] | None = None
    so_far = ""
    for part in name.split("."):
        so_far = f"{so_far}.{part}" if so_far else part
        spec = PathFinder.find_spec(so_far, list(paths) if paths is not None else None)
        spec = spec or (PathFinder.find_spec(so_far, [str(_ROOT)]) if paths is None else None)
        if spec is None:
            return False
        paths = spec.submodule_search_locations or ()
    return True


def _split(value: str, *, needs_host: bool = True) -> SplitResult | None:
    """Return the parts of an address, None when it is none."""
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError:
        return None
    is_whole = value == "".join(value.split()) and (parts.hostname or not needs_host)
    return parts if is_whole and port != 0 else None
