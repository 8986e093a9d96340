"""Measuring one row: warm up, compare the answers, then drive the servers in alternation."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.bodies import BodyError, fetch_bodies, find_difference, shape_of
from benchmarks.load import LoadError, Turn, drive, write_stream
from benchmarks.options import Options
from benchmarks.results import RowResult, summarise
from benchmarks.rows import FLOOR_BYTES, Row
from benchmarks.servers import Server
from benchmarks.statements import Counted, StatementBook
from benchmarks.streams import COURSES, Facts, Request

Say = Callable[[str], None]

_COMPARED = 12
_WARM_UP_SECONDS = 2


def measure_row(
    row: Row,
    *,
    servers: Mapping[str, Server],
    facts: Facts,
    options: Options,
    book: StatementBook,
    say: Say,
) -> RowResult:
    """Return what the servers did with the row's stream. Raises BodyError or LoadError."""
    streams = {name: _requests_for(row, name, facts) for name in servers}
    files = {
        name: write_stream(requests, options.state / f"{row.name}-{name}.stream")
        for name, requests in streams.items()
    }
    compare_answers(row, servers, streams, files, options)
    turns: dict[str, list[Turn]] = {name: [] for name in servers}
    counted: dict[str, Counted | None] = {}
    for number in range(options.rounds):
        for name, server in servers.items():
            book.settle()
            book.clear()
            turn = _drive(
                server, files[name], options, skip=number * len(streams[name]) // options.rounds
            )
            counted[name] = book.read(requests=turn.requests)
            turns[name].append(turn)
        say(", ".join(f"{name} {seen[-1].rps:,.0f}/s" for name, seen in turns.items()))
    return summarise(row, turns, counted)


def compare_answers(
    row: Row,
    servers: Mapping[str, Server],
    streams: Mapping[str, Sequence[Request]],
    files: Mapping[str, Path],
    options: Options,
) -> None:
    """Warm every server up, and hold its answers at rest and under load against the first's.

    Raises BodyError naming the first difference.
    """
    expected: tuple[str, list[Any]] | None = None
    for name, server in servers.items():
        step = max(len(streams[name]) // _COMPARED, 1)
        sample = streams[name][::step][:_COMPARED]
        at_rest = fetch_bodies(port=server.port, requests=sample)
        with ThreadPoolExecutor(max_workers=1) as beside:
            load = beside.submit(
                _drive,
                server,
                files[name],
                replace(options, seconds=_WARM_UP_SECONDS),
                # From the middle on: the first turn is to find nothing remembered.
                skip=len(streams[name]) // 2,
            )
            under_load = fetch_bodies(port=server.port, requests=sample)
            load.result()
        _hold_equal(f"{name} at rest", at_rest, f"{name} under load", under_load, sample)
        if expected is None:
            expected = name, at_rest
        elif name == "textbook" and row.textbook_ranks:
            shapes = [shape_of(body) for body in expected[1]]
            _hold_equal(expected[0], shapes, name, [shape_of(body) for body in at_rest], sample)
        else:
            _hold_equal(*expected, name, at_rest, sample)


def _drive(server: Server, stream: Path, options: Options, *, skip: int) -> Turn:
    try:
        return drive(
            port=server.port,
            stream=stream,
            seconds=options.seconds,
            connections=options.connections,
            skip=skip,
        )
    except LoadError as problem:
        raise LoadError(f"{server.name}, {stream.stem}: {problem}") from None


def _hold_equal(
    one: str, bodies: list[Any], other: str, others: list[Any], sample: Sequence[Request]
) -> None:
    for request, body, another in zip(sample, bodies, others, strict=True):
        if difference := find_difference(body, another):
            raise BodyError(f"{request.path}: {one} and {other} differ at {difference}")


def _requests_for(row: Row, server: str, facts: Facts) -> list[Request]:
    requests = row.stream(facts)
    if not requests:
        raise BodyError(f"The data has nothing to ask for in the row {row.name!r}.")
    if server == "floor" and row.floor_sends_bytes:
        return [
            replace(request, path=request.path.replace(COURSES, FLOOR_BYTES, 1))
            for request in requests
        ]
    return requests
