"""How the product's latency grows with the catalogue: one connection, sizes in alternation."""

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import httpx

from benchmarks import streams
from benchmarks.load import HOST, drive, write_stream
from benchmarks.marketplace import read_facts
from benchmarks.options import Options
from benchmarks.results import ScaleResult
from benchmarks.servers import APPLICATIONS, Server, running
from benchmarks.streams import COURSES, Facts, Request

_CURSOR_STEPS = 200


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
                    environment=environment,
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
    """The same addresses in every size, more than are answered in a second."""
    return streams.first_pages(pages=20)


def _detail(facts: Facts, server: Server) -> list[Request]:
    return streams.detail(facts)


def _filtered(facts: Facts, server: Server) -> list[Request]:
    return streams.filtered_list(facts)


def _cursor(facts: Facts, server: Server) -> list[Request]:
    """The pages that following `next` leads to, from the first cursor on."""
    requests: list[Request] = []
    address = f"{COURSES}?cursor="
    headers = {"Host": HOST, "X-Forwarded-Proto": "https"}
    with httpx.Client(base_url=f"http://127.0.0.1:{server.port}", headers=headers) as client:
        while address and len(requests) < _CURSOR_STEPS:
            answer = client.get(address)
            answer.raise_for_status()
            requests.append(Request(path=address))
            address = (answer.json()["next"] or "").removeprefix(f"https://{HOST}")
    return requests


_PATHS = (
    _Path(name="list", requests=_list, target=1.5),
    _Path(name="detail", requests=_detail, target=1.5),
    _Path(name="cursor", requests=_cursor, target=1.5),
    _Path(name="filtered", requests=_filtered, target=7.0),
)
