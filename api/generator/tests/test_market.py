"""A generated marketplace is one that the product could have written itself."""

import io
from collections import Counter
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import Avg, Count, F, Q, Sum
from rich.console import Console

from api.generator.market import MODELS, TABLES, Generated, generate_market
from api.generator.options import GeneratorError, Options
from api.generator.progress import Progress
from courses import services as course_services
from courses.models import Category, Course, CourseStats, Curriculum, Lesson
from enrollments.models import Certificate, Enrollment, LessonProgress
from payments import books
from reviews.models import Review
from tests.factories import CourseFactory
from users.models import User, UserProfile

pytestmark = pytest.mark.django_db

SCHEMA = """
    SELECT 'index', indexname::text, indexdef FROM pg_indexes WHERE tablename = ANY(%(tables)s)
    UNION ALL
    SELECT 'constraint', conname, pg_get_constraintdef(oid) FROM pg_constraint
    WHERE conrelid::regclass::text = ANY(%(tables)s)
    UNION ALL
    SELECT 'trigger', tgname, tgenabled::text FROM pg_trigger
    WHERE tgrelid::regclass::text = ANY(%(tables)s) AND NOT tgisinternal
    ORDER BY 1, 2
"""


def options(**changes: Any) -> Options:
    sizes: dict[str, Any] = {
        "courses": 60,
        "enrollments": 900,
        "reviews": 400,
        "learners": 300,
        "instructors": 8,
    }
    return Options(**{**sizes, "deep_courses": 2, **changes})


def generate(**changes: Any) -> Generated:
    quiet = Progress(Console(file=io.StringIO()))
    return generate_market(options=options(**changes), progress=quiet)


def read_rows() -> dict[str, list[tuple[Any, ...]]]:
    return {
        model.__name__: list(model._default_manager.order_by("pk").values_list())
        for model in MODELS
    }


def read_schema() -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(SCHEMA, {"tables": list(TABLES)})
        return list(cursor.fetchall())


def test_it_writes_as_many_as_asked() -> None:
    generated = generate()
    assert {"Course": 60, "CourseStats": 60, "Enrollment": 900, "Review": 400}.items() <= (
        generated.rows.items()
    )
    assert generated.rows["User"] == generated.rows["UserProfile"] == 308
    assert generated.rows == {model.__name__: model._default_manager.count() for model in MODELS}
    assert generated.rows["LessonProgress"] > 50
    assert generated.rows["Certificate"] > 5


def test_the_recount_finds_no_drift() -> None:
    generate()
    counts = dict(Category.objects.values_list("slug", "course_count"))
    assert course_services.recount_stats() == []
    course_services.recount_categories()
    assert dict(Category.objects.values_list("slug", "course_count")) == counts
    assert sum(counts.values()) == Course.objects.filter(is_published=True).count() > 40
    assert CourseStats.objects.filter(rating_sum__gt=0).count() > 20


def test_the_books_hold() -> None:
    generate()
    assert books.verify() == []


def test_lists_read_what_the_courses_say() -> None:
    """Triggers fill the copies beside the counters; here they were off, and had nothing to add."""
    generate()
    written = read_rows()["CourseStats"]
    with connection.cursor() as cursor:
        cursor.execute("UPDATE courses_coursestats SET is_listed = NOT is_listed, price = 0")
    assert read_rows()["CourseStats"] == written
    assert CourseStats.objects.filter(is_listed=True).count() > 40


def test_cached_pages_of_before_are_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    touched: list[int] = []
    monkeypatch.setattr(
        course_services, "touch_catalogue", lambda: touched.append(Course.objects.count())
    )
    generate()
    assert touched == [60]


def test_lengths_follow_from_the_lessons() -> None:
    generate()
    sections = Curriculum.objects.annotate(
        counted=Count("lessons"), minutes=Sum("lessons__duration_minutes")
    )
    assert not sections.exclude(
        counted=F("total_lessons"), minutes=F("total_duration_minutes")
    ).exists()
    courses = Course.objects.annotate(minutes=Sum("curriculum__lessons__duration_minutes"))
    assert not courses.exclude(minutes=F("duration_minutes")).exists()


def test_progress_and_profiles_follow_from_the_lessons_done() -> None:
    generate()
    for enrollment in Enrollment.objects.with_live_progress():
        done, total = enrollment.live_completed, enrollment.live_lessons
        assert (enrollment.lessons_completed, enrollment.total_lessons) == (done, total)
        assert enrollment.progress_percent == done * 100 // total
        assert enrollment.is_completed == (done == total)
    for profile in UserProfile.objects.filter(user__enrollments__isnull=False).distinct():
        mine = LessonProgress.objects.filter(enrollment__user=profile.user_id)
        learned = mine.aggregate(seconds=Sum("credited_seconds", default=0))["seconds"]
        assert profile.total_seconds_learned == learned
        completed = Enrollment.objects.filter(user=profile.user_id, is_completed=True).count()
        assert profile.courses_completed == profile.certificates_earned == completed


def test_the_completed_have_a_certificate_that_no_worker_renders() -> None:
    generate()
    completed = set(Enrollment.objects.filter(is_completed=True).values_list("id", flat=True))
    assert set(Certificate.objects.values_list("enrollment_id", flat=True)) == completed != set()
    assert Certificate.objects.aggregate(due=Count("id", filter=Q(next_attempt_at__year__lt=2100)))[
        "due"
    ] == 0  # fmt: skip
    row = Certificate.objects.select_related("user", "course__instructor").latest("id")
    assert row.user is not None
    assert row.student_name == row.user.full_name
    assert row.instructor_name == row.course.instructor.full_name
    assert row.hours == round(Decimal(row.course.duration_minutes) / 60, 2)


def test_only_the_enrolled_review_and_only_afterwards() -> None:
    generate()
    since = {(row.user_id, row.course_id): row.enrolled_at for row in Enrollment.objects.all()}
    for review in Review.objects.all():
        assert review.created_at >= since[review.user_id, review.course_id]
    opened = Course.Status.PUBLISHED, Course.Status.ARCHIVED
    assert not Enrollment.objects.exclude(course__status__in=opened).exists()
    assert not Enrollment.objects.filter(enrolled_at__lt=F("course__published_at")).exists()
    assert not Enrollment.objects.filter(enrolled_at__lt=F("user__created_at")).exists()
    assert not Enrollment.objects.filter(user=F("course__instructor")).exists()


def test_a_few_attract_many_and_ratings_are_kind() -> None:
    generate(courses=200, enrollments=3000, reviews=1000, learners=900)
    by_size = sorted(CourseStats.objects.values_list("student_count", flat=True), reverse=True)
    assert sum(by_size[:20]) > 0.4 * sum(by_size)
    assert by_size[0] > 10 * by_size[100] > 0
    kind = Review.objects.filter(rating__gte=4).count() / Review.objects.count()
    assert 0.7 < kind < 0.95
    taught = Counter(Course.objects.values_list("instructor_id", flat=True)).most_common()
    assert taught[0][1] > 3 * taught[-1][1]
    learned = Counter(Enrollment.objects.values_list("user_id", flat=True)).most_common()
    assert learned[0][1] > 10 > learned[len(learned) // 2][1]
    languages = Counter(Course.objects.values_list("language", flat=True))
    assert 0.75 < languages["English"] / 200 < 1
    assert len(set(Course.objects.values_list("status", flat=True))) >= 3
    assert 1 <= Course.objects.filter(price=0).count() < 40
    years = {at.year for at in Course.objects.values_list("published_at", flat=True) if at}
    assert len(years) >= 6


def test_deep_courses_are_the_bestsellers() -> None:
    generate()
    best = CourseStats.objects.order_by("-student_count").values_list("course_id", flat=True)[:2]
    for course_id in best:
        sections = Curriculum.objects.filter(course=course_id)
        assert [section.total_lessons for section in sections] == [10] * 10
        assert Review.objects.filter(course=course_id).count() > 10
        assert Course.objects.get(id=course_id).is_published
    assert Lesson.objects.count() == 2 * 100 + 58 * 6


def test_the_same_seed_gives_the_same_rows() -> None:
    dumps = []
    for seed in (5, 5, 6):
        with transaction.atomic():
            generate(seed=seed)
            dumps.append(read_rows())
            transaction.set_rollback(True)
    assert dumps[0] == dumps[1]
    assert all(dumps[0][model.__name__] != dumps[2][model.__name__] for model in MODELS)


def test_seeds_stand_side_by_side_and_beside_what_was_there() -> None:
    course: Any = CourseFactory(title="Kept as it was")
    before = Course.objects.filter(id=course.id).values().get()
    generate(seed=1)
    generate(seed=2)
    assert Course.objects.count() == 121
    assert Course.objects.filter(id=course.id).values().get() == before
    with pytest.raises(GeneratorError, match="seed 2 is there already"):
        generate(seed=2, courses=10)
    assert Course.objects.count() == 121


def test_indexes_constraints_and_triggers_come_back() -> None:
    before = read_schema()
    assert len(before) > 60
    generate()
    assert read_schema() == before


def test_a_failure_leaves_nothing_and_the_schema_as_it_was(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = read_schema()

    def fail(**_: Any) -> None:
        assert Course.objects.count() == 60
        raise RuntimeError("the lights went out")

    monkeypatch.setattr(course_services, "refresh_search", fail)
    with pytest.raises(RuntimeError, match="lights"):
        generate()
    assert read_schema() == before
    assert not any(rows for rows in read_rows().values())
    assert not Category.objects.exists()


def test_rows_that_break_a_foreign_key_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Foreign keys are away while rows are written: making them anew is what finds a stray."""

    def lose(**_: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM users_user WHERE is_instructor")

    monkeypatch.setattr(course_services, "refresh_search", lose)
    with pytest.raises(IntegrityError), transaction.atomic():
        generate()
    assert User.objects.count() == 0


def test_the_product_lists_finds_and_shows_the_courses(api: Any) -> None:
    generate()
    body = api.get("/api/v1/courses/").json()
    assert body["count"] == Course.objects.filter(is_published=True).count()
    best = body["results"][0]
    assert course_services.refresh_stale_search() == 0
    found = api.get("/api/v1/courses/", {"search": best["title"], "page_size": 100}).json()
    assert best["id"] in [row["id"] for row in found["results"]]
    detail = api.get(f"/api/v1/courses/{best['slug']}/").json()
    assert len(detail["curriculum"]) == 10
    assert detail["reviews"]["recent"]


def test_sums_of_stars_give_the_rating() -> None:
    generate()
    for stats in CourseStats.objects.filter(rating_count__gt=0):
        mean = Review.objects.filter(course=stats.course_id).aggregate(mean=Avg("rating"))["mean"]
        assert float(stats.rating) == pytest.approx(mean, abs=0.006)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"reviews": 901}, "Only the enrolled review"),
        ({"deep_courses": 61}, "--deep-courses"),
    ],
)
def test_sizes_that_contradict_each_other_are_refused(
    changes: dict[str, int], message: str
) -> None:
    with pytest.raises(GeneratorError, match=message):
        options(**changes)
