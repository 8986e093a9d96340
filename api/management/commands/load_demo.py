"""`manage.py load_demo`: fills an empty installation with a catalogue to look at."""

from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from api.demo.loader import load_demo


class Command(BaseCommand):
    help = "Loads the demo catalogue, people and orders into an empty database."

    def handle(self, *args: Any, **options: Any) -> None:
        loaded = load_demo(now=timezone.now())
        if loaded is None:
            self.stdout.write("There is data already: it is kept, and no demo is loaded.")
            return
        self.stdout.write(
            f"Demo loaded: {loaded.courses} courses with {loaded.lessons} lessons, "
            f"{loaded.people} people, {loaded.enrollments} enrolments, {loaded.reviews} reviews, "
            f"{loaded.orders} orders."
        )
