"""What a run found: as plain facts, as JSON, and judged against the targets."""

import datetime as dt
import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.books import JobResult
from benchmarks.load import Turn
from benchmarks.purchases import PurchaseResult
from benchmarks.rows import Row
from benchmarks.statements import Counted

# A count that is kept for seconds is sent now and then, and is no statement of its own.
_STATEMENTS_TOLERANCE = 0.2


@dataclass(frozen=True, kw_only=True)
class Contender:
    """One server in one row: medians over its turns; latencies in milliseconds."""

    rps: float
    p50: float
    p95: float
    p99: float
    turns: list[float]
    statements: Counted | None = None


@dataclass(frozen=True, kw_only=True)
class Ratio:
    """The product's requests a second over a reference's, the median of the rounds. `target` is
    None where none is set."""

    value: float
    target: float | None

    @property
    def holds(self) -> bool | None:
        """Whether the target is met; None without one."""
        return None if self.target is None else self.value >= self.target


@dataclass(frozen=True, kw_only=True)
class RowResult:
    """One row, measured. `remarks` say what makes a figure other than it seems."""

    name: str
    title: str
    contenders: dict[str, Contender]
    ratios: dict[str, Ratio]
    statements_target: int | None = None
    remarks: list[str] = field(default_factory=list)

    @property
    def statements_hold(self) -> bool | None:
        """Whether the product sends no more statements than allowed; None where not known."""
        product = self.contenders.get("product")
        if self.statements_target is None or product is None or product.statements is None:
            return None
        allowed = self.statements_target + _STATEMENTS_TOLERANCE
        return product.statements.per_request <= allowed

    @property
    def holds(self) -> bool:
        """Whether every target that was measured is met, honestly."""
        verdicts = [*(ratio.holds for ratio in self.ratios.values()), self.statements_hold]
        return False not in verdicts and not self.remarks


@dataclass(frozen=True, kw_only=True)
class ScaleResult:
    """The product's latency for one path as the catalogue grows (one connection, milliseconds)."""

    name: str
    p50: dict[int, float]
    target: float

    @property
    def growth(self) -> float:
        """The largest catalogue's latency over the smallest's."""
        return self.p50[max(self.p50)] / self.p50[min(self.p50)]

    @property
    def holds(self) -> bool:
        """Whether it grows no more than the target allows."""
        return self.growth <= self.target


@dataclass(frozen=True, kw_only=True)
class Results:
    """A whole run."""

    courses: int
    connections: int
    seconds: int
    rounds: int
    rows: list[RowResult]
    scale: list[ScaleResult]
    purchases: PurchaseResult | None = None
    books: list[JobResult] = field(default_factory=list)
    taken_at: str = field(default_factory=lambda: dt.datetime.now(dt.UTC).isoformat("T", "seconds"))
    machine: str = field(default_factory=lambda: f"{platform.machine()}, {_processors()}")

    @property
    def holds(self) -> bool:
        """Whether every row and every growth is within its target."""
        bought = self.purchases is None or self.purchases.holds
        grown = all(one.holds for one in self.scale) and all(one.holds for one in self.books)
        return bought and grown and all(row.holds for row in self.rows)


def summarise(
    row: Row, turns: dict[str, list[Turn]], counted: dict[str, Counted | None]
) -> RowResult:
    """Return a row of what its rounds saw. Turn n of every server was in round n, so ratios are
    taken within a round: a machine that gets slower for a while slows down all of them."""
    contenders = {
        name: Contender(
            rps=median(turn.rps for turn in seen),
            p50=median(turn.p50 for turn in seen),
            p95=median(turn.p95 for turn in seen),
            p99=median(turn.p99 for turn in seen),
            turns=[round(turn.rps, 1) for turn in seen],
            statements=counted.get(name),
        )
        for name, seen in turns.items()
    }
    targets = {"floor": row.against_floor, "textbook": row.against_textbook}
    ratios = {
        name: Ratio(value=paired_ratio(turns["product"], turns[name]), target=target)
        for name, target in targets.items()
        if name in turns and "product" in turns
    }
    return RowResult(
        name=row.name,
        title=row.title,
        contenders=contenders,
        ratios=ratios,
        statements_target=row.statements,
        remarks=_find_remarks(row, contenders),
    )


def paired_ratio(ours: Sequence[Turn], theirs: Sequence[Turn]) -> float:
    """Return the median over the rounds of ours to theirs, in requests a second."""
    return median(a.rps / b.rps for a, b in zip(ours, theirs, strict=True))


def to_json(results: Results) -> dict[str, Any]:
    """Return the results with their verdicts, ready for `json`."""
    facts = asdict(results)
    for shown, row in zip(facts["rows"], results.rows, strict=True):
        shown["holds"] = row.holds
    for shown, item in zip(facts["scale"], results.scale, strict=True):
        shown |= {"growth": item.growth, "holds": item.holds}
    for shown, job in zip(facts["books"], results.books, strict=True):
        shown |= {"growth": job.growth, "holds": job.holds}
    if results.purchases is not None:
        facts["purchases"]["holds"] = results.purchases.holds
    return facts | {"holds": results.holds}


def write_results(results: Results, path: Path) -> None:
    """Write the results as JSON."""
    path.write_text(json.dumps(to_json(results), indent=2) + "\n")


def _find_remarks(row: Row, contenders: dict[str, Contender]) -> list[str]:
    if not row.reaches_database:
        return []
    return [
        f"{name} answered from a cache: {contender.statements.per_request:.2f} statements a request"
        for name, contender in contenders.items()
        if contender.statements is not None and contender.statements.per_request < 0.95
    ]


def _processors() -> str:
    return f"{os.cpu_count()} processors, Python {platform.python_version()}"
