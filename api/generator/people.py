"""Generated people: instructors first, then learners; who joined when, and what they learned."""

from array import array
from math import gcd

from api.generator.copying import Copies
from api.generator.ids import Ids, dice, moment
from api.generator.options import Options
from api.generator.progress import Advance
from api.generator.vocabulary import Vocabulary
from users.models import User, UserProfile

# As Django marks a password that nothing matches.
_UNUSABLE = "!generated"
_DAY = 24 * 3600
# The learners in three circles: each circle's share of them, and its share of every course's seats.
_CIRCLES = ((0.05, 0.3), (0.25, 0.4), (0.7, 0.3))


def address_of(*, seed: int, number: int) -> str:
    """Return the e-mail of the nth generated person; `.test` is nobody's (RFC 6761)."""
    return f"person-{number}@seed-{seed}.generated.test"


class People:
    """The people of a marketplace by number, without keeping them: what they are follows from it.

    Kept are only sums of what learners learned, which their profiles get at the end.
    """

    def __init__(self, options: Options) -> None:
        self.ids = Ids(seed=options.seed, kind="user", start=options.start)
        self._options = options
        self.total = options.instructors + options.learners
        self._sums = {
            name: array("L", bytes(options.learners * array("L").itemsize))
            for name in ("seconds", "completed", "last_activity")
        }
        # Learners are picked by place; places run through them in strides, so that the keen ones
        # are spread over all numbers, that is over all names, countries and days of joining.
        self._stride = next(
            step
            for step in range(int(options.learners * 0.618) + 1, 2 * options.learners + 2)
            if gcd(step, options.learners) == 1
        )

    def pick_instructor(self, draw: float) -> int:
        """Return an instructor for a number drawn from [0, 1): few teach much, most little."""
        return int(self._options.instructors * draw * draw)

    def pick_learners(self, *, course: int, count: int) -> list[int]:
        """Return so many different learners of a course, the keen ones more often than others."""
        rng = dice(self._options.seed, "seats", course)
        picked: list[int] = []
        start, carried = 0, 0.0
        for position, (share, seats) in enumerate(_CIRCLES):
            last = position == len(_CIRCLES) - 1
            end = self._options.learners if last else start + int(self._options.learners * share)
            wanted = count - len(picked) if last else round(count * seats + carried)
            taken = min(wanted, end - start, count - len(picked))
            carried = wanted - taken
            picked += rng.sample(range(start, end), taken)
            start = end
        return [self._number_at(place) for place in picked]

    def _number_at(self, place: int) -> int:
        return self._options.instructors + place * self._stride % self._options.learners

    def joined(self, number: int) -> int:
        """Return when the person joined, in Unix seconds: instructors before the first course."""
        options = self._options
        if number < options.instructors:
            return options.start - _DAY - number * 7919 % (365 * _DAY)
        return options.start + number * 104_729_003 % (options.end - options.start - 30 * _DAY)

    def note_learning(self, number: int, *, minutes: int, completed: bool, last: int) -> None:
        """Add to the sums of a learner: minutes learned, a course completed, a time of activity."""
        place = number - self._options.instructors
        self._sums["seconds"][place] += minutes * 60
        self._sums["completed"][place] += completed
        activity = self._sums["last_activity"]
        activity[place] = max(activity[place], last)

    def write_users(self, copies: Copies, vocabulary: Vocabulary, advance: Advance) -> None:
        """Write the users."""
        table = copies.open(
            User, "id", "email", "first_name", "last_name", "password", "is_instructor",
            "email_verified_at", "created_at", "updated_at",
        )  # fmt: skip
        for number in range(self.total):
            first, last = name_of(vocabulary, number)
            joined = moment(self.joined(number))
            is_instructor = number < self._options.instructors
            email = address_of(seed=self._options.seed, number=number)
            table.add(
                (self.ids[number], email, first, last, _UNUSABLE, is_instructor,
                 joined, joined, joined)
            )  # fmt: skip
            advance(1)

    def write_profiles(self, copies: Copies, vocabulary: Vocabulary, advance: Advance) -> None:
        """Write the profiles, after everything that learners did."""
        table = copies.open(
            UserProfile, "id", "user_id", "bio", "country", "timezone", "total_seconds_learned",
            "courses_completed", "certificates_earned", "last_activity", "created_at", "updated_at",
        )  # fmt: skip
        options = self._options
        ids = Ids(seed=options.seed, kind="profile", start=options.start)
        for number in range(self.total):
            source = vocabulary.people[number % len(vocabulary.people)]
            place = number - options.instructors
            seconds, completed, last = (
                (sums[place] for sums in self._sums.values()) if place >= 0 else (0, 0, 0)
            )
            joined = moment(self.joined(number))
            bio = "" if place >= 0 else _bio(vocabulary, number)
            table.add(
                (ids[number], self.ids[number], bio, source.country, source.timezone, seconds,
                 completed, completed, moment(last) if last else None, joined, joined)
            )  # fmt: skip
            advance(1)


def name_of(vocabulary: Vocabulary, number: int) -> tuple[str, str]:
    """Return first and last name of the nth person, from those of the demo, mixed."""
    people = vocabulary.people
    first = people[number % len(people)].first_name
    return first, people[(number * 31 + number // len(people)) % len(people)].last_name


def _bio(vocabulary: Vocabulary, number: int) -> str:
    subjects = vocabulary.shelves[number % len(vocabulary.shelves)].subjects
    bio = vocabulary.bios[number % len(vocabulary.bios)]
    return bio.format(subject=subjects[number % len(subjects)].name)
