"""The results as tables for people."""

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from benchmarks.books import TARGET
from benchmarks.compare import Change
from benchmarks.options import SERVERS
from benchmarks.purchases import (
    AT_LEAST_A_SECOND,
    P95_SECONDS,
    STRIPE_SECONDS,
    PurchaseResult,
)
from benchmarks.results import Contender, Ratio, Results, RowResult


def print_results(results: Results, console: Console, *, judged: bool = True) -> None:
    """Print the rows, the growth with the catalogue's size, and what to know about them.

    Targets are for a whole run: one that isn't `judged` is said to have run, and no more.
    """
    if results.rows:
        console.print(_rows_table(results))
    for row in results.rows:
        for remark in row.remarks:
            console.print(f"[yellow]{row.name}: {remark}[/]")
    if results.scale:
        console.print(_scale_table(results))
    if results.purchases:
        console.print(_purchases_table(results.purchases, judged=judged))
    if results.books:
        console.print(_books_table(results, judged=judged))
    verdict = "[green]every target met[/]" if results.holds else "[red]targets missed[/]"
    if not judged:
        verdict = "[green]everything ran[/]; the targets are for a whole run"
    console.print(f"{results.machine}, {results.courses:,} courses: {verdict}")


def print_changes(changes: list[Change], console: Console) -> None:
    """Print how the run differs from an earlier one."""
    table = Table(title="Against the earlier result")
    for title in ("row", "figure"):
        table.add_column(title)
    for title in ("before", "now", "change"):
        table.add_column(title, justify="right")
    for change in changes:
        colour = {True: "green", False: "red", None: "default"}[change.is_better]
        table.add_row(
            change.row,
            change.figure,
            _number(change.before),
            _number(change.now),
            f"[{colour}]{change.percent:+.0f} %[/]",
        )
    console.print(table)


def _rows_table(results: Results) -> Table:
    table = Table(
        title=f"Requests a second, one worker, {results.connections} connections "
        f"({results.rounds} x {results.seconds} s, medians)"
    )
    table.add_column("")
    for title in ("rps", "p50 ms", "p95 ms", "p99 ms", "SQL", "ratio", "target", ""):
        table.add_column(title, justify="right", no_wrap=True)
    for row in results.rows:
        table.add_row(f"[bold]{row.name}[/]: {row.title}")
        for name in (name for name in SERVERS if name in row.contenders):
            table.add_row(f"  {name}", *_contender_cells(row, name, row.contenders[name]))
        table.add_section()
    return table


def _contender_cells(row: RowResult, name: str, contender: Contender) -> list[str]:
    cells = [
        _number(contender.rps),
        *(f"{value:.1f}" for value in (contender.p50, contender.p95, contender.p99)),
        _statements(contender),
    ]
    if name == "product":
        target = "" if row.statements_target is None else f"≤ {row.statements_target} SQL"
        return [*cells, "", target, _verdict(row.statements_hold)]
    ratio = row.ratios.get(name)
    return [*cells, *(_ratio_cells(ratio) if ratio else ["", "", ""])]


def _ratio_cells(ratio: Ratio) -> list[str]:
    target = "" if ratio.target is None else f"≥ {ratio.target:g}x"
    return [f"{ratio.value:.2f}x", target, _verdict(ratio.holds)]


def _statements(contender: Contender) -> str:
    counted = contender.statements
    if counted is None:
        return "?"
    pings = f" +{counted.pings:.2f} ping" if counted.pings >= 0.005 else ""
    return f"{counted.per_request:.2f}{pings}"


def _scale_table(results: Results) -> Table:
    sizes = sorted({size for item in results.scale for size in item.p50})
    table = Table(title="The product's p50 in ms with one connection, by size of the catalogue")
    table.add_column("path")
    for title in (*(f"{size:,}" for size in sizes), "growth", "target", ""):
        table.add_column(title, justify="right")
    for item in results.scale:
        latencies = [f"{item.p50[size]:.2f}" if size in item.p50 else "" for size in sizes]
        table.add_row(
            item.name,
            *latencies,
            f"{item.growth:.2f}x",
            f"≤ {item.target:g}x",
            _verdict(item.holds),
        )
    return table


def _books_table(results: Results, *, judged: bool) -> Table:
    sizes = sorted({size for job in results.books for size in job.ms})
    table = Table(title="Time of what comes again and again, in ms, by the number of orders")
    table.add_column("")
    for title in (*(f"{size:,}" for size in sizes), "ratio", "target", ""):
        table.add_column(title, justify="right", no_wrap=True)
    for job in results.books:
        table.add_row(
            escape(job.name),
            *(f"{job.ms[size]:.2f}" for size in sizes),
            f"{job.growth:.2f}",
            f"≤ {TARGET:g}",
            _verdict(job.holds if judged else None),
        )
    return table


def _purchases_table(result: PurchaseResult, *, judged: bool) -> Table:
    table = Table(
        title=f"{result.purchases:,} people who pay at once, {STRIPE_SECONDS:g} s a call to Stripe"
    )
    table.add_column("")
    for title in ("", "target", ""):
        table.add_column(title, justify="right", no_wrap=True)
    fast, soon = result.a_second >= AT_LEAST_A_SECOND, result.p95 < P95_SECONDS
    table.add_row(
        "settled a second", f"{result.a_second:.1f}", f"≥ {AT_LEAST_A_SECOND:g}",
        _verdict(fast if judged else None),
    )  # fmt: skip
    table.add_row("from payment to access, s: p50", f"{result.p50:.2f}", "", "")
    table.add_row(
        "  p95", f"{result.p95:.2f}", f"< {P95_SECONDS:g}", _verdict(soon if judged else None)
    )
    table.add_row("  p99", f"{result.p99:.2f}", "", "")
    table.add_section()
    for name, times in result.calls.items():
        table.add_row(f"calls to Stripe a purchase: {name}", f"{times:.2f}", "", "")
    table.add_row("statements a purchase", f"{result.statements:.1f}", "", "")
    table.add_row("  PostgreSQL's time, ms", f"{result.database_ms:.1f}", "", "")
    table.add_row("  waiting for the invoice's number, ms", f"{result.number_wait:.2f}", "", "")
    table.add_section()
    table.add_row("the machine's load in the last minute", f"{result.load:.1f}", "", "")
    for name, took in sorted(result.processors.items(), key=lambda item: -item[1]):
        table.add_row(f"processors' time a purchase, ms: {name}", f"{took:.1f}", "", "")
    table.add_section()
    for share in result.longest:
        text = escape(share.query[:90])
        table.add_row(f"{share.times:.2f} x {text}", f"{share.milliseconds:.2f} ms", "", "")
    return table


def _verdict(holds: bool | None) -> str:
    return {True: "[green]met[/]", False: "[red]missed[/]", None: ""}[holds]


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.2f}"
