"""Every write of access, progress and certificates."""

from enrollments.services.access import (
    BoughtEnrollment,
    enroll_bought,
    enroll_free,
    grant_access,
    lock_enrollments,
    reopen_enrollments,
    resume_enrollments,
    revoke_enrollments,
    suspend_enrollments,
)
from enrollments.services.certificates import (
    render_due_certificates,
    rerender_certificates,
    revoke_certificates_by_staff,
)
from enrollments.services.progress import (
    LessonMark,
    WatchReport,
    mark_lesson_complete,
    open_lesson,
    report_watching,
    take_back_completion,
)

__all__ = [
    "BoughtEnrollment",
    "LessonMark",
    "WatchReport",
    "enroll_bought",
    "enroll_free",
    "grant_access",
    "lock_enrollments",
    "mark_lesson_complete",
    "open_lesson",
    "render_due_certificates",
    "reopen_enrollments",
    "report_watching",
    "rerender_certificates",
    "resume_enrollments",
    "revoke_certificates_by_staff",
    "revoke_enrollments",
    "suspend_enrollments",
    "take_back_completion",
]
