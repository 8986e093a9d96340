"""The rows of the table: what is asked of every server, and what the product should reach."""

from collections.abc import Callable
from dataclasses import dataclass

from benchmarks import streams
from benchmarks.streams import Facts, Request

FLOOR_BYTES = "/bytes/"


@dataclass(frozen=True, kw_only=True)
class Row:
    """One measurement. The targets are ratios of requests a second, product to reference.

    `statements` is how many the product may send for a request (None: not limited); with
    `reaches_database` a server that sends fewer than one answers from a cache, and the row says so.
    On a row with `floor_sends_bytes` the floor repeats the same bytes instead of reading; on one
    with `textbook_ranks` the textbook finds in its own order, and only its bodies' shape is held.
    """

    name: str
    title: str
    stream: Callable[[Facts], list[Request]]
    against_floor: float | None = None
    against_textbook: float | None = None
    statements: int | None = None
    reaches_database: bool = True
    floor_sends_bytes: bool = False
    textbook_ranks: bool = False


ROWS = (
    Row(
        name="hot",
        title="anonymous list, hot (floor: static bytes)",
        stream=streams.hot_list,
        against_floor=0.75,
        reaches_database=False,
        floor_sends_bytes=True,
    ),
    Row(
        name="list",
        title="anonymous list, every request to the database",
        stream=streams.anonymous_list,
        against_floor=0.70,
        against_textbook=10,
        statements=1,
    ),
    Row(
        name="viewer",
        title="list with the viewer's flags",
        stream=streams.viewer_list,
        against_floor=0.65,
        against_textbook=25,
        statements=3,
    ),
    Row(
        name="filtered",
        title="filtered and ordered list, exact count",
        stream=streams.filtered_list,
        against_floor=0.60,
        against_textbook=8,
        statements=2,
    ),
    Row(
        name="search",
        title="search of a common word",
        stream=streams.search,
        against_floor=0.65,
        against_textbook=50,
        textbook_ranks=True,
    ),
    Row(
        name="detail",
        title="detail, 10x10 curriculum, reviews, distribution",
        stream=streams.detail,
        against_floor=0.60,
        against_textbook=20,
        statements=1,
    ),
)


def find_row(name: str) -> Row:
    """Return the row of this name. Raises KeyError."""
    return {row.name: row for row in ROWS}[name]
