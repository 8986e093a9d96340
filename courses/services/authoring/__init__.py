"""What instructors write, on their own courses, and staff on all (contract "Catalogue")."""

from courses.services.authoring.copies import duplicate_course
from courses.services.authoring.courses import (
    CourseFields,
    create_course,
    edit_course,
    publish_own_course,
    remove_course,
    unpublish_own_course,
)
from courses.services.authoring.lesson_files import add_lesson_file, remove_lesson_file
from courses.services.authoring.lessons import (
    LessonFields,
    add_lesson,
    edit_lesson,
    remove_lesson,
    reorder_lessons,
)
from courses.services.authoring.sections import (
    SectionFields,
    add_section,
    edit_section,
    remove_section,
    reorder_sections,
)

__all__ = [
    "CourseFields",
    "LessonFields",
    "SectionFields",
    "add_lesson",
    "add_lesson_file",
    "add_section",
    "create_course",
    "duplicate_course",
    "edit_course",
    "edit_lesson",
    "edit_section",
    "publish_own_course",
    "remove_course",
    "remove_lesson",
    "remove_lesson_file",
    "remove_section",
    "reorder_lessons",
    "reorder_sections",
    "unpublish_own_course",
]
