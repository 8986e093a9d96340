"""What the catalogue refuses."""

from core.errors import Conflict, Forbidden, Invalid, Malformed, NotFound


class CourseNotFound(NotFound):
    """There is no such course, or this person may not know of it."""

    code = "COURSE_NOT_FOUND"
    message = "The requested course does not exist"


class LessonNotFound(NotFound):
    """There is no such lesson, or it was taken out of its course."""

    code = "LESSON_NOT_FOUND"
    message = "The requested lesson does not exist"


class CategoryNotFound(NotFound):
    """There is no such category."""

    code = "CATEGORY_NOT_FOUND"
    message = "The requested category does not exist"


class CourseIncomplete(Invalid):
    """The course lacks what publishing needs; `details` names each part."""

    code = "COURSE_INCOMPLETE"
    message = "The course can't be published yet"


class CourseHasBuyers(Conflict):
    """Somebody learns in the course: it can be archived, never deleted."""

    code = "COURSE_HAS_BUYERS"
    message = "A course with buyers can be archived, not deleted"


class InstructorRequired(Forbidden):
    """Only instructors and staff write courses."""

    code = "INSTRUCTOR_REQUIRED"
    message = "Only instructors may do this"


class RightRequired(Forbidden):
    """Staff who lack the right to it, in a course that isn't their own."""

    message = "Your account lacks the right to do this"


class NotCourseInstructor(Forbidden):
    """Only its instructor and staff change a course."""

    code = "NOT_COURSE_INSTRUCTOR"
    message = "Only its instructor may change a course"


class SectionNotFound(NotFound):
    """The course has no such section."""

    code = "SECTION_NOT_FOUND"
    message = "The requested section does not exist"


class ResourceNotFound(NotFound):
    """The lesson has no such file."""

    code = "RESOURCE_NOT_FOUND"
    message = "The requested file does not exist"


class SlugTaken(Conflict):
    """Another course has this slug."""

    code = "SLUG_TAKEN"
    message = "Another course has this slug"


class Stale(Conflict):
    """The course was changed after the writer last read it; `details` says when."""

    code = "STALE"
    message = "The course has been changed meanwhile; read it again"


class NotInReview(Conflict):
    """Staff decide about courses that are in review, and no others."""

    code = "NOT_IN_REVIEW"
    message = "The course isn't in review"


class ReviewNoteMissing(Invalid):
    """A rejection says why."""

    code = "REVIEW_NOTE_MISSING"
    message = "A rejection needs a note to the instructor"


class LastLesson(Conflict):
    """A course on sale keeps at least one lesson."""

    code = "LAST_LESSON"
    message = "A published course keeps at least one lesson; unpublish it first"


class LastSection(Conflict):
    """Learners' progress in removed lessons needs a section to stay in."""

    code = "LAST_SECTION"
    message = "The only section of a course that had learners can't be deleted; change it instead"


class CurriculumFull(Conflict):
    """There is an end to how much one course, or one section, can hold; `details` has the limit,
    and of what it is one."""

    code = "CURRICULUM_FULL"
    message = "There are too many already"


class CourseTooLarge(Invalid):
    """Sections and lessons of a course hold too much altogether; `details` has the limit."""

    code = "COURSE_TOO_LARGE"
    message = "Sections and lessons of the course hold too much text altogether"


class QuotaExceeded(Invalid):
    """The instructor has all that one may have; `details` says of what, and what is left."""

    code = "QUOTA_EXCEEDED"
    message = "There is no room for more"


class ThumbnailInvalid(Invalid):
    """The upload can't become a thumbnail."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__("The picture is not acceptable", thumbnail=[reason])


class LessonFileInvalid(Invalid):
    """The upload can't become a file of a lesson."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__("The file is not acceptable", file=[reason])


class CourseFileMalformed(Malformed):
    """The file can't be read, or has values of wrong types or lacks some; `details` has each fault
    by its path."""

    code = "COURSE_FILE_MALFORMED"
    message = "The file is no readable course"


class CourseFileInvalid(Invalid):
    """The file is a course with values that aren't acceptable; `details` has each by its path."""

    code = "COURSE_FILE_INVALID"
    message = "The course in the file is not acceptable"
