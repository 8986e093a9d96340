"""Generated reviews, and the sums of ratings beside each course."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field

from api.generator.copying import Copies
from api.generator.ids import Ids, moment
from api.generator.options import Options
from api.generator.vocabulary import Vocabulary
from reviews.models import Review

# Most ratings have four or five stars; how strongly depends on the course. Weights of 1 to 5 stars.
_STARS = (1, 2, 3, 4, 5)
_QUALITIES = ((1, 1, 4, 24, 70), (2, 3, 10, 35, 50), (5, 8, 20, 37, 30), (18, 17, 25, 25, 15))
_QUALITY_WEIGHTS = (35, 45, 16, 4)
_TEXT_SHARE = 0.6


@dataclass(slots=True)
class Ratings:
    """The ratings of one course: how many of each star, and how many with a text."""

    stars: list[int] = field(default_factory=lambda: [0] * len(_STARS))
    texts: int = 0

    @property
    def count(self) -> int:
        """How many in all."""
        return sum(self.stars)

    @property
    def total(self) -> int:
        """The sum of their stars."""
        return sum(stars * count for stars, count in zip(_STARS, self.stars, strict=True))


class Reviews:
    """Writes reviews, one course after the other."""

    def __init__(self, *, options: Options, vocabulary: Vocabulary, copies: Copies) -> None:
        self._end = options.end
        self._opinions = vocabulary.opinions
        self._ids = iter(Ids(seed=options.seed, kind="review", start=options.start))
        self._table = copies.open(
            Review, "id", "course_id", "user_id", "rating", "title", "comment", "created_at",
            "updated_at",
        )  # fmt: skip

    def write(
        self,
        *,
        course_id: str,
        enrolled: Sequence[tuple[str, int]],
        count: int,
        rng: random.Random,
    ) -> Ratings:
        """Let so many of those enrolled (user id, Unix seconds of enrolment) rate the course."""
        ratings = Ratings()
        quality = rng.choices(_QUALITIES, _QUALITY_WEIGHTS)[0]
        for user_id, since in rng.sample(enrolled, count):
            stars = rng.choices(_STARS, quality)[0]
            title, comment = "", ""
            if rng.random() < _TEXT_SHARE:
                title, comment = rng.choice(self._opinions[stars])
                ratings.texts += 1
            ratings.stars[stars - 1] += 1
            at = moment(since + (self._end - since) * rng.random())
            self._table.add((next(self._ids), course_id, user_id, stars, title, comment, at, at))
        return ratings
