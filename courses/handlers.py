"""What the catalogue does when something happened elsewhere."""

from core.outbox import subscribe
from courses import selectors, services
from users.events import PersonRenamed


@subscribe(PersonRenamed, name="courses.refresh_renamed_instructor", queue="bulk")
def refresh_renamed_instructor(event: PersonRenamed) -> None:
    """Let an instructor's courses be found by the new name."""
    services.refresh_search(course_ids=selectors.list_taught_ids(instructor_id=event.user_id))
