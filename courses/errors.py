"""What the catalogue refuses."""

from core.errors import Conflict, Invalid, NotFound


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
