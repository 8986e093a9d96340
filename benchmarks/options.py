"""The command line of `make bench`."""

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.rows import ROWS

_ROOT = Path(__file__).resolve().parents[1]
_QUICK_COURSES = 2_000
_QUICK_PURCHASES = 20
_ORDERS = (10_000, 1_000_000)
_QUICK_ORDERS = (400, 2_000)
_SCALE = "scale"
PURCHASES = "purchases"
BOOKS = "books"
_NAMES = tuple(row.name for row in ROWS)
SERVERS = ("product", "floor", "textbook")


@dataclass(frozen=True, kw_only=True)
class Options:
    """What to measure, and how. `seconds` is one turn of one server; a row has `rounds` turns.

    A `quick` run shows that everything works; it is too short to hold anything to a target.
    """

    courses: int
    seconds: int
    rounds: int
    connections: int
    purchases: int
    orders: tuple[int, ...]
    only: tuple[str, ...]
    servers: tuple[str, ...]
    scale: tuple[int, ...]
    against: Path | None
    json: Path | None
    state: Path
    fresh: bool
    quick: bool
    database_url: str | None
    redis_url: str | None


def parse_options(arguments: list[str]) -> Options:
    """Read the command line. Exits with a message when it makes no sense."""
    parser = _build_parser()
    given = vars(parser.parse_args(arguments))
    if bool(given["database_url"]) != bool(given["redis_url"]):
        parser.error("--database-url and --redis-url belong together")
    if given["quick"]:
        given |= {
            "courses": min(given["courses"], _QUICK_COURSES),
            "purchases": min(given["purchases"], _QUICK_PURCHASES),
            "orders": given["orders"] or _QUICK_ORDERS,
            "seconds": 1,
            "rounds": 1,
            "no_scale": True,
        }
    given["scale"] = _choose_scale(given)
    given["orders"] = tuple(sorted(given["orders"] or _ORDERS))
    given["only"] = tuple(given["only"] or _NAMES)
    given["servers"] = tuple(given["servers"] or SERVERS)
    return Options(**given)


def _choose_scale(given: dict[str, Any]) -> tuple[int, ...]:
    """The sizes of the scale check: none when it was left out or not among the rows asked for."""
    left_out, million = given.pop("no_scale"), given.pop("million")
    if left_out or (given["only"] and _SCALE not in given["only"]):
        return ()
    return tuple(sorted({1_000, given["courses"], *((1_000_000,) if million else ())}))


def _build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="make bench ARGS=",
        description="Measures the catalogue beside two reference servers (benchmarks/README.md).",
    )
    add = parser.add_argument
    add("--courses", type=_positive, default=100_000, help="size of the catalogue (100000)")
    add("--seconds", type=_positive, default=5, help="length of one turn of one server (5)")
    add("--rounds", type=_positive, default=5, help="turns of each server in a row (5)")
    add("--connections", type=_positive, default=16, help="connections wrk keeps busy (16)")
    add(
        "--only",
        action="append",
        choices=[*_NAMES, _SCALE, PURCHASES, BOOKS],
        metavar="ROW",
        help=f"measure this row alone; may be repeated: {', '.join(_NAMES)}, scale, purchases, "
        "books",
    )
    add(
        "--purchases",
        type=_positive,
        default=500,
        help="people who pay at once, with --only purchases (500)",
    )
    add(
        "--orders",
        type=_positive,
        action="append",
        metavar="NUMBER",
        help="a size of the marketplace, with --only books; may be repeated (10000 and 1000000)",
    )
    add(
        "--servers",
        action="append",
        choices=SERVERS,
        metavar="SERVER",
        help="start these alone; may be repeated",
    )
    add("--against", type=Path, metavar="FILE", help="compare with an earlier --json result")
    add("--json", type=Path, metavar="OUT", help="write the result to this file")
    add("--quick", action="store_true", help="2000 courses, one turn of a second: does it run?")
    add("--million", action="store_true", help="the scale check also at 1,000,000 courses")
    add("--no-scale", action="store_true", help="leave out the scale check")
    add("--fresh", action="store_true", help="generate the data again")
    add(
        "--state",
        type=Path,
        default=_ROOT / ".local" / "benchmarks",
        metavar="FOLDER",
        help="where the embedded servers keep their data (.local/benchmarks)",
    )
    add(
        "--database-url",
        metavar="URL",
        help="a PostgreSQL to use instead of the embedded one; "
        "databases named learnflow_bench_… are made on it",
    )
    add("--redis-url", metavar="URL", help="the Redis beside it")
    return parser  # fmt: skip


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return number
