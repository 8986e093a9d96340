"""The addresses of authoring (contract "Catalogue"). What everybody reads is shown at the roof."""

from courses.views.courses import (
    CourseCreation,
    CourseEditing,
    DuplicateCourseView,
    PublishCourseView,
    UnpublishCourseView,
)
from courses.views.lesson_files import LessonFilesView, LessonFileView
from courses.views.lessons import LessonsView, LessonView, ReorderLessonsView
from courses.views.own import InstructorCoursesView, InstructorCourseView
from courses.views.sections import ReorderSectionsView, SectionsView, SectionView

__all__ = [
    "CourseCreation",
    "CourseEditing",
    "DuplicateCourseView",
    "InstructorCourseView",
    "InstructorCoursesView",
    "LessonFileView",
    "LessonFilesView",
    "LessonView",
    "LessonsView",
    "PublishCourseView",
    "ReorderLessonsView",
    "ReorderSectionsView",
    "SectionView",
    "SectionsView",
    "UnpublishCourseView",
]
