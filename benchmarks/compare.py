"""What changed since an earlier result."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# Less is the machine's mood.
_NOISE_PERCENT = 5.0


@dataclass(frozen=True, kw_only=True)
class Change:
    """One figure, before and now. `is_better` is None where the difference is within the noise."""

    row: str
    figure: str
    before: float
    now: float
    more_is_better: bool = True

    @property
    def percent(self) -> float:
        """By how much it rose; 0 when there was nothing to rise from."""
        return (self.now / self.before - 1) * 100 if self.before else 0.0

    @property
    def is_better(self) -> bool | None:
        """Whether this is good news; None when it is none."""
        if abs(self.percent) < _NOISE_PERCENT:
            return None
        return (self.percent > 0) == self.more_is_better


class ComparisonError(Exception):
    """The file is no result of `make bench`, or of another size."""


def read_earlier(path: Path) -> dict[str, Any]:
    """Return an earlier result. Raises ComparisonError when the file isn't one."""
    try:
        earlier = json.loads(path.read_text())
    except (OSError, ValueError) as problem:
        raise ComparisonError(f"{path} can't be read: {problem}") from None
    if not isinstance(earlier, dict) or "rows" not in earlier or "scale" not in earlier:
        raise ComparisonError(f"{path} is no result of make bench.")
    return earlier


def compare(earlier: dict[str, Any], now: dict[str, Any]) -> list[Change]:
    """Return what both results have, side by side: the ratios first, as they compare best, then
    the product's own figures. Raises ComparisonError when the catalogues differ in size."""
    if earlier["courses"] != now["courses"]:
        raise ComparisonError(
            f"The earlier result is of {earlier['courses']:,} courses, this of {now['courses']:,}."
        )
    before = {row["name"]: row for row in earlier["rows"]}
    changes = [
        change
        for row in now["rows"]
        if row["name"] in before
        for change in _compare_row(before[row["name"]], row)
    ]
    growths = {item["name"]: item["growth"] for item in earlier["scale"]}
    return changes + [
        Change(
            row=item["name"],
            figure="growth",
            before=growths[item["name"]],
            now=item["growth"],
            more_is_better=False,
        )
        for item in now["scale"]
        if item["name"] in growths
    ]


def _compare_row(before: dict[str, Any], now: dict[str, Any]) -> Iterator[Change]:
    for name, ratio in now["ratios"].items():
        if name in before["ratios"]:
            yield Change(
                row=now["name"],
                figure=f"x {name}",
                before=before["ratios"][name]["value"],
                now=ratio["value"],
            )
    ours, theirs = now["contenders"].get("product"), before["contenders"].get("product")
    if ours and theirs:
        for figure in ("rps", "p50", "p99"):
            yield Change(
                row=now["name"],
                figure=figure,
                before=theirs[figure],
                now=ours[figure],
                more_is_better=figure == "rps",
            )
