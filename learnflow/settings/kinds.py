"""The kinds of values that settings have. Each is a function of the text that raises ValueError,
saying what the setting must be, when the text isn't that."""

import ipaddress
import os
import re
from collections.abc import Callable, Collection
from decimal import Decimal
from email.utils import parseaddr
from importlib.machinery import PathFinder
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from core.countries import is_country
from core.environment import split_list
from core.money import require_charged
from core.rates import parse_rate
from learnflow.queues import PROCESSES, split_groups

Kind = Callable[[str], object]

_ROOT = Path(__file__).resolve().parents[2]
_YES = frozenset({"true", "on", "ok", "y", "yes", "1"})
_NO = frozenset({"false", "off", "no", "n", "0"})
_WHOLE = re.compile(r"[+-]?[0-9]{1,18}")
_DECIMAL = re.compile(r"[+-]?[0-9]{1,18}(\.[0-9]{1,9})?")
_TOKEN = re.compile(r"[!-~]+")
_LABEL = r"[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?"
_SERVED = re.compile(rf"\*|\.?{_LABEL}(\.{_LABEL})*\.?")
# Names within a container's network may have underscores.
_NAME = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?(\.[A-Za-z0-9_-]+)*\.?")
# As Amazon's own client has them: others that speak S3 allow more than Amazon does.
_BUCKET = re.compile(r"[A-Za-z0-9._-]{3,255}|arn:\S+:s3[a-z-]*:\S*:\d{12}:\S+")
_REGION = re.compile(r"(?![0-9]+$)[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?")


def text(value: str) -> None:
    """Any text."""


def token(value: str) -> None:
    """What is sent in a header, and so can't be any text."""
    if not _TOKEN.fullmatch(value):
        raise ValueError("must be of one piece, in ASCII")


def ascii_text(value: str) -> None:
    """Any text that mail servers can be told."""
    if not value.isascii():
        raise ValueError("must be in ASCII")


def label(value: str) -> None:
    """A name that Sentry takes for an environment."""
    if not re.fullmatch(r"[^\s/]{1,64}", value) or value == "None":
        raise ValueError("must be a name of up to 64 characters, without white space and /")


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
    """Return the kind of comma-separated lists of `kind`, with one at least."""

    def check(value: str) -> None:
        parts = split_list(value)
        if not parts:
            raise ValueError("must name one at least, or be empty")
        for part in parts:
            kind(part)

    return check


def beginning(*starts: str) -> Kind:
    """Return the kind of tokens that begin in one of these ways, and go on."""

    def check(value: str) -> None:
        if not value.startswith(starts) or value in starts or not _TOKEN.fullmatch(value):
            raise ValueError(f"must begin with {' or '.join(starts)} and be of one piece")

    return check


def address(value: str) -> None:
    """The address of a site or an API."""
    parts = split_address(value)
    if parts is None or parts.scheme not in ("http", "https") or parts.query or parts.fragment:
        raise ValueError("must be an address with its scheme, such as https://example.com")


def origin(value: str) -> None:
    """An address without a path, as browsers send it as `Origin`."""
    parts = split_address(value)
    is_alone = value.count("/") == 2 and not set("?#@") & set(value)
    if parts is None or parts.scheme not in ("http", "https") or not is_alone:
        raise ValueError(
            "must be an origin with its scheme and no path, such as https://example.com"
        )


def allowed_origin(value: str) -> None:
    """An origin that may call the API; not *, which with cookies means anybody."""
    if "*" in value:
        raise ValueError("must name each origin: * would let any page act for who is signed in")
    origin(value)


def worker_groups(value: str) -> None:
    """Each queue once, in groups that share a worker."""
    try:
        split_groups(value)
    except ValueError:
        raise ValueError(f"must name each of {', '.join(PROCESSES)} once") from None


def host(value: str) -> None:
    """A host's name or address, nothing around it."""
    if not _NAME.fullmatch(value) and not _is_address(value):
        raise ValueError("must be a host's name alone, without scheme and port")


def served_host(value: str) -> None:
    """A name that the API answers to; Django compares it without the port."""
    in_brackets = value.startswith("[") and value.endswith("]")
    if not _SERVED.fullmatch(value) and not (in_brackets and _is_address(value[1:-1])):
        raise ValueError("must be a host's name alone, without scheme and port")


def listening(value: str) -> None:
    """Where the web server listens."""
    name, colon, port = value.removeprefix("tcp://").rpartition(":")
    is_port = bool(colon) and re.fullmatch(r"[0-9]{1,5}", port) and 0 < int(port) < 65_536
    is_host = not name or _NAME.fullmatch(name) or _is_address(name.strip("[]"))
    if not re.fullmatch(r"unix:\S+|fd://[0-9]+", value) and not (is_port and is_host):
        raise ValueError("must be where to listen, such as 0.0.0.0:8000 or unix:/run/web.sock")


def _is_address(value: str) -> bool:
    try:
        ipaddress.ip_address(value)
    except ValueError:
        return False
    return True


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
    if not (name and at and (_NAME.fullmatch(domain) or re.fullmatch(r"\[[^\]]+\]", domain))):
        raise ValueError("must be an e-mail address")


def currency(value: str) -> None:
    """The currency of all prices."""
    try:
        require_charged(value.lower())
    except ValueError as exc:
        raise ValueError(f"must be a currency that Stripe charges in hundredths ({exc})") from None


def stripe_version(value: str) -> None:
    """A version of Stripe's API."""
    if not re.fullmatch(r"20[0-9]{2}-[01][0-9]-[0-3][0-9](\.[a-z]+)?", value):
        raise ValueError("must be a version of Stripe's API such as 2026-10-28.endive")


def country(value: str) -> None:
    """A country, by its two letters."""
    if not is_country(value):
        raise ValueError("must be a country's two capital letters (ISO 3166-1)")


def tax_rates(value: str) -> None:
    """Percentages by country, one for each."""
    form = "must be percentages by two-letter country such as DE=19,FR=20"
    seen = set()
    for part in value.split(","):
        country, equals, percent = part.partition("=")
        if not equals or not _DECIMAL.fullmatch(percent.strip()):
            raise ValueError(form)
        if not is_country(country.strip().upper()):
            raise ValueError(f"{form} ({country.strip()!r} is no country)")
        if not 0 <= Decimal(percent.strip()) <= 100:
            raise ValueError(f"{form} ({percent.strip()} is no percentage)")
        if (code := country.strip().upper()) in seen:
            raise ValueError(f"{form} ({code} is there twice)")
        seen.add(code)


def dotted(value: str) -> None:
    """The dotted path of something in a module that there is. What a module holds is only known
    when it is imported, which its app does as soon as it can."""
    module, _, name = value.rpartition(".")
    if not (module and name.isidentifier() and _has_module(module)):
        raise ValueError("must be the dotted path of something in a module that can be found")


def bucket(value: str) -> None:
    """Where files lie on S3."""
    if not _BUCKET.fullmatch(value):
        raise ValueError("must be a bucket's name: letters, digits, '.', '-' and '_', 3 at least")


def region(value: str) -> None:
    """A region of S3."""
    if not _REGION.fullmatch(value):
        raise ValueError("must be a region's name such as eu-central-1")


def folder(value: str) -> None:
    """A folder that there is or could be made."""
    path = Path(value).absolute()
    if path == path.parent:
        raise ValueError("must be a folder below /")
    if nearest := _find_obstacle(path):
        raise ValueError(f"must be a folder: {nearest} is none")


def file(value: str) -> None:
    """A file that there is or could be made in its folder."""
    path = Path(value).absolute()
    if os.path.isdir(path) or not os.path.isdir(path.parent):
        raise ValueError("must be a file, in a folder that there is")


def _find_obstacle(path: Path) -> Path | None:
    """Return what stands where this folder, or one it would lie in, had to be."""
    there = next(part for part in (path, *path.parents) if os.path.lexists(part))
    return None if os.path.isdir(there) else there


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


def split_address(value: str, *, needs_host: bool = True) -> SplitResult | None:
    """Return the parts of an address, None when it is none."""
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError:
        return None
    is_whole = value == "".join(value.split()) and (parts.hostname or not needs_host)
    return parts if is_whole and port != 0 else None
