"""What other apps and the views read of enrolments."""

from enrollments.selectors.access import (
    ViewerProgress,
    enrolled_course_ids,
    get_viewer_progress,
    has_access,
    owned_course_ids,
)

__all__ = [
    "ViewerProgress",
    "enrolled_course_ids",
    "get_viewer_progress",
    "has_access",
    "owned_course_ids",
]
