"""The learning side over HTTP (plan 4.7, contract "Learning")."""

from enrollments.views.certificates import CertificateDownloadView, CertificateView
from enrollments.views.enrollments import EnrollmentListView, EnrollmentView, EnrollView
from enrollments.views.lessons import (
    LessonCompletionView,
    LessonFileContentView,
    LessonProgressView,
    LessonView,
    MarkLessonCompleteView,
)

__all__ = [
    "CertificateDownloadView",
    "CertificateView",
    "EnrollView",
    "EnrollmentListView",
    "EnrollmentView",
    "LessonCompletionView",
    "LessonFileContentView",
    "LessonProgressView",
    "LessonView",
    "MarkLessonCompleteView",
]
