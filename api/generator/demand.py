"""Who attracts how many: a few bestsellers and a long tail, as in any shop (Zipf's law)."""

from array import array
from collections.abc import Iterator
from dataclasses import dataclass

from api.generator.ids import dice
from api.generator.options import GeneratorError, Options
from courses.models import Course

# The nth most popular course attracts 1/n to this power. One would be Zipf's law itself; a little
# less leaves more for the tail, where most courses of a marketplace are.
SKEW = 0.9

STATUSES = (
    Course.Status.PUBLISHED, Course.Status.DRAFT, Course.Status.IN_REVIEW, Course.Status.ARCHIVED
)  # fmt: skip
_STATUS_WEIGHTS = (940, 30, 10, 20)
_OPEN = {STATUSES.index(Course.Status.PUBLISHED), STATUSES.index(Course.Status.ARCHIVED)}


@dataclass(frozen=True, slots=True)
class Demand:
    """What each course attracts, by its number: compact, as there may be millions.

    `ranks` counts from 0, the most popular. Drafts attract nobody.
    """

    ranks: "array[int]"
    statuses: bytes
    students: "array[int]"
    ratings: "array[int]"

    def get_status(self, number: int) -> Course.Status:
        """Return the status of the course with this number."""
        return STATUSES[self.statuses[number]]


def plan_demand(options: Options) -> Demand:
    """Share enrolments and reviews out among the courses, exactly as many as asked.

    Raises `GeneratorError` when the courses that are open can't take so many learners.
    """
    size = options.courses
    rng = dice(options.seed, "demand")
    order = array("L", range(size))
    rng.shuffle(order)
    statuses = bytearray(rng.choices(range(len(STATUSES)), _STATUS_WEIGHTS, k=size))
    for number in order[: max(1, options.deep_courses)]:
        statuses[number] = STATUSES.index(Course.Status.PUBLISHED)
    ranks, students, ratings = (array("L", bytes(size * array("L").itemsize)) for _ in range(3))
    for rank, number in enumerate(order):
        ranks[number] = rank
    open_courses = [number for number in order if statuses[number] in _OPEN]
    weights = [(ranks[number] + 1) ** -SKEW for number in open_courses]
    room = [options.room_per_course] * len(open_courses)
    for number, share in zip(
        open_courses, _share_out(options.enrollments, weights, room), strict=True
    ):
        students[number] = share
    counts = [students[number] for number in open_courses]
    for number, share in zip(
        open_courses, _share_out(options.reviews, counts, counts), strict=True
    ):
        ratings[number] = share
    if sum(students) != options.enrollments:
        raise GeneratorError(
            f"{options.enrollments} enrolments are too many for {options.learners} learners and "
            f"{len(open_courses)} open courses: raise --learners or --courses."
        )
    return Demand(ranks=ranks, statuses=bytes(statuses), students=students, ratings=ratings)


def _share_out(amount: int, weights: "list[float] | list[int]", room: list[int]) -> Iterator[int]:
    """Yield each one's share by weight; what has no room goes to those after it, by weight."""
    left, weight_left = amount, float(sum(weights))
    for weight, most in zip(weights, room, strict=True):
        share = min(most, left, round(left * weight / weight_left)) if weight_left > 0 else 0
        yield share
        left, weight_left = left - share, weight_left - weight
