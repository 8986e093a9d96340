"""`manage.py export_course`: a course to a file."""

import uuid
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from core.errors import DomainError
from courses.authors import Author
from courses.portability import export_json, export_zip
from users.rights import Right

# Whoever has the shell has the database: any course may be read.
_OPERATOR = Author(
    id=uuid.UUID(int=0), is_instructor=False, reads_all=True, rights=frozenset(Right)
)


class Command(BaseCommand):
    help = "Writes a whole course to a file, as `import_course` reads it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("course", help="id or slug")
        parser.add_argument(
            "--format",
            choices=["json", "zip"],
            default="zip",
            help="zip (default) has the thumbnail with it",
        )
        parser.add_argument(
            "--output", type=Path, help="the file to write; by default the slug, in this folder"
        )

    def handle(self, *args: Any, course: str, output: Path | None, **options: Any) -> None:
        export = export_zip if options["format"] == "zip" else export_json
        try:
            file = export(author=_OPERATOR, reference=course)
        except DomainError as exc:
            raise CommandError(exc.message) from None
        path = output or Path(file.name)
        try:
            path.write_bytes(file.content)
        except OSError as exc:
            raise CommandError(f"Can't write {path}: {exc.strerror}") from None
        self.stdout.write(f"{path}: {len(file.content)} bytes")
