"""The pieces that a generated marketplace is made of."""

import random
import uuid
from typing import Any

import pytest

from api.generator.demand import plan_demand
from api.generator.ids import Ids, dice
from api.generator.learning import make_serial
from api.generator.options import GeneratorError, Options
from api.generator.people import People
from api.generator.vocabulary import read_vocabulary
from enrollments.serials import parse_serial


def options(**changes: Any) -> Options:
    sizes: dict[str, Any] = {
        "courses": 50,
        "enrollments": 400,
        "reviews": 200,
        "learners": 90,
        "instructors": 5,
    }
    return Options(**{**sizes, **changes})


def test_ids_are_distinct_rising_and_version_7() -> None:
    ids = Ids(seed=1, kind="course", start=1_600_000_000)
    made = [ids[number] for number in range(5000)]
    assert len(set(made)) == len(made)
    assert made == sorted(made)
    parsed = uuid.UUID(made[4999])
    assert parsed.version == 7
    assert parsed.variant == uuid.RFC_4122
    assert parsed.int >> 80 == 1_600_000_004_999


def test_ids_of_other_seeds_and_kinds_differ() -> None:
    heads = {
        Ids(seed=seed, kind=kind, start=0)[7] for seed in range(3) for kind in ("user", "course")
    }
    assert len(heads) == 6


def test_dice_are_the_same_again_and_each_row_has_its_own() -> None:
    assert dice(1, "course", 3).random() == dice(1, "course", 3).random()
    assert dice(1, "course", 3).random() != dice(1, "course", 4).random()


@pytest.mark.parametrize("size", [1, 2, 3, 7, 50, 333])
def test_demand_is_exactly_what_was_asked(size: int) -> None:
    asked = options(courses=size, enrollments=5 * size, reviews=3 * size, learners=200)
    demand = plan_demand(asked)
    assert sum(demand.students) == 5 * size
    assert sum(demand.ratings) == 3 * size
    assert all(a <= b for a, b in zip(demand.ratings, demand.students, strict=True))
    assert max(demand.students) <= asked.room_per_course
    assert sorted(demand.ranks) == list(range(size))


def test_demand_without_anybody() -> None:
    assert sum(plan_demand(options(enrollments=0, reviews=0)).students) == 0


def test_demand_up_to_the_last_seat_and_not_beyond() -> None:
    full = options(courses=1, enrollments=30, reviews=30)
    assert list(plan_demand(full).students) == [full.room_per_course] == [30]
    with pytest.raises(GeneratorError, match="31 enrolments are too many for 90 learners"):
        plan_demand(options(courses=1, enrollments=31, reviews=0))


@pytest.mark.parametrize("learners", [1, 2, 3, 10, 97, 1000])
def test_learners_of_a_course_are_different_people(learners: int) -> None:
    asked = options(learners=learners, enrollments=1, reviews=0)
    people = People(asked)
    for count in range(asked.room_per_course + 1):
        picked = people.pick_learners(course=count, count=count)
        assert len(set(picked)) == len(picked) == count
        assert all(asked.instructors <= number < people.total for number in picked)


def test_people_join_before_the_end_and_instructors_before_the_first_course() -> None:
    asked = options()
    people = People(asked)
    joined = [people.joined(number) for number in range(people.total)]
    assert max(joined[: asked.instructors]) < asked.start
    assert asked.start <= min(joined[asked.instructors :])
    assert max(joined) < asked.end


def test_serials_are_valid_and_distinct() -> None:
    ids = Ids(seed=1, kind="certificate", start=0)
    serials = {make_serial(ids[number]) for number in range(3000)}
    assert len(serials) == 3000
    assert all(parse_serial(serial) == serial for serial in serials)


def test_every_shelf_has_words_and_titles_read_like_titles() -> None:
    vocabulary = read_vocabulary()
    rng = random.Random(1)
    titles = set()
    for shelf in vocabulary.shelves:
        for subject in shelf.subjects:
            for level in vocabulary.titles:
                title, language = vocabulary.draw_title(rng, subject=subject, level=level)
                assert subject.name in title
                assert "{" not in title
                assert language == "English" or subject.is_name
                titles.add(title)
            for texts in (subject.descriptions, subject.short_descriptions, subject.sections):
                assert not any("{" in text for text in texts)
    assert len(titles) > 500
    assert set(vocabulary.opinions) == {1, 2, 3, 4, 5}
