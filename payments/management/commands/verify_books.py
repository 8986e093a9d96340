"""`manage.py verify_books`: whether orders, money, access and the ledger contradict each other."""

import argparse
import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError
from rich.table import Table
from rich.text import Text

from payments.books import INVARIANTS, Invariant, Violation, verify
from payments.management.console import NOT_LOOKED, console_for


class Command(BaseCommand):
    help = (
        "Checks every invariant of orders, payments, access, documents and the ledger in one "
        "snapshot, and changes nothing. Exits with 1 when one is broken, with 2 when it couldn't "
        "look."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print the broken rows as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        broken: dict[str, int] = {}
        try:
            violations = verify(
                on_checked=lambda invariant, rows: broken.update({invariant.name: rows})
            )
        except OperationalError as exc:
            raise CommandError(f"PostgreSQL doesn't answer: {exc}", returncode=NOT_LOOKED) from exc
        if options["json"]:
            self.stdout.write(json.dumps([_as_json(row) for row in violations], indent=2))
        else:
            console = console_for(self.stdout)
            console.print(_table_of(broken))
            for violation in violations:
                # A course's title may be among the words: no markup of ours.
                console.print(Text.assemble(("✗", "red"), f" {violation}"))
        if violations:
            raise CommandError("The books are broken.", returncode=1)


def _table_of(broken: dict[str, int]) -> Table:
    table = Table(title="The books", title_justify="left")
    table.add_column("Invariant", no_wrap=True)
    table.add_column("What holds")
    table.add_column("Broken by", justify="right")
    for invariant in INVARIANTS:
        table.add_row(invariant.name, invariant.sentence, _count_of(invariant, broken))
    return table


def _count_of(invariant: Invariant, broken: dict[str, int]) -> str:
    rows = broken[invariant.name]
    return f"[red]{rows}[/red]" if rows else "[green]none[/green]"


def _as_json(violation: Violation) -> dict[str, object]:
    return {
        "invariant": violation.invariant,
        "subject": violation.subject,
        "facts": dict(violation.facts),
    }
