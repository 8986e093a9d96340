"""`manage.py reconcile`: compares our payments, refunds, disputes and transfers with Stripe's."""

import argparse
import datetime as dt
import re
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from payments import selectors, services, stripe_gateway
from payments.errors import PaymentsUnavailable
from payments.management.console import NOT_LOOKED, console_for
from payments.models import ReconciliationDifference, ReconciliationRun

_AGE = re.compile(r"(\d{1,4})([dh])")


class Command(BaseCommand):
    help = (
        "Compares payments, refunds, disputes and transfers with Stripe's, heals what differs as a "
        "webhook would, and verifies the books. Exits with 1 when differences stay, with 2 when it "
        "couldn't look at everything."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "--since", type=_moment, default="3d",
            help="how far back: 3d, 12h, or an ISO date or time (UTC where no offset is given; "
            "default: 3d)",
        )  # fmt: skip
        parser.add_argument(
            "--everything", action="store_true",
            help="before that, look through all of history for facts that aren't booked, credit "
            "notes that are missing and access without its reason, and see to them",
        )  # fmt: skip

    def handle(self, *args: Any, **options: Any) -> None:
        if options["everything"]:
            done = services.book_missing(everything=True) + services.repair_access(everything=True)
            console_for(self.stdout).print(f"Seen to, of all of history: {done:,}")
        if not stripe_gateway.is_configured():
            words = "Stripe isn't configured here: there is nothing to compare."
            raise CommandError(words, returncode=NOT_LOOKED)
        try:
            run = _compare(options["since"], Console(stderr=True))
        except PaymentsUnavailable as exc:
            words = f"{exc.message}. Nothing is lost: run it again."
            raise CommandError(words, returncode=NOT_LOOKED) from exc
        except OperationalError as exc:
            raise CommandError(f"PostgreSQL doesn't answer: {exc}", returncode=NOT_LOOKED) from exc
        if run.error:
            raise CommandError(run.error, returncode=NOT_LOOKED)
        console = console_for(self.stdout)
        console.print(_totals_of(run))
        differences = selectors.list_open_differences()
        if differences:
            console.print(_table_of(differences))
            raise CommandError(f"{len(differences)} differences stay.", returncode=1)
        console.print("[green]No difference is left.[/green]")


def _compare(since: dt.datetime, console: Console) -> ReconciliationRun:
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        # How many pages Stripe has is known only at the end: the bar shows the time covered.
        task = progress.add_task("payment intents", total=None)

        def show(run: ReconciliationRun) -> None:
            covered, whole = _covered(run)
            progress.update(task, description=_describe(run), completed=covered, total=whole)

        return services.compare_now(since=since, on_progress=show)


def _describe(run: ReconciliationRun) -> str:
    return (
        f"{run.position.get('stage', 'done').replace('_', ' ')}: "
        f"{run.payments_compared:,} payments, {run.refunds_compared:,} refunds, "
        f"{run.disputes_compared:,} disputes, {run.transfers_compared:,} transfers, "
        f"{run.differences_healed:,} healed"
    )


def _covered(run: ReconciliationRun) -> tuple[float, float]:
    """Return how many seconds of the time were covered, and of how many: lists go from now
    backwards."""
    whole = (run.created_at - run.since).total_seconds()
    if run.finished_at is not None:
        return whole, whole
    reached = parse_datetime(run.position.get("until") or "") or run.created_at
    return max(0.0, (run.created_at - reached).total_seconds()), whole


def _totals_of(run: ReconciliationRun) -> Table:
    table = Table(title=f"Since {run.since:%Y-%m-%d %H:%M} UTC", title_justify="left")
    for name in ("", "Ours", "Stripe's"):
        table.add_column(name, justify="right" if name else "left")
    for currency, sums in sorted(run.totals.items()):
        for what in ("captured", "refunded"):
            ours, theirs = sums[f"{what}_here"], sums[f"{what}_there"]
            mark = "" if ours == theirs else " [red]✗[/red]"
            table.add_row(f"{what.capitalize()}, {currency}", ours, f"{theirs}{mark}")
    for what, count in (
        ("Payments compared", run.payments_compared),
        ("Refunds compared", run.refunds_compared),
        ("Disputes compared", run.disputes_compared),
        ("Transfers compared", run.transfers_compared),
        ("Differences healed", run.differences_healed),
    ):
        table.add_row(what, f"{count:,}", "")
    return table


def _table_of(differences: list[ReconciliationDifference]) -> Table:
    table = Table(title="Differences that stay", title_justify="left")
    for name in ("Since", "What", "Kind", "Ours", "Stripe's"):
        table.add_column(name, overflow="fold")
    for row in differences:
        what = f"{row.object_type} {row.object_id}"
        cells = (f"{row.created_at:%Y-%m-%d %H:%M}", what, row.kind, row.ours, row.theirs)
        # A course's title may be among the words: no markup of ours.
        table.add_row(*(Text(cell) for cell in cells))
    return table


def _moment(text: str) -> dt.datetime:
    """Return the time meant by `3d`, `12h`, `2026-01-31` or `2026-01-31T12:00Z`."""
    age = _AGE.fullmatch(text)
    if age is not None:
        unit = "days" if age[2] == "d" else "hours"
        return timezone.now() - dt.timedelta(**{unit: int(age[1])})
    try:
        day = parse_date(text)
        moment = dt.datetime.combine(day, dt.time.min) if day else parse_datetime(text)
    except ValueError:
        moment = None
    if moment is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no age such as 3d and no ISO date")
    moment = moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
    if moment > timezone.now():
        raise argparse.ArgumentTypeError(f"{text!r} lies in the future: nothing would be compared")
    return moment
