"""Where the demo may be loaded: its people have a published password and own what they bought."""

from django.apps import apps
from django.conf import settings

from api.demo.sources import PeopleSource, ShelfSource
from courses.models import Course
from users.models import User

# What migrations and the sweeps of an empty installation write.
_NOBODYS = {
    "auth.Permission",
    "contenttypes.ContentType",
    "core.JobRun",
    "payments.BookMark",
    "payments.ReconciliationRun",
    "payments.StripeCursor",
}


class DemoRefusedError(Exception):
    """The demo can't be loaded here; the text says why, in one line."""


def is_loaded(*, people: PeopleSource, shelves: tuple[ShelfSource, ...]) -> bool:
    """Whether this database holds the demo, whatever else has come to it since."""
    emails = [person.email for person in people.everybody]
    slugs = [course.slug for shelf in shelves for course in shelf.courses]
    return (
        User.objects.filter(email__in=emails).exists()
        and Course.objects.filter(slug__in=slugs).exists()
    )


def insist_on_settings() -> None:
    """Raise DemoRefusedError unless these settings allow invented people."""
    if not settings.INVENTED_DATA_ALLOWED:
        raise DemoRefusedError(
            "The demo is not loaded with these settings, only with those for development: "
            "everybody knows the password of its people."
        )


def insist_on_nobodys_data() -> None:
    """Raise DemoRefusedError if the database holds anybody's data.

    A load that was cut short has left no rows, and is no reason.
    """
    models = apps.get_models(include_auto_created=True)
    found = [
        model._meta.label
        for model in models
        if model._meta.label not in _NOBODYS and model._base_manager.exists()
    ]
    if found:
        raise DemoRefusedError(
            "This database holds data that the demo didn't make "
            f"({', '.join(sorted(found)[:3])}{' …' if len(found) > 3 else ''}): it is kept as it "
            "is, and no demo is loaded."
        )
