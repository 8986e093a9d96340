"""Whether one can start with what is configured: all that is wrong is told at once, a line each."""

import ipaddress
from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from core.environment import read_variables, split_list
from core.process import role
from core.starting import stop_start
from learnflow.settings.keys import find_weakness
from learnflow.settings.registry import SETTINGS, Setting

PRODUCTION = "learnflow.settings.production"
# The default of docker/gunicorn.conf.py.
_WEB_THREADS = 8
# How many threads of a web process may wait at once.
_WAITING = ("SLOW_WAITS", "STRIPE_CONCURRENCY")
# Whoever has half a name and password is let in nowhere, or is nobody without being told.
_TOGETHER = (
    ("EMAIL_HOST_USER", "EMAIL_HOST_PASSWORD"),
    ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"),
)
# Of a network, IPv4's and IPv6's; a wider one is a good part of the Internet.
_WIDEST = {4: 8, 6: 7}
# What is waited for while a claim is held, and the claim; each with its default (`base.py`).
_HELD = (
    ("STRIPE_TIMEOUT_SECONDS", 5, "LEASE_SECONDS", 25),
    ("STRIPE_DEADLINE_SECONDS", 5, "LEASE_SECONDS", 25),
    ("EMAIL_TIMEOUT", 10, "MAIL_LEASE_SECONDS", 50),
)
# So much of a claim at the most: the rest is for what is done with the answers.
_OF_A_CLAIM = Decimal("0.6")
_NEEDED_WITH_STRIPE = ("STRIPE_PUBLIC_KEY", "STRIPE_WEBHOOK_SECRET")


def read_startable(*, process: Mapping[str, str], file: Path | None) -> dict[str, str]:
    """Return what `read_variables` does, less what is set but empty and so not configured. Ends the
    process, with a line for each problem, when nothing could be started with it."""
    try:
        variables = read_variables(process=process, file=file)
    except ImproperlyConfigured as exc:
        stop_start([str(exc)])
    given = {name: value for name, value in variables.items() if value.strip()}
    in_production = given.get("DJANGO_SETTINGS_MODULE") == PRODUCTION
    if problems := find_problems(given, in_production=in_production, serves=role() == "web"):
        stop_start(problems)
    return given


def require_closed(environment: Mapping[str, str]) -> None:
    """End the process, with a line for each problem, unless what was found startable may also be a
    production. The settings of production ask, whatever name they are imported by."""
    if problems := [*_missing(environment), *_openings(environment)]:
        stop_start(problems)


def find_problems(
    environment: Mapping[str, str], *, in_production: bool, serves: bool = False
) -> list[str]:
    """Return what is wrong with these variables, a line each, naming the setting. `serves` says
    that web processes are started with them."""
    problems = [*_missing(environment)] if in_production else []
    for setting in SETTINGS:
        problems += _find_problem(setting, environment.get(setting.name, ""))
    problems += _contradictions(environment)
    if serves:
        problems += _hold_all_threads(environment)
    if in_production:
        problems += _outlast_claims(environment)
        problems += _openings(environment)
    return problems


def _missing(environment: Mapping[str, str]) -> Iterator[str]:
    names = [setting.name for setting in SETTINGS if setting.required]
    if environment.get("STRIPE_SECRET_KEY"):
        names += _NEEDED_WITH_STRIPE
    missing = [name for name in names if not environment.get(name, "").strip()]
    if missing:
        yield f"missing settings: {', '.join(missing)}"


def _find_problem(setting: Setting, value: str) -> Iterator[str]:
    if not value.strip():
        return
    try:
        setting.kind(value)
    except ValueError as exc:
        shown = "" if setting.secret else f", not {value[:80]!r}"
        yield f"{setting.name}: {exc}{shown}"


def _contradictions(environment: Mapping[str, str]) -> Iterator[str]:
    """What is fine by itself and not together."""
    is_on = {name: _is_on(environment.get(name, "")) for name in ("EMAIL_USE_TLS", "EMAIL_USE_SSL")}
    on_465 = environment.get("EMAIL_PORT") == "465" and "EMAIL_USE_SSL" not in environment
    if is_on["EMAIL_USE_TLS"] and (is_on["EMAIL_USE_SSL"] or on_465):
        yield (
            "EMAIL_USE_TLS and EMAIL_USE_SSL: only one of them can be on; SSL is what port 465 "
            "speaks, TLS (STARTTLS) what 587 and 25 do"
        )
    modes = {
        mode
        for name in ("STRIPE_SECRET_KEY", "STRIPE_PUBLIC_KEY")
        for mode in ("test", "live")
        if f"k_{mode}_" in environment.get(name, "")
    }
    if len(modes) > 1:
        yield "STRIPE_SECRET_KEY and STRIPE_PUBLIC_KEY are of different modes"
    for one, other in _TOGETHER:
        if bool(environment.get(one, "").strip()) != bool(environment.get(other, "").strip()):
            yield f"{one} and {other}: one of them is nothing without the other"


def _hold_all_threads(environment: Mapping[str, str]) -> Iterator[str]:
    """Those who wait for something that hangs would be all there are, in silence."""
    threads = _whole(environment, "WEB_THREADS") or _WEB_THREADS
    for name in _WAITING:
        limit = _whole(environment, name)
        # Of a single thread none can be left.
        if limit is not None and limit >= max(threads, 2):
            yield (
                f"{name}: must be less than WEB_THREADS ({threads}), not {limit}; else an outage "
                "of what is waited for takes all threads of a process"
            )


def _outlast_claims(environment: Mapping[str, str]) -> Iterator[str]:
    """Work would still wait for an answer when its claim lapses, and another worker begins it as
    well. In production alone: tests that kill workers wait for claims of a second."""
    for name, usual, claim, usual_claim in _HELD:
        seconds = _number(environment, name, usual)
        most = _number(environment, claim, usual_claim) * _OF_A_CLAIM
        if seconds > most:
            yield (
                f"{name}: must be at most {most.normalize():f}, six tenths of {claim}, not "
                f"{seconds.normalize():f}; else what waits for an answer outlasts its claim"
            )


def _openings(environment: Mapping[str, str]) -> Iterator[str]:
    """What would leave a production open to anybody."""
    for name in ("SECRET_KEY", "JWT_SECRET"):
        if weakness := find_weakness(environment.get(name, "").strip()):
            yield f"{name}: {weakness}; make one with: openssl rand -base64 48"
    if "*" in split_list(environment.get("ALLOWED_HOSTS", "")):
        yield "ALLOWED_HOSTS: must name each host: * would let a request say whose links we mail"
    proxies = split_list(environment.get("TRUSTED_PROXIES", ""))
    if wide := [part for part in proxies if _is_wide(part)]:
        yield (
            "TRUSTED_PROXIES: must name the proxies' own networks: in one as wide as "
            f"{wide[0]} anybody may say whose address is his"
        )
    if _lies_in(environment.get("PRIVATE_MEDIA_ROOT", ""), environment.get("MEDIA_ROOT", "")):
        yield "PRIVATE_MEDIA_ROOT: must not lie in MEDIA_ROOT, whose files are everybody's"


def _is_wide(network: str) -> bool:
    try:
        found = ipaddress.ip_network(network, strict=False)
    except ValueError:
        return False
    return found.prefixlen < _WIDEST[found.version]


def _lies_in(folder: str, other: str) -> bool:
    return bool(folder and other) and Path(folder).absolute().is_relative_to(Path(other).absolute())


def _is_on(value: str) -> bool:
    return value.strip().lower() in {"true", "on", "ok", "y", "yes", "1"}


def _number(environment: Mapping[str, str], name: str, usual: int) -> Decimal:
    try:
        number = Decimal(environment.get(name, "").strip() or usual)
    except InvalidOperation:
        number = Decimal("nan")
    # What is none is told by its kind.
    return number if number.is_finite() else Decimal(usual)


def _whole(environment: Mapping[str, str], name: str) -> int | None:
    value = environment.get(name, "").strip()
    return int(value) if value.isdecimal() else None
