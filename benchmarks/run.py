"""`make bench`: generates the data, starts the servers, drives them in alternation, and judges."""

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import psycopg
from rich.console import Console

from benchmarks.bodies import BodyError
from benchmarks.books import JobResult, measure_books
from benchmarks.compare import ComparisonError, compare, read_earlier
from benchmarks.load import LoadError, require_wrk
from benchmarks.marketplace import (
    GeneratorError,
    database_of,
    prepare_marketplace,
    read_facts,
)
from benchmarks.measure import measure_row
from benchmarks.options import BOOKS, PURCHASES, Options, parse_options
from benchmarks.purchases import PurchaseResult, measure_purchases
from benchmarks.results import Results, RowResult, ScaleResult, to_json, write_results
from benchmarks.rows import ROWS
from benchmarks.scale import measure_scale
from benchmarks.servers import APPLICATIONS, ServerError, compose_environment, running
from benchmarks.stack import Stack, embedded_stack
from benchmarks.statements import StatementBook
from benchmarks.table import print_changes, print_results
from devtools.printable import be_printable

_PROBLEMS = (LoadError, BodyError, GeneratorError, ServerError, ComparisonError, psycopg.Error)
_LOG_WIDTH = 130


def main(arguments: list[str]) -> int:
    """Measure as the arguments say. 0 when every target is met, 1 when not, 2 for a problem.

    A quick run is held to no target.
    """
    be_printable()
    options = parse_options(arguments)
    # Written to a file or a log, the table needs no wrapping.
    console = Console() if sys.stdout.isatty() else Console(width=_LOG_WIDTH)
    try:
        if _rows_asked_for(options) or options.scale:
            require_wrk()
        earlier = read_earlier(options.against) if options.against else None
        options.state.mkdir(parents=True, exist_ok=True)
        results = _measure(options, console)
        print_results(results, console, judged=not options.quick)
        if options.json:
            write_results(results, options.json)
        if earlier is not None:
            print_changes(compare(earlier, to_json(results)), console)
    except _PROBLEMS as problem:
        console.print(f"make bench: {problem}", style="red", markup=False)
        return 2
    return 0 if results.holds or options.quick else 1


def _measure(options: Options, console: Console) -> Results:
    with _stack(options) as stack:
        rows = _measure_rows(options, stack, console) if _rows_asked_for(options) else []
        scale = _measure_growth(options, stack, console) if options.scale else []
        purchases = _measure_purchases(options, stack, console)
        books = _measure_books(options, stack, console)
    return Results(
        courses=options.courses,
        connections=options.connections,
        seconds=options.seconds,
        rounds=options.rounds,
        rows=rows,
        scale=scale,
        purchases=purchases,
        books=books,
    )


def _rows_asked_for(options: Options) -> set[str]:
    return {row.name for row in ROWS} & set(options.only)


def _measure_purchases(options: Options, stack: Stack, console: Console) -> PurchaseResult | None:
    if PURCHASES not in options.only:
        return None
    console.rule(f"{options.purchases:,} people pay at once")
    return measure_purchases(options, stack, say=console.print)


def _measure_books(options: Options, stack: Stack, console: Console) -> list[JobResult]:
    if BOOKS not in options.only:
        return []
    console.rule(f"growth with history: {', '.join(f'{n:,}' for n in options.orders)} orders")
    return measure_books(options, stack, say=console.print)


def _measure_rows(options: Options, stack: Stack, console: Console) -> list[RowResult]:
    environment = _prepare(options, stack, options.courses, console)
    facts = read_facts(environment["DATABASE_URL"])
    results = []
    with ExitStack() as started:
        servers = {
            name: started.enter_context(
                running(APPLICATIONS[name], environment=environment, logs=options.state / "log")
            )
            for name in options.servers
        }
        book = StatementBook(environment["DATABASE_URL"])
        started.callback(book.close)
        for row in (row for row in ROWS if row.name in options.only):
            console.rule(f"{row.name}: {row.title}")
            results.append(
                measure_row(
                    row, servers=servers, facts=facts, options=options, book=book, say=console.print
                )
            )
    return results


def _measure_growth(options: Options, stack: Stack, console: Console) -> list[ScaleResult]:
    console.rule(f"growth with the catalogue: {', '.join(f'{n:,}' for n in options.scale)}")
    environments = {
        courses: _prepare(options, stack, courses, console) for courses in options.scale
    }
    return measure_scale(environments, options=options, say=console.print)


def _prepare(options: Options, stack: Stack, courses: int, console: Console) -> dict[str, str]:
    environment = compose_environment(
        database_url=stack.url_of(database_of(courses)),
        redis_url=stack.redis_url,
        state=options.state,
    )
    prepare_marketplace(stack, courses=courses, environment=environment, fresh=options.fresh)
    return environment


@contextmanager
def _stack(options: Options) -> Iterator[Stack]:
    if options.database_url and options.redis_url:
        yield Stack(database_url=options.database_url, redis_url=options.redis_url)
        return
    with embedded_stack(options.state / "servers") as stack:
        yield stack


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
