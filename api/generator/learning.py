"""Generated enrolments, progress in them, and certificates of the completed ones."""

import random
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from api.generator.copying import Copies
from api.generator.courses import CourseDraft
from api.generator.curricula import WrittenLesson
from api.generator.ids import Ids, moment
from api.generator.options import Options
from api.generator.people import People, name_of
from api.generator.vocabulary import Vocabulary
from core.models import AuditEntry
from enrollments.models import Certificate, Enrollment, LessonProgress
from enrollments.serials import ALPHABET, PREFIX, RANDOM_LENGTH, check_character, parse_serial

# So many of the learners ever begin, and none of them completes more lessons of a course than that.
_BEGIN_SHARE = 0.1
_MOST_LESSONS = 12
# Rendering would keep the workers busy for hours: a file is made only when staff asks for it anew.
_DUE_AT = "2100-01-01T00:00:00+00:00"


@dataclass(frozen=True, slots=True)
class _Attendance:
    """One learner in one course, since a time in Unix seconds, with the lessons completed."""

    id: str
    learner: int
    user_id: str
    since: int
    done: Sequence[WrittenLesson]


class Learning:
    """Writes what learners do, one course after the other."""

    def __init__(
        self, *, options: Options, vocabulary: Vocabulary, people: People, copies: Copies
    ) -> None:
        self._options = options
        self._vocabulary = vocabulary
        self._people = people
        self._ids, self._progress_ids, self._certificate_ids = (
            iter(Ids(seed=options.seed, kind=kind, start=options.start))
            for kind in ("enrollment", "progress", "certificate")
        )
        self._enrollments = copies.open(
            Enrollment, "id", "user_id", "course_id", "status", "source", "enrolled_at",
            "lessons_completed", "total_lessons", "progress_percent", "is_completed",
            "completed_at", "last_activity_at", "created_at", "updated_at",
        )  # fmt: skip
        self._deeds = copies.open(
            AuditEntry, "id", "actor_id", "action", "target_type", "target_id", "details",
            "created_at",
        )  # fmt: skip
        self._progress = copies.open(
            LessonProgress, "id", "enrollment_id", "lesson_id", "is_completed", "completed_at",
            "watch_time_seconds", "position_seconds", "credited_seconds", "reported_at",
            "created_at", "updated_at",
        )  # fmt: skip
        self._certificates = copies.open(
            Certificate, "id", "enrollment_id", "user_id", "course_id", "serial", "student_name",
            "course_title", "instructor_name", "hours", "issued_at", "next_attempt_at",
            "created_at", "updated_at",
        )  # fmt: skip

    def enroll(
        self,
        *,
        course: CourseDraft,
        lessons: Sequence[WrittenLesson],
        count: int,
        rng: random.Random,
    ) -> list[tuple[str, int]]:
        """Enrol so many learners; returns each one's user id and time of enrolment."""
        enrolled = []
        for learner in self._people.pick_learners(course=course.number, count=count):
            earliest = max(course.published or course.written, self._people.joined(learner))
            at = int(earliest + (self._options.end - earliest) * rng.random())
            begins = rng.random() < _BEGIN_SHARE
            done = lessons[: rng.randint(1, _MOST_LESSONS)] if begins else ()
            user_id = self._people.ids[learner]
            attendance = _Attendance(next(self._ids), learner, user_id, at, done)
            self._write_enrollment(course, attendance, len(lessons))
            enrolled.append((user_id, at))
        return enrolled

    def _write_enrollment(self, course: CourseDraft, attendance: _Attendance, total: int) -> None:
        done, since = attendance.done, moment(attendance.since)
        is_completed = len(done) == total
        until = since
        if done:
            last = self._write_progress(attendance)
            until = moment(last)
            self._people.note_learning(
                attendance.learner, minutes=_minutes(done), completed=is_completed, last=last
            )
        if is_completed:
            self._write_certificate(course, attendance, until)
        # Nothing is sold here: what has a price is a gift, or the books would miss the money.
        source = Enrollment.Source.FREE if course.is_free else Enrollment.Source.STAFF
        if source is Enrollment.Source.STAFF:
            # Whoever gave it isn't among the people.
            self._deeds.add(
                (attendance.id, attendance.id, "enrollment.granted", "enrollment",
                 str(uuid.UUID(attendance.id)), "{}", since)
            )  # fmt: skip
        self._enrollments.add(
            (attendance.id, attendance.user_id, course.id, "active", source.value, since, len(done),
             total, len(done) * 100 // total, is_completed, until if is_completed else None,
             until if done else None, since, until)
        )  # fmt: skip

    def _write_progress(self, attendance: _Attendance) -> int:
        """Complete the lessons one after the other; returns when the last one was."""
        at, done = attendance.since, attendance.done
        pause = min(24 * 3600, (self._options.end - at) // (len(done) + 1))
        for lesson in done:
            at += pause
            when, seconds = moment(at), lesson.minutes * 60
            self._progress.add(
                (next(self._progress_ids), attendance.id, lesson.id, True, when, seconds, seconds,
                 seconds, when, when, when)
            )  # fmt: skip
        return at

    def _write_certificate(self, course: CourseDraft, attendance: _Attendance, at: str) -> None:
        certificate_id = next(self._certificate_ids)
        student = " ".join(name_of(self._vocabulary, attendance.learner))
        instructor = " ".join(name_of(self._vocabulary, course.instructor))
        self._certificates.add(
            (certificate_id, attendance.id, attendance.user_id, course.id,
             make_serial(certificate_id), student, course.title, instructor,
             f"{_minutes(attendance.done) / 60:.2f}", at, _DUE_AT, at, at)
        )  # fmt: skip


def _minutes(lessons: Sequence[WrittenLesson]) -> int:
    return sum(lesson.minutes for lesson in lessons)


def make_serial(certificate_id: str) -> str:
    """Return the valid serial that follows from a generated id."""
    bits = int(certificate_id, 16) * 0x9E3779B97F4A7C15F39CC0605CEDC835 >> 16
    body = "".join(ALPHABET[bits >> 5 * place & 31] for place in range(RANDOM_LENGTH))
    serial = parse_serial(f"{PREFIX}{body}{check_character(body)}")
    if serial is None:
        raise ValueError(f"no serial follows from {certificate_id}")
    return serial
