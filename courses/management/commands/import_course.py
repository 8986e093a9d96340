"""`manage.py import_course`: a file to a draft."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from core.errors import DomainError
from courses.authors import Author, author_from
from courses.portability import check_file, import_course
from users.models import User


class Command(BaseCommand):
    help = "Makes the course in a file (JSON or ZIP) a draft. A file with faults changes nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        who = parser.add_mutually_exclusive_group(required=True)
        who.add_argument("--instructor", help="e-mail of the person whose draft it becomes")
        who.add_argument("--check", action="store_true", help="only say what is wrong with it")

    def handle(
        self, *args: Any, file: Path, instructor: str | None, check: bool, **options: Any
    ) -> None:
        try:
            content = file.read_bytes()
        except OSError as exc:
            raise CommandError(f"Can't read {file}: {exc.strerror}") from None
        try:
            if instructor is None:
                check_file(content=content)
                self.stdout.write(f"{file}: no faults")
                return
            course = import_course(author=_find_author(instructor), content=content)
        except DomainError as exc:
            raise CommandError("\n".join([exc.message, *_list_faults(exc)])) from None
        self.stdout.write(f"{course.slug} ({course.id}): {course.lessons_count} lessons, a draft")


def _find_author(email: str) -> Author:
    user = User.objects.filter(email__iexact=email).first()
    if user is None:
        raise CommandError(f"There is nobody with the e-mail {email}")
    return author_from(user)


def _list_faults(exc: DomainError) -> list[str]:
    details: dict[str, Any] = exc.details
    return [f"  {path}: {message}" for path, messages in details.items() for message in messages]
