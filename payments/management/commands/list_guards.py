"""`manage.py list_guards`: the guards of the books as this database has them."""

from typing import Any

from django.core.management.base import BaseCommand

from payments import books


class Command(BaseCommand):
    help = (
        "Prints each trigger, check, unique index and function that guards the books, with its "
        "fingerprint: what payments/books/definitions.txt has to say after a new migration."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        for row in books.list_definitions():
            self.stdout.write("\t".join(row))
