"""What is refused about reviews."""

from core.errors import Conflict, Forbidden, NotFound


class ReviewNotFound(NotFound):
    """There is no such review."""

    code = "REVIEW_NOT_FOUND"
    message = "The requested review does not exist"


class EnrollmentRequired(Forbidden):
    """Only those who learn in a course may review it."""

    code = "ENROLLMENT_REQUIRED"
    message = "Only students of the course may review it"


class OwnCourse(Forbidden):
    """Nobody reviews what they teach."""

    code = "OWN_COURSE"
    message = "You can't review your own course"


class AlreadyReviewed(Conflict):
    """One review a person and course."""

    code = "ALREADY_REVIEWED"
    message = "You have already reviewed this course"


class NotYourReview(Forbidden):
    """Only its author changes a review."""

    code = "NOT_REVIEW_AUTHOR"
    message = "Only its author may change a review"


class OwnReview(Forbidden):
    """Nobody finds their own review helpful."""

    code = "OWN_REVIEW"
    message = "You can't vote for your own review"
