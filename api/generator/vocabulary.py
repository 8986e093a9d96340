"""The words of a generated marketplace: `words.json`, and the demo's shelves and people."""

import itertools
import json
import random
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from api.demo.sources import PersonSource, ShelfSource, read_people, read_shelves

ENGLISH = "English"
# Of the courses on a subject that is called the same everywhere (Python, Excel), so many are not in
# English.
FOREIGN_SHARE = 0.2


@dataclass(frozen=True, slots=True)
class Subject:
    """What a course is about, and the texts that follow from it, ready to be written."""

    name: str
    is_name: bool
    short_descriptions: tuple[str, ...]
    descriptions: tuple[str, ...]
    outcomes: tuple[str, ...]
    requirements: tuple[str, ...]
    sections: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Shelf:
    """A category of the demo, with its share of the courses (`weight`) and its subjects."""

    source: ShelfSource
    weight: int
    subjects: tuple[Subject, ...]


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Everything that texts are made of.

    `opinions` are titles (may be empty) and texts of reviews, by stars.
    """

    shelves: tuple[Shelf, ...]
    titles: dict[str, tuple[str, ...]]
    foreign_titles: dict[str, tuple[str, ...]]
    foreign_weights: tuple[int, ...]
    audiences: tuple[str, ...]
    lessons: tuple[str, ...]
    bios: tuple[str, ...]
    opinions: dict[int, tuple[tuple[str, str], ...]]
    people: tuple[PersonSource, ...]

    def draw_title(self, rng: random.Random, *, subject: Subject, level: str) -> tuple[str, str]:
        """Return a title and its language."""
        language = ENGLISH
        patterns = self.titles[level]
        if subject.is_name and rng.random() < FOREIGN_SHARE:
            language = rng.choices(tuple(self.foreign_titles), self.foreign_weights)[0]
            patterns = self.foreign_titles[language]
        title = rng.choice(patterns).format(
            subject=subject.name, audience=rng.choice(self.audiences), number=rng.randint(5, 60)
        )
        return title, language


@cache
def read_vocabulary() -> Vocabulary:
    """Return the vocabulary. Raises KeyError when `words.json` lacks one of the demo's shelves."""
    words = json.loads(Path(__file__).with_name("words.json").read_text(encoding="utf-8"))
    people = read_people()
    return Vocabulary(
        shelves=tuple(_shelf(words, source) for source in read_shelves()),
        titles={level: tuple(patterns) for level, patterns in words["titles"].items()},
        foreign_titles={name: tuple(v["titles"]) for name, v in words["languages"].items()},
        foreign_weights=tuple(v["weight"] for v in words["languages"].values()),
        audiences=tuple(words["audiences"]),
        lessons=tuple(words["lessons"]),
        bios=tuple(words["bios"]),
        opinions={
            int(stars): tuple((title, comment) for title, comment in texts)
            for stars, texts in words["reviews"].items()
        },
        people=(*people.instructors, *people.learners),
    )


def _shelf(words: dict[str, Any], source: ShelfSource) -> Shelf:
    shelf = words["categories"][source.slug]
    subjects = [_subject(words, name, is_name=False) for name in shelf["subjects"]]
    subjects += [_subject(words, name, is_name=True) for name in shelf["names"]]
    return Shelf(source=source, weight=shelf["weight"], subjects=tuple(subjects))


def _subject(words: dict[str, Any], name: str, *, is_name: bool) -> Subject:
    def fill(patterns: list[str]) -> tuple[str, ...]:
        return tuple(pattern.format(subject=name) for pattern in patterns)

    parts = (fill(words[part]) for part in ("openings", "middles", "closings"))
    return Subject(
        name=name,
        is_name=is_name,
        short_descriptions=fill(words["short_descriptions"]),
        descriptions=tuple("\n\n".join(texts) for texts in itertools.product(*parts)),
        outcomes=_lists(fill(words["outcomes"]), length=4),
        requirements=_lists(fill(words["requirements"]), length=2),
        sections=fill(words["sections"]),
    )


def _lists(texts: tuple[str, ...], *, length: int) -> tuple[str, ...]:
    """Return lists of so many neighbouring texts, as JSON."""
    doubled = texts + texts
    return tuple(json.dumps(doubled[start : start + length]) for start in range(len(texts)))
