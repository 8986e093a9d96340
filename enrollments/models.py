"""Access to courses, progress in them, certificates, and the days on which somebody learned."""

from django.core.files.storage import Storage, storages
from django.db import models
from django.db.models import Q

from core.models import BaseModel
from courses.models import Course, Lesson
from users.models import User


def private_storage() -> Storage:
    """Return the storage for files that only an access check may hand out."""
    return storages["private"]


class Enrollment(BaseModel):
    """One person in one course. Only an active enrolment opens lessons."""

    class Status(models.TextChoices):
        ACTIVE = "active"
        SUSPENDED = "suspended"
        REVOKED = "revoked"

    class Source(models.TextChoices):
        PURCHASE = "purchase"
        FREE = "free"
        STAFF = "staff"

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="enrollments")
    course = models.ForeignKey(Course, on_delete=models.PROTECT, related_name="enrollments")
    status = models.CharField(max_length=10, choices=Status, default=Status.ACTIVE)
    source = models.CharField(max_length=10, choices=Source)
    enrolled_at = models.DateTimeField()
    lessons_completed = models.PositiveIntegerField(default=0)
    total_lessons = models.PositiveIntegerField(default=0)
    progress_percent = models.PositiveSmallIntegerField(default=0)
    is_completed = models.BooleanField(default=False)
    completed_at = models.DateTimeField(null=True, blank=True)
    last_activity_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-enrolled_at"]
        constraints = [
            models.UniqueConstraint(fields=["user", "course"], name="enrollment_once"),
            models.CheckConstraint(
                condition=Q(status__in=["active", "suspended", "revoked"]),
                name="enrollment_status_closed",
            ),
            models.CheckConstraint(
                condition=Q(source__in=["purchase", "free", "staff"]),
                name="enrollment_source_closed",
            ),
            models.CheckConstraint(
                condition=Q(progress_percent__lte=100), name="enrollment_progress_bounded"
            ),
            models.CheckConstraint(
                condition=Q(is_completed=False) | Q(completed_at__isnull=False),
                name="enrollment_completed_has_date",
            ),
        ]
        indexes = [
            models.Index(fields=["user", "is_completed", "-enrolled_at"], name="enrollment_mine"),
            models.Index(fields=["course", "-enrolled_at"], name="enrollment_of_course"),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} in {self.course_id}"


class LessonProgress(BaseModel):
    """How far one learner is in one lesson."""

    enrollment = models.ForeignKey(
        Enrollment, on_delete=models.CASCADE, related_name="lesson_progress"
    )
    lesson = models.ForeignKey(Lesson, on_delete=models.CASCADE, related_name="+")
    is_completed = models.BooleanField(default=False)
    completed_at = models.DateTimeField(null=True, blank=True)
    watch_time_seconds = models.PositiveIntegerField(default=0)
    position_seconds = models.PositiveIntegerField(default=0)
    # What this lesson adds to the person's hours; only rises.
    credited_seconds = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name_plural = "lesson progress"
        constraints = [
            models.UniqueConstraint(fields=["enrollment", "lesson"], name="lesson_progress_once"),
            models.CheckConstraint(
                condition=Q(is_completed=False) | Q(completed_at__isnull=False),
                name="lesson_progress_completed_has_date",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.lesson_id} in {self.enrollment_id}"


class Certificate(BaseModel):
    """Proof of a completed course. Names are frozen at issue; the file comes from a worker."""

    enrollment = models.OneToOneField(
        Enrollment, on_delete=models.SET_NULL, null=True, related_name="certificate"
    )
    user = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, related_name="certificates"
    )
    course = models.ForeignKey(Course, on_delete=models.PROTECT, related_name="certificates")
    serial = models.CharField(max_length=32, unique=True)
    student_name = models.CharField(max_length=301)
    course_title = models.CharField(max_length=255)
    instructor_name = models.CharField(max_length=301)
    hours = models.DecimalField(max_digits=8, decimal_places=2)
    issued_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)
    file = models.FileField(
        storage=private_storage, upload_to="certificates/", blank=True, max_length=255
    )

    class Meta:
        ordering = ["-issued_at"]
        constraints = [
            models.UniqueConstraint(fields=["user", "course"], name="certificate_once"),
        ]
        indexes = [
            models.Index(fields=["issued_at"], name="certificate_without_file",
                         condition=Q(file="")),
        ]  # fmt: skip

    def __str__(self) -> str:
        return self.serial


class LearningDay(models.Model):
    """A day, in the person's own time zone, on which they learned. Streaks are counted from these."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="learning_days")
    day = models.DateField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "day"], name="learning_day_once"),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} on {self.day}"
