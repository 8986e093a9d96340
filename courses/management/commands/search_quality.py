"""`manage.py search_quality`: how well search finds what it must, in the demo catalogue."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from courses.search.quality import PLACES, judge, mean_reciprocal_rank, read_queries


class Command(BaseCommand):
    help = "Prints the mean reciprocal rank of search over a file of queries, and what it misses."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--at-least", type=float, default=0.0, help="Fail when the figure is lower."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        judged = judge(read_queries())
        for one in judged:
            if one.place != 1:
                place = one.place or f"none of {PLACES}"
                first = ", ".join(one.found[:3]) or "nothing"
                self.stdout.write(f"  {one.query.query!r}: place {place}; first came {first}")
        figure = mean_reciprocal_rank(judged)
        right = sum(one.place == 1 for one in judged)
        self.stdout.write(
            f"Mean reciprocal rank at {PLACES}: {figure:.3f} over {len(judged)} queries "
            f"({right} of them right at the first place)."
        )
        if figure < options["at_least"]:
            raise CommandError(f"The figure is below {options['at_least']}.")
