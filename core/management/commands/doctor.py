"""Says how this installation is, a line for each thing; the exit status is 1 when one is wrong."""

import sys
from typing import Any

from django.core.management.base import BaseCommand

from core.doctor import Verdict, examine


class Command(BaseCommand):
    """`manage.py doctor`."""

    help = (
        "Looks at database, migrations, Redis, workers, beat, jobs, mail, Stripe and dead letters."
    )
    # It tells of the database itself, also when that is away.
    requires_system_checks = ()
    requires_migrations_checks = False

    def handle(self, *args: Any, **options: Any) -> None:
        """Print what was found. Exits with 1 if anything is wrong."""
        is_wrong = False
        for finding in examine():
            is_wrong = is_wrong or finding.verdict is Verdict.WRONG
            self.stdout.write(f"{finding.verdict:<6}{finding.name:<28}{finding.words}")
        if is_wrong:
            sys.exit(1)
