"""Every write of access, progress and certificates."""

from enrollments.services.access import (
    BoughtEnrollment,
    Purchase,
    count_bought,
    enroll_bought,
    enroll_free,
    grant_access,
)
from enrollments.services.certificates import (
    explain_held,
    render_due_certificates,
    rerender_certificates,
    revoke_certificates_by_staff,
)
from enrollments.services.holds import (
    Reason,
    lift_reason,
    lift_staffs_reason,
    lock_enrollments,
    reopen_enrollments,
    revoke_enrollments,
    settle_enrollments,
    suspend_enrollments,
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
    "Purchase",
    "Reason",
    "WatchReport",
    "count_bought",
    "enroll_bought",
    "enroll_free",
    "explain_held",
    "grant_access",
    "lift_reason",
    "lift_staffs_reason",
    "lock_enrollments",
    "mark_lesson_complete",
    "open_lesson",
    "render_due_certificates",
    "reopen_enrollments",
    "report_watching",
    "rerender_certificates",
    "revoke_certificates_by_staff",
    "revoke_enrollments",
    "settle_enrollments",
    "suspend_enrollments",
    "take_back_completion",
]
