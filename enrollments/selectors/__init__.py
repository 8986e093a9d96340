"""What other apps and the views read of enrolments."""

from enrollments.selectors.access import (
    ViewerProgress,
    enrolled_course_ids,
    get_highest_progress,
    get_viewer_progress,
    has_access,
    owned_course_ids,
    owns_or_pays_for,
    withdrawn_course_ids,
)
from enrollments.selectors.certificates import (
    CertificateRow,
    get_certificate,
    open_certificate,
    verify_certificate,
)
from enrollments.selectors.learning import (
    EnrollmentRow,
    UnfinishedRow,
    count_enrollments,
    count_students,
    get_enrollment,
    list_enrollments,
    list_unfinished,
    to_enrollment_rows,
)
from enrollments.selectors.lessons import (
    LessonState,
    OpenedLesson,
    get_lesson,
    open_lesson_file,
)
from enrollments.selectors.recommendations import Recommendation, list_recommendations

__all__ = [
    "CertificateRow",
    "EnrollmentRow",
    "LessonState",
    "OpenedLesson",
    "Recommendation",
    "UnfinishedRow",
    "ViewerProgress",
    "count_enrollments",
    "count_students",
    "enrolled_course_ids",
    "get_certificate",
    "get_enrollment",
    "get_highest_progress",
    "get_lesson",
    "get_viewer_progress",
    "has_access",
    "list_enrollments",
    "list_recommendations",
    "list_unfinished",
    "open_certificate",
    "open_lesson_file",
    "owned_course_ids",
    "owns_or_pays_for",
    "to_enrollment_rows",
    "verify_certificate",
    "withdrawn_course_ids",
]
