"""`manage.py generate_marketplace`, as it is typed."""

import io
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from api.management.commands import generate_marketplace
from courses.models import Course
from enrollments.models import Enrollment
from reviews.models import Review
from users.models import User


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command("generate_marketplace", *arguments, stdout=out)
    return out.getvalue()


@pytest.mark.django_db
def test_sizes_follow_from_the_courses(capsys: pytest.CaptureFixture[str]) -> None:
    out = run("--courses", "20")
    assert (Course.objects.count(), Enrollment.objects.count()) == (20, 200)
    assert (Review.objects.count(), User.objects.count()) == (100, 100 + 2)
    assert "200 Enrollment" in out
    shown = capsys.readouterr().err
    assert "Courses and learning" in shown
    assert "20/20" in shown


@pytest.mark.django_db
def test_shape_and_time_can_be_said() -> None:
    run("--courses=3", "--enrollments=6", "--reviews=2", "--users=30", "--instructors=1",
        "--sections=1", "--lessons=4", "--deep-courses=1", "--epoch=2020-05-01")  # fmt: skip
    assert Course.objects.latest("created_at").created_at.year in {2018, 2019}
    assert sorted(c.curriculum.count() for c in Course.objects.all()) == [1, 1, 10]
    assert Review.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_outside_a_transaction_it_tidies_the_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    tidied: list[int] = []
    tidy = generate_marketplace.tidy_tables

    def note() -> None:
        tidied.append(Course.objects.count())
        tidy()

    monkeypatch.setattr(generate_marketplace, "tidy_tables", note)
    run("--courses=2", "--enrollments=2")
    assert tidied == [2]


@pytest.mark.django_db
def test_the_same_seed_again_is_refused_in_one_line() -> None:
    run("--courses=2", "--enrollments=2", "--seed=7")
    with pytest.raises(CommandError, match="seed 7 is there already: choose another --seed"):
        run("--courses=2", "--enrollments=2", "--seed=7")
    assert Course.objects.count() == 2


@pytest.mark.django_db
def test_settings_of_production_are_refused_unless_forced(settings: Any) -> None:
    settings.INVENTED_DATA_ALLOWED = False
    with pytest.raises(CommandError, match="not settings for development"):
        run("--courses=2")
    assert not Course.objects.exists()
    run("--courses=2", "--enrollments=2", "--force")
    assert Course.objects.count() == 2


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--courses=0",),
        ("--courses=x",),
        ("--courses=5", "--reviews=-1"),
        ("--courses=5", "--epoch=yesterday"),
        ("--courses=5", "--lessons=0"),
    ],
)
def test_what_cannot_be_read_is_refused(arguments: tuple[str, ...]) -> None:
    with pytest.raises(CommandError):
        run(*arguments)


@pytest.mark.django_db
def test_sizes_that_contradict_each_other_are_refused_in_one_line(settings: Any) -> None:
    with pytest.raises(CommandError, match="Only the enrolled review"):
        run("--courses=5", "--enrollments=5", "--reviews=6")
