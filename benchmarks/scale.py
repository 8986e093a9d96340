"""How the product's latency grows with the catalogue: one connection, sizes in alternation."""

import re
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from urllib.parse import urlencode

import httpx

from benchmarks import streams
from benchmarks.bodies import BodyError
from benchmarks.load import HOST, drive, write_stream
from benchmarks.marketplace import read_facts
from benchmarks.options import Options
from benchmarks.results import ScaleResult
from benchmarks.servers import API_BASE_URL, APPLICATIONS, Server, running
from benchmarks.streams import COURSES, Facts, Request

_CURSORS = 200
# From here on the list's `next` is a cursor.
_LAST_NUMBERED_PAGE = 500
# What is measured is the way to the database: no page is remembered. Counts are, as in every row;
# each filtered list asks for another one.
_FORGETFUL = {"CATALOGUE_PAGE_SECONDS": "0"}


@dataclass(frozen=True, kw_only=True)
class _Path:
    """What is asked for, and how much slower it may be in the largest catalogue."""

    name: str
    requests: Callable[[Facts, Server], list[Request]]
    target: float


def measure_scale(
    environments: Mapping[int, Mapping[str, str]], *, options: Options, say: Callable[[str], None]
) -> list[ScaleResult]:
    """Return the growth of each path over the catalogues, given by their size."""
    with ExitStack() as started:
        servers, facts = {}, {}
        for size, environment in environments.items():
            facts[size] = read_facts(environment["DATABASE_URL"])
            servers[size] = started.enter_context(
                running(
                    APPLICATIONS["product"],
                    environment={**environment, **_FORGETFUL},
                    logs=options.state / "log",
                    label=f"product-{size}",
                )
            )
        return [_measure_path(path, servers, facts, options, say) for path in _PATHS]


def _measure_path(
    path: _Path,
    servers: Mapping[int, Server],
    facts: Mapping[int, Facts],
    options: Options,
    say: Callable[[str], None],
) -> ScaleResult:
    files: dict[int, Path] = {
        size: write_stream(
            path.requests(facts[size], server), options.state / f"scale-{path.name}-{size}.stream"
        )
        for size, server in servers.items()
    }
    seen: dict[int, list[float]] = {size: [] for size in servers}
    for number in range(options.rounds + 1):
        for size, server in servers.items():
            turn = drive(
                port=server.port, stream=files[size], seconds=options.seconds, connections=1
            )
            if number > 0:  # The first turn warms up.
                seen[size].append(turn.p50)
    p50 = {size: median(latencies) for size, latencies in seen.items()}
    say(f"{path.name}: " + ", ".join(f"{size:,} {ms:.2f} ms" for size, ms in p50.items()))
    return ScaleResult(name=path.name, p50=p50, target=path.target)


def _list(facts: Facts, server: Server) -> list[Request]:
    """The same addresses in every size."""
    return streams.first_pages(pages=20)


def _detail(facts: Facts, server: Server) -> list[Request]:
    return streams.detail(facts)


def _filtered(facts: Facts, server: Server) -> list[Request]:
    return streams.filtered_list(facts)


def _cursor(facts: Facts, server: Server) -> list[Request]:
    """Pages of twenty from the middle of the catalogue on.

    The first cursor comes with page 500: of pages so large that it lies about half-way.
    """
    size = max(1, min(facts.courses // _LAST_NUMBERED_PAGE // 2, 100))
    address = f"{COURSES}?{urlencode({'page': _LAST_NUMBERED_PAGE, 'page_size': size})}"
    requests: list[Request] = []
    headers = {"Host": HOST, "X-Forwarded-Proto": "https"}
    url = f"http://127.0.0.1:{server.port}"
    with httpx.Client(base_url=url, headers=headers, timeout=60) as client:
        while len(requests) < _CURSORS:
            answer = client.get(address)
            answer.raise_for_status()
            address = (answer.json()["next"] or "").removeprefix(API_BASE_URL)
            if "cursor=" not in address:
                break
            usual = re.sub(r"page_size=\d+", "page_size=20", address)
            requests.append(Request(path=usual))
    if not requests:
        raise BodyError(f"No cursor follows page {_LAST_NUMBERED_PAGE} of {facts.courses} courses.")
    return requests


_PATHS = (
    _Path(name="list", requests=_list, target=1.5),
    _Path(name="detail", requests=_detail, target=1.5),
    _Path(name="cursor", requests=_cursor, target=1.5),
    _Path(name="filtered", requests=_filtered, target=7.0),
)
