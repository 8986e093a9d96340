"""The counters of generated courses, and what stands beside them for lists to read."""

from api.generator.copying import Copies
from api.generator.courses import CourseDraft
from api.generator.reviews import Ratings
from courses.models import Course, CourseStats


class Counters:
    """Writes one row of counters per course.

    Triggers, which fill the copies of the course's own columns, are off while rows are loaded.
    """

    def __init__(self, copies: Copies) -> None:
        self._table = copies.open(
            CourseStats, "course_id", "student_count", "rating_count", "rating_sum",
            "review_count", *(f"rating_{stars}" for stars in CourseStats.STARS),
            "is_listed", "is_featured", "category_id", "level", "language", "price",
            "duration_minutes", "published_at",
        )  # fmt: skip

    def write(self, draft: CourseDraft, *, minutes: int, students: int, ratings: Ratings) -> None:
        """Write the counters of a course of so many minutes and students."""
        self._table.add(
            (draft.id, students, ratings.count, ratings.total, ratings.texts, *ratings.stars,
             draft.status is Course.Status.PUBLISHED, draft.is_featured, draft.category_id,
             draft.level.value, draft.language, draft.price, minutes, draft.published_at)
        )  # fmt: skip
