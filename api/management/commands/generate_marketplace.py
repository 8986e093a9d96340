"""`manage.py generate_marketplace`: a marketplace of any size (see docs/performance.md)."""

import argparse
import datetime as dt
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connection
from rich.console import Console

from api.generator.market import generate_market, tidy_tables
from api.generator.options import DEFAULT_EPOCH, GeneratorError, Options
from api.generator.progress import Progress

# Fewer would leave a small catalogue's bestsellers without enough people to attend them.
FEWEST_LEARNERS = 100


class Command(BaseCommand):
    help = (
        "Generates a marketplace with COPY: courses, curricula, people, enrolments, reviews. The "
        "same options give the same rows, ids included. All of it is written, or nothing."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        positive, whole = _whole(1), _whole(0)
        add = parser.add_argument
        add("--courses", type=positive, required=True)
        add("--enrollments", type=whole, help="default: 10 a course")
        add("--reviews", type=whole, help="default: one for every second enrolment")
        add("--learners", "--users", type=positive, help="default: one for 4 enrolments, at "
            f"least {FEWEST_LEARNERS}")  # fmt: skip
        add("--instructors", type=positive, help="default: one for 8 courses")
        add("--seed", type=whole, default=1)
        add("--sections", type=positive, default=2, help="of a course (default: 2)")
        add("--lessons", type=positive, default=3, help="of a section (default: 3)")
        add("--deep-courses", type=whole, help="so many bestsellers get 10 sections of 10 lessons "
            "(default: one in 1,000 courses)")  # fmt: skip
        add("--epoch", type=_moment, default=DEFAULT_EPOCH, help="the data ends at this ISO time "
            f"(default: {DEFAULT_EPOCH:%Y-%m-%d}; UTC where no offset is given)")  # fmt: skip
        add("--force", action="store_true", help="even with production settings")

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.INVENTED_DATA_ALLOWED and not options["force"]:
            raise CommandError(
                "These are not settings for development. Generated people and courses can't be "
                "told from real ones by buyers, and the tables are locked meanwhile: --force if "
                "you mean it."
            )
        try:
            with Progress(Console(stderr=True)) as progress:
                generated = generate_market(options=_options(options), progress=progress)
        except GeneratorError as error:
            raise CommandError(str(error)) from error
        if not connection.in_atomic_block:
            tidy_tables()
        for name, count in generated.rows.items():
            self.stdout.write(f"{count:>12,} {name}")


def _options(given: dict[str, Any]) -> Options:
    """Return the options, with the usual proportions where nothing is said."""
    courses: int = given["courses"]
    enrollments = _given(given["enrollments"], 10 * courses)
    return Options(
        courses=courses,
        enrollments=enrollments,
        reviews=_given(given["reviews"], enrollments // 2),
        learners=_given(given["learners"], max(FEWEST_LEARNERS, enrollments // 4)),
        instructors=_given(given["instructors"], max(1, courses // 8)),
        seed=given["seed"],
        sections=given["sections"],
        lessons=given["lessons"],
        deep_courses=_given(given["deep_courses"], courses // 1000),
        epoch=given["epoch"],
    )


def _given(value: int | None, default: int) -> int:
    return default if value is None else value


def _whole(least: int) -> Callable[[str], int]:
    """Return a reader of whole numbers from `least` on; underscores may part the thousands."""

    def read(text: str) -> int:
        number = int(text)
        if number < least:
            raise argparse.ArgumentTypeError(f"{number} is below {least}")
        return number

    return read


def _moment(text: str) -> dt.datetime:
    moment = dt.datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
