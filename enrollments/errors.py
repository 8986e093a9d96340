"""Refusals of access and learning."""

from core.errors import Conflict, Forbidden, NotFound, PaymentNeeded


class EnrollmentNotFound(NotFound):
    """No such enrolment, or another person's."""

    code = "ENROLLMENT_NOT_FOUND"
    message = "The requested enrollment does not exist"


class AlreadyEnrolled(Conflict):
    """The person has the course already."""

    code = "ALREADY_ENROLLED"
    message = "You are already enrolled in this course"


class CourseNotFree(PaymentNeeded):
    """A priced course has to be bought."""

    code = "PAYMENT_REQUIRED"
    message = "This course has to be bought before you can enroll"


class PaymentInProgress(Conflict):
    """Money for an order is on its way, as with a bank debit, or its buyer is just paying it:
    neither can be undone. `details["courses"]`, if given, names the courses it pays for, each with
    its `order_id`."""

    code = "PAYMENT_IN_PROGRESS"
    message = "A payment for these courses is being processed"


class OwnCourse(Forbidden):
    """Instructors have their own courses anyway."""

    code = "OWN_COURSE"
    message = "This course is your own"


class EnrollmentInactive(Forbidden):
    """The enrolment is suspended or revoked: nothing can be learned in it."""

    code = "ENROLLMENT_INACTIVE"
    message = "Your access to this course is suspended or has ended"


class AccessWithdrawn(Forbidden):
    """Staff took the course away from this person, for whom it isn't there for the taking."""

    code = "ACCESS_WITHDRAWN"
    message = "Your access to this course was ended by our staff"


class LessonLocked(Forbidden):
    """The course is visible, this lesson's media isn't."""

    code = "LESSON_LOCKED"
    message = "Enroll in the course to open this lesson"


class CertificateNotFound(NotFound):
    """No certificate has this serial."""

    code = "CERTIFICATE_NOT_FOUND"
    message = "No certificate has this serial"


class CertificateNotReady(NotFound):
    """The certificate stands, its file is still being made."""

    code = "CERTIFICATE_NOT_READY"
    message = "The certificate's file is being prepared, please try again shortly"
