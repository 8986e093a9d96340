"""`manage.py verify_books`: whether orders, money, access and the ledger contradict each other."""

import argparse
import json
from collections import Counter
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError
from rich.table import Table
from rich.text import Text

from payments.books import INVARIANTS, Invariant, Violation, verify, verify_changed
from payments.management.console import NOT_LOOKED, console_for


class Command(BaseCommand):
    help = (
        "Checks every invariant of orders, payments, access, documents and the ledger in one "
        "snapshot, and changes nothing. With --changed only what was written to since the nightly "
        "run verified it. Exits with 1 when one is broken, with 2 when it couldn't look."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print the broken rows as JSON")
        parser.add_argument(
            "--changed",
            action="store_true",
            help="look only at what was written to and hasn't been verified yet",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            violations = _find_changed() if options["changed"] else verify()
        except OperationalError as exc:
            raise CommandError(f"PostgreSQL doesn't answer: {exc}", returncode=NOT_LOOKED) from exc
        if options["json"]:
            self.stdout.write(json.dumps([_as_json(row) for row in violations], indent=2))
        else:
            console = console_for(self.stdout)
            console.print(_table_of(Counter(row.invariant for row in violations)))
            for violation in violations:
                # A course's title may be among the words: no markup of ours.
                console.print(Text.assemble(("✗", "red"), f" {violation}"))
        if violations:
            raise CommandError("The books are broken.", returncode=1)


def _find_changed() -> list[Violation]:
    """What is broken, each row once, though more than one turn may have come upon it."""
    found = {
        (row.invariant, row.subject, *row.facts.items()): row
        for turn in verify_changed()
        for row in turn.violations
    }
    return list(found.values())


def _table_of(broken: Counter[str]) -> Table:
    table = Table(title="The books", title_justify="left")
    table.add_column("Invariant", no_wrap=True)
    table.add_column("What holds")
    table.add_column("Broken by", justify="right")
    for invariant in INVARIANTS:
        table.add_row(invariant.name, invariant.sentence, _count_of(invariant, broken))
    return table


def _count_of(invariant: Invariant, broken: Counter[str]) -> str:
    rows = broken[invariant.name]
    return f"[red]{rows}[/red]" if rows else "[green]none[/green]"


def _as_json(violation: Violation) -> dict[str, object]:
    return {
        "invariant": violation.invariant,
        "subject": violation.subject,
        "facts": dict(violation.facts),
    }
