"""The picture of a course: set, replaced, taken away."""

from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.utils import timezone

from courses import media
from courses.authors import Author
from courses.models import Course
from courses.services.authoring.access import lock_own_course, writing
from courses.services.authoring.quotas import count_upload
from courses.services.changed import mark_changed
from users.rights import Right


def set_thumbnail(*, author: Author, reference: str, upload: UploadedFile) -> str:
    """Make the upload the course's thumbnail and return its storage name. The same picture again
    changes nothing.

    The files are made and stored between two short transactions, so that neither is waited for
    under a lock; those of the picture before go after the commit. Raises InstructorRequired,
    CourseNotFound, NotCourseInstructor, TooMany or ThumbnailInvalid.
    """
    with transaction.atomic():
        # Who may not do it costs nothing.
        present = lock_own_course(
            author=author, reference=reference, right=Right.CHANGE_COURSES
        ).thumbnail.name
    count_upload(author=author)
    thumbnail = media.make_thumbnail(stream=upload, size=upload.size or 0)
    if present and media.is_stored_as(name=present, thumbnail=thumbnail):
        return str(present)
    name = media.store_thumbnail(thumbnail=thumbnail)
    try:
        with writing(author=author, reference=reference, right=Right.CHANGE_COURSES) as course:
            _replace(course, name)
    except BaseException:
        media.delete_thumbnail(name=name)
        raise
    return name


def remove_thumbnail(*, author: Author, reference: str) -> None:
    """Take the course's thumbnail away; nothing happens when there is none.

    Raises InstructorRequired, CourseNotFound or NotCourseInstructor.
    """
    with writing(author=author, reference=reference, right=Right.CHANGE_COURSES) as course:
        if course.thumbnail:
            _replace(course, "")


def _replace(course: Course, name: str) -> None:
    """Give the locked course this thumbnail. Of two at once, each discards the one before it."""
    media.discard_thumbnail(name=course.thumbnail.name or "")
    now = timezone.now()
    Course.objects.filter(id=course.id).update(thumbnail=name, last_updated=now, updated_at=now)
    mark_changed(course_id=course.id)
