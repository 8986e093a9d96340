"""What other apps and the views read of enrolments."""

from enrollments.selectors.access import (
    ViewerProgress,
    enrolled_course_ids,
    get_viewer_progress,
    has_access,
    owned_course_ids,
)
from enrollments.selectors.certificates import (
    CertificateRow,
    open_certificate,
    verify_certificate,
)
from enrollments.selectors.learning import (
    EnrollmentRow,
    LearningCounts,
    UnfinishedRow,
    count_learning,
    get_enrollment,
    list_enrollments,
    list_unfinished,
    to_enrollment_rows,
)
from enrollments.selectors.lessons import LessonState, OpenedLesson, get_lesson

__all__ = [
    "CertificateRow",
    "EnrollmentRow",
    "LearningCounts",
    "LessonState",
    "OpenedLesson",
    "UnfinishedRow",
    "ViewerProgress",
    "count_learning",
    "enrolled_course_ids",
    "get_enrollment",
    "get_lesson",
    "get_viewer_progress",
    "has_access",
    "list_enrollments",
    "list_unfinished",
    "open_certificate",
    "owned_course_ids",
    "to_enrollment_rows",
    "verify_certificate",
]
