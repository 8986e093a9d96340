"""What to generate: sizes, shape and seed, checked before anything is written."""

import datetime as dt
from dataclasses import dataclass

# The data ends here unless told otherwise: a constant, so that the same seed gives the same rows.
DEFAULT_EPOCH = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
# The oldest course came out so long before the epoch.
YEARS = 6
# No course has more than one in so many of the learners.
LARGEST_SHARE = 3


class GeneratorError(Exception):
    """The marketplace can't be generated as asked; the message says why, in one line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Sizes and shape of a marketplace. Raises `GeneratorError` when they contradict each other.

    The `deep_courses` most popular courses get 10 sections of 10 lessons, the others `sections` of
    `lessons`. `epoch` (aware) is the moment at which the data ends.
    """

    courses: int
    enrollments: int
    reviews: int
    learners: int
    instructors: int
    seed: int = 1
    sections: int = 2
    lessons: int = 3
    deep_courses: int = 0
    epoch: dt.datetime = DEFAULT_EPOCH

    def __post_init__(self) -> None:
        if self.reviews > self.enrollments:
            raise GeneratorError("Only the enrolled review: --reviews can't exceed --enrollments.")
        if self.deep_courses > self.courses:
            raise GeneratorError("--deep-courses can't exceed --courses.")

    @property
    def room_per_course(self) -> int:
        """The most learners that one course may have."""
        return max(1, self.learners // LARGEST_SHARE)

    @property
    def end(self) -> int:
        """The epoch in Unix seconds."""
        return int(self.epoch.timestamp())

    @property
    def start(self) -> int:
        """When the first course was written, in Unix seconds."""
        return self.end - YEARS * 365 * 24 * 3600
