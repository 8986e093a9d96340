"""The gate to a lesson's media (contract "Catalogue")."""

from dataclasses import dataclass
from uuid import UUID

from courses.errors import LessonNotFound
from courses.lesson_files import OpenedFile, open_file
from courses.selectors import LessonFacts, get_lesson_facts
from enrollments.buying import is_being_paid
from enrollments.errors import LessonLocked
from enrollments.models import Enrollment, LessonProgress


@dataclass(frozen=True, kw_only=True)
class LessonState:
    """How far an enrolled learner is in a lesson; `is_opened` is False the very first time."""

    enrollment_id: UUID
    is_completed: bool
    watch_time_seconds: int
    position_seconds: int
    is_opened: bool


@dataclass(frozen=True, kw_only=True)
class OpenedLesson:
    """A lesson that is open to the viewer. `progress` is None for all but enrolled learners."""

    lesson: LessonFacts
    progress: LessonState | None


def get_lesson(*, lesson_id: UUID, viewer_id: UUID | None, opens_all: bool) -> OpenedLesson:
    """Return the lesson with its media, when it is open to the viewer (None: nobody signed in).

    Open are previews to everybody who may see the course, and every lesson to active enrolments,
    the instructor and staff. Raises LessonNotFound for a lesson that is unknown, removed, or of a
    course the viewer may not see, and LessonLocked for the others.
    """
    lesson = get_lesson_facts(lesson_id=lesson_id)
    if not lesson.is_live:
        raise LessonNotFound
    enrollment = _get_enrollment(viewer_id, lesson.course_id)
    is_teaching = opens_all or lesson.instructor_id == viewer_id
    is_seen = lesson.course_status == "published" or enrollment or is_teaching
    if not (is_seen or _is_being_paid(viewer_id, lesson.course_id)):
        raise LessonNotFound
    is_learning = enrollment is not None and enrollment.status == Enrollment.Status.ACTIVE
    if not (lesson.is_preview or is_learning or is_teaching):
        raise LessonLocked
    progress = _get_state(enrollment, lesson_id) if enrollment and is_learning else None
    return OpenedLesson(lesson=lesson, progress=progress)


def open_lesson_file(
    *, lesson_id: UUID, file_id: UUID, viewer_id: UUID | None, opens_all: bool
) -> OpenedFile:
    """Return a file of the lesson, when the lesson is open to the viewer. Raises what `get_lesson`
    does, and ResourceNotFound."""
    opened = get_lesson(lesson_id=lesson_id, viewer_id=viewer_id, opens_all=opens_all)
    return open_file(resources=opened.lesson.resources, file_id=file_id)


def _get_enrollment(viewer_id: UUID | None, course_id: UUID) -> Enrollment | None:
    if viewer_id is None:
        return None
    return Enrollment.objects.owned().filter(user_id=viewer_id, course_id=course_id).first()


def _is_being_paid(viewer_id: UUID | None, course_id: UUID) -> bool:
    return viewer_id is not None and is_being_paid(user_id=viewer_id, course_id=course_id)


def _get_state(enrollment: Enrollment, lesson_id: UUID) -> LessonState:
    progress = LessonProgress.objects.filter(enrollment=enrollment, lesson_id=lesson_id).first()
    return LessonState(
        enrollment_id=enrollment.id,
        is_completed=progress is not None and progress.is_completed,
        watch_time_seconds=progress.watch_time_seconds if progress else 0,
        position_seconds=progress.position_seconds if progress else 0,
        is_opened=progress is not None,
    )
