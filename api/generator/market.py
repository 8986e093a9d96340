"""Generates a whole marketplace in one transaction: all of it, or nothing."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from uuid import UUID

from django.apps import apps
from django.db import connection, transaction
from django.db.models import Model

from api.generator.copying import Copies
from api.generator.counters import Counters
from api.generator.courses import Courses, provide_categories
from api.generator.curricula import Curricula
from api.generator.demand import Demand, plan_demand
from api.generator.ids import dice, moment
from api.generator.indexes import put_aside
from api.generator.learning import Learning
from api.generator.options import GeneratorError, Options
from api.generator.people import People, address_of
from api.generator.progress import Progress
from api.generator.reviews import Reviews
from api.generator.vocabulary import Vocabulary, read_vocabulary
from core.models import AuditEntry
from courses import services as course_services
from courses.models import Course, CourseStats, Curriculum, Lesson
from enrollments.models import Certificate, Enrollment, LessonProgress
from reviews.models import Review
from users.models import User, UserProfile

# PostgreSQL's advisory locks are numbers; this one means "somebody generates a marketplace".
GENERATING = 20_260_102
MODELS: tuple[type[Model], ...] = (
    User, UserProfile, Course, CourseStats, Curriculum, Lesson, Enrollment, LessonProgress,
    Certificate, Review, AuditEntry,
)  # fmt: skip
# Search keeps tables of its own in the app of the courses, and fills them beside these.
TABLES = sorted(
    {model._meta.db_table for model in (*MODELS, *apps.get_app_config("courses").get_models())}
)
# Courses whose search words are worked out at a time.
_SEARCH_BATCH = 2_000
# For building indexes and checking foreign keys, in this transaction alone.
_SESSION = ("SET LOCAL maintenance_work_mem = '256MB'", "SET LOCAL work_mem = '64MB'")


@dataclass(frozen=True, slots=True)
class Generated:
    """How many rows of each kind were written, by the name of their model."""

    rows: dict[str, int]


def generate_market(*, options: Options, progress: Progress) -> Generated:
    """Write a marketplace beside what is there, in one transaction; returns what was written.

    The same options give the same rows, ids included. While it runs the loaded tables are locked
    against readers and writers. Raises `GeneratorError`, with nothing written, when there are
    generated people of this seed already or the sizes contradict each other.
    """
    with transaction.atomic():
        _begin(options)
        demand = plan_demand(options)
        vocabulary = read_vocabulary()
        with put_aside(tables=TABLES, progress=progress):
            with Copies() as copies:
                market = _Market(options, vocabulary, demand, copies)
                market.write(progress)
            # What follows asks the planner, who knows nothing of the rows yet.
            _run(*(f"ANALYZE {table}" for table in TABLES))
            _refresh_search(market.courses, options.courses, progress)
        course_services.recount_categories()
        course_services.touch_catalogue()
    return Generated(rows={table.model.__name__: table.count for table in copies})


def tidy_tables() -> None:
    """Make room and visibility known to the planner, as autovacuum would some minutes later.

    Covering indexes answer alone only after that. Can't be called in a transaction.
    """
    _run(*(f"VACUUM (ANALYZE) {table}" for table in TABLES))


def _begin(options: Options) -> None:
    """Wait for others who generate, and refuse a seed that is there."""
    # Row checks that earlier statements left for the end would forbid changing the tables.
    _run(f"SELECT pg_advisory_xact_lock({GENERATING})", "SET CONSTRAINTS ALL IMMEDIATE", *_SESSION)
    if User.objects.filter(email=address_of(seed=options.seed, number=0)).exists():
        raise GeneratorError(
            f"A marketplace with seed {options.seed} is there already: choose another --seed."
        )


class _Market:
    """The writers of all tables, and the order in which they are called."""

    def __init__(
        self, options: Options, vocabulary: Vocabulary, demand: Demand, copies: Copies
    ) -> None:
        self._options, self._vocabulary = options, vocabulary
        self._demand, self._copies = demand, copies
        categories = provide_categories(options=options, vocabulary=vocabulary)
        self.people = People(options)
        self.courses = Courses(
            options=options, vocabulary=vocabulary, categories=categories, copies=copies
        )
        self._curricula = Curricula(options=options, vocabulary=vocabulary, copies=copies)
        self._learning = Learning(
            options=options, vocabulary=vocabulary, people=self.people, copies=copies
        )
        self._reviews = Reviews(options=options, vocabulary=vocabulary, copies=copies)
        self._counters = Counters(copies)

    def write(self, progress: Progress) -> None:
        people, copies = self.people, self._copies
        with progress.step("People", total=people.total) as advance:
            people.write_users(copies, self._vocabulary, advance)
        with progress.step("Courses and learning", total=self._options.courses) as advance:
            for number in range(self._options.courses):
                self._write_course(number)
                advance(1)
        with progress.step("Profiles", total=people.total) as advance:
            people.write_profiles(copies, self._vocabulary, advance)

    def _write_course(self, number: int) -> None:
        rng = dice(self._options.seed, "course", number)
        draft = self.courses.draft(
            number,
            status=self._demand.get_status(number),
            instructor=self.people.pick_instructor(rng.random()),
            rng=rng,
        )
        lessons = self._curricula.write(
            course_id=draft.id,
            subject=draft.subject,
            is_deep=self._demand.ranks[number] < self._options.deep_courses,
            written=moment(draft.written),
            rng=rng,
        )
        minutes = sum(lesson.minutes for lesson in lessons)
        instructor_id = self.people.ids[draft.instructor]
        self.courses.write(draft, instructor_id=instructor_id, minutes=minutes, rng=rng)
        students, count = self._demand.students[number], self._demand.ratings[number]
        enrolled = self._learning.enroll(course=draft, lessons=lessons, count=students, rng=rng)
        ratings = self._reviews.write(course_id=draft.id, enrolled=enrolled, count=count, rng=rng)
        self._counters.write(draft, minutes=minutes, students=students, ratings=ratings)


def _refresh_search(courses: Courses, count: int, progress: Progress) -> None:
    """Fill what search reads, through the door that every change of a course uses."""
    ids: Iterator[str] = iter(courses.ids)
    with progress.step("Search", total=count) as advance:
        for start in range(0, count, _SEARCH_BATCH):
            batch = list(islice(ids, min(_SEARCH_BATCH, count - start)))
            course_services.refresh_search(course_ids=[UUID(course_id) for course_id in batch])
            advance(len(batch))


def _run(*statements: str) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
