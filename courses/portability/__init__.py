"""Whole courses as files: out as JSON or ZIP, in as a new draft (docs/portability.md)."""

from courses.portability.exporting import CourseFile, export_json, export_zip
from courses.portability.importing import ImportedCourse, check_file, import_course

__all__ = [
    "CourseFile",
    "ImportedCourse",
    "check_file",
    "export_json",
    "export_zip",
    "import_course",
]
