"""`manage.py load_demo`: fills an empty installation with a catalogue to look at."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from api.demo.loader import load_demo
from api.demo.permission import DemoRefusedError


class Command(BaseCommand):
    help = "Loads the demo catalogue, people and orders into an empty database."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            loaded = load_demo(now=timezone.now())
        except DemoRefusedError as refusal:
            raise CommandError(str(refusal)) from refusal
        if loaded is None:
            self.stdout.write("The demo is there already: all is kept as it is.")
            return
        self.stdout.write(
            f"Demo loaded: {loaded.courses} courses with {loaded.lessons} lessons, "
            f"{loaded.people} people, {loaded.enrollments} enrolments, {loaded.reviews} reviews, "
            f"{loaded.orders} orders."
        )
