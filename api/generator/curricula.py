"""Generated curricula: sections and lessons."""

import random
from dataclasses import dataclass

from api.generator.copying import Copies
from api.generator.ids import Ids
from api.generator.options import Options
from api.generator.vocabulary import Subject, Vocabulary
from courses.models import Curriculum, Lesson

# Sections and lessons of a deep course.
DEEP = 10


@dataclass(frozen=True, slots=True)
class WrittenLesson:
    """A lesson as progress and certificates need it."""

    id: str
    minutes: int


class Curricula:
    """Writes curricula, one course after the other."""

    def __init__(self, *, options: Options, vocabulary: Vocabulary, copies: Copies) -> None:
        self._options = options
        self._vocabulary = vocabulary
        self._section_ids = iter(Ids(seed=options.seed, kind="section", start=options.start))
        self._lesson_ids = iter(Ids(seed=options.seed, kind="lesson", start=options.start))
        self._sections = copies.open(
            Curriculum, "id", "course_id", "title", "order", "total_lessons",
            "total_duration_minutes", "created_at", "updated_at",
        )  # fmt: skip
        self._lessons = copies.open(
            Lesson, "id", "curriculum_id", "title", "video_url", "duration_minutes", "order",
            "is_preview", "created_at", "updated_at",
        )  # fmt: skip

    def write(
        self, *, course_id: str, subject: Subject, is_deep: bool, written: str, rng: random.Random
    ) -> list[WrittenLesson]:
        """Write a course's curriculum and return its lessons in order. The very first lesson of
        all is a preview."""
        sections = DEEP if is_deep else self._options.sections
        per_section = DEEP if is_deep else self._options.lessons
        lessons: list[WrittenLesson] = []
        for order in range(1, sections + 1):
            section_id = next(self._section_ids)
            minutes = [rng.randint(4, 28) for _ in range(per_section)]
            title = _numbered(subject.sections, order)
            self._sections.add(
                (section_id, course_id, title, order, per_section, sum(minutes), written, written)
            )
            for position, length in enumerate(minutes, start=1):
                lesson = WrittenLesson(next(self._lesson_ids), length)
                self._lessons.add(
                    (lesson.id, section_id, _numbered(self._vocabulary.lessons, position),
                     f"https://videos.learnflow.test/{lesson.id}.mp4", length, position,
                     not lessons, written, written)
                )  # fmt: skip
                lessons.append(lesson)
        return lessons


def _numbered(titles: tuple[str, ...], order: int) -> str:
    """Return the title of this place; when they begin again, with the number of the round."""
    turn, place = divmod(order - 1, len(titles))
    return f"{titles[place]} ({turn + 1})" if turn else titles[place]
