"""Access to courses, progress in them, certificates, and the days on which somebody learned."""

from typing import Any

from django.core.files.storage import Storage, storages
from django.db import models
from django.db.models import OuterRef, Q, Subquery
from django.utils import timezone

from core.models import BaseModel
from courses.models import Course, Lesson
from users.models import User


def private_storage() -> Storage:
    """Return the storage for files that only an access check may hand out."""
    return storages["private"]


class RowCount(Subquery):
    """How many rows a correlated query has, without GROUP BY (an empty one counts 0)."""

    template = "(SELECT count(*) FROM (%(subquery)s) AS counted)"
    output_field = models.IntegerField()


class EnrollmentQuerySet(models.QuerySet["Enrollment"]):
    """Enrolments, and how far they are by the course as it is now."""

    def owned(self) -> "EnrollmentQuerySet":
        """Those that still belong to their person: active or suspended."""
        return self.exclude(status=Enrollment.Status.REVOKED)

    def with_live_progress(self) -> Any:
        """Annotate `live_lessons` and `live_completed`: distinct lessons of the course that haven't
        been removed, and how many of those are completed (contract "Learning"). The type is
        open, as the plugin can't follow annotations out of a method."""
        return self.annotate(
            live_lessons=RowCount(_live_lessons()), live_completed=RowCount(_live_completed())
        )


def _live_lessons() -> models.QuerySet[Any]:
    return Lesson.objects.filter(
        curriculum__course=OuterRef("course_id"), removed_at=None
    ).order_by().values("pk")  # fmt: skip


def _live_completed() -> models.QuerySet[Any]:
    return LessonProgress.objects.filter(
        enrollment=OuterRef("pk"), is_completed=True, lesson__removed_at=None
    ).values("pk")


class Enrollment(BaseModel):
    """One person in one course. Only an active enrolment opens lessons.

    `lessons_completed`, `total_lessons` and `progress_percent` are as of the learner's last step;
    what readers see is counted from the course as it is now. Completion is sticky: lessons added
    later lower the progress, and never take `is_completed` away (contract "Learning").
    """

    class Status(models.TextChoices):
        ACTIVE = "active"
        SUSPENDED = "suspended"
        REVOKED = "revoked"

    class Source(models.TextChoices):
        PURCHASE = "purchase"
        FREE = "free"
        STAFF = "staff"

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="enrollments")
    # `enrollment_of_course` begins with it: beside an index of its own PostgreSQL took that one,
    # and sorted all learners of a bestseller to find its latest.
    course = models.ForeignKey(
        Course, on_delete=models.PROTECT, related_name="enrollments", db_index=False
    )
    status = models.CharField(max_length=10, choices=Status, default=Status.ACTIVE)
    source = models.CharField(max_length=10, choices=Source)
    enrolled_at = models.DateTimeField()
    lessons_completed = models.PositiveIntegerField(default=0)
    total_lessons = models.PositiveIntegerField(default=0)
    progress_percent = models.PositiveSmallIntegerField(default=0)
    # The most that `progress_percent` ever was: taking a completion back doesn't lower it.
    highest_progress_percent = models.SmallIntegerField(default=0, db_default=0)
    is_completed = models.BooleanField(default=False)
    completed_at = models.DateTimeField(null=True, blank=True)
    last_activity_at = models.DateTimeField(null=True, blank=True)

    objects = EnrollmentQuerySet.as_manager()

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
            models.Index(fields=["-enrolled_at"], name="enrollment_newest"),
            models.Index(fields=["status", "-enrolled_at"], name="enrollment_unusual",
                         condition=~Q(status="active")),
            models.Index(fields=["source", "-enrolled_at"], name="enrollment_not_bought",
                         condition=~Q(source="purchase")),
            models.Index(fields=["-enrolled_at"], name="enrollment_completed",
                         condition=Q(is_completed=True)),
            models.Index(fields=["id"], name="enrollment_not_active",
                         condition=~Q(status="active")),
            models.Index(fields=["id"], name="enrollment_given_not_active",
                         condition=~Q(status="active") & ~Q(source="purchase")),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.user_id} in {self.course_id}"


class AccessHold(BaseModel):
    """One reason for which an enrolment rests or is revoked, from `created_at` to `ended_at`.

    The enrolment's status follows from its open holds, in the transaction that opens or ends one:
    revoked if one of them revokes, else suspended, and active without any. Whoever ends a reason
    ends that one alone. `object_id` is the dispute or the refund. What changes from resting to
    revoking ends as one row and goes on as another: the rows tell how it was at any time.
    """

    class Cause(models.TextChoices):
        DISPUTE = "dispute"
        REFUND = "refund"
        STAFF = "staff", "staff decided so"

    class Effect(models.TextChoices):
        SUSPENDED = "suspended"
        REVOKED = "revoked"

    # The database's own constraint deletes them with the enrolment, whoever deletes that.
    enrollment = models.ForeignKey(
        Enrollment,
        on_delete=models.CASCADE,
        related_name="holds",
        db_index=False,
        db_constraint=False,
    )
    cause = models.CharField(max_length=10, choices=Cause)
    object_id = models.UUIDField(null=True)
    effect = models.CharField(max_length=10, choices=Effect)
    note = models.CharField(max_length=500, blank=True)
    # Who decided so and who ended it; nobody when a dispute or a refund did. No foreign key, as in
    # the audit trail: what was decided outlives the account.
    actor_id = models.UUIDField(null=True)
    ended_at = models.DateTimeField(null=True)
    ended_by = models.UUIDField(null=True)

    class Meta:
        ordering = ["created_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["enrollment", "cause", "object_id"],
                condition=Q(ended_at=None),
                name="access_hold_one_open",
            ),
            models.UniqueConstraint(
                fields=["enrollment"],
                condition=Q(ended_at=None, cause="staff"),
                name="access_hold_one_of_staff",
            ),
            models.CheckConstraint(
                condition=Q(cause__in=["dispute", "refund"], object_id__isnull=False)
                | Q(cause="staff", object_id=None),
                name="access_hold_has_its_object",
            ),
            models.CheckConstraint(
                condition=Q(effect__in=["suspended", "revoked"]), name="access_hold_effect_closed"
            ),
            models.CheckConstraint(
                condition=~Q(cause="staff", note=""), name="access_hold_of_staff_says_why"
            ),
        ]
        indexes = [models.Index(fields=["enrollment", "created_at"], name="access_hold_history")]

    def __str__(self) -> str:
        return f"{self.effect}: {self.get_cause_display()}"


class LessonProgress(BaseModel):
    """How far one learner is in one lesson. Made when they first open it: `created_at` starts the
    clock that bounds `watch_time_seconds`, `reported_at` is the last time it was read."""

    enrollment = models.ForeignKey(
        Enrollment, on_delete=models.CASCADE, related_name="lesson_progress"
    )
    lesson = models.ForeignKey(Lesson, on_delete=models.CASCADE, related_name="+")
    is_completed = models.BooleanField(default=False)
    completed_at = models.DateTimeField(null=True, blank=True)
    watch_time_seconds = models.PositiveIntegerField(default=0)
    position_seconds = models.PositiveIntegerField(default=0)
    reported_at = models.DateTimeField(null=True, blank=True)
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
    """Proof of a completed course. Names are frozen at issue; the file comes from a worker.

    Without a file it is due at `next_attempt_at`, which a worker that takes it moves ahead: one
    that dies half-way leaves it due. `rendered_at` is when the file was first there.
    """

    class RevokedBecause(models.TextChoices):
        ACCESS = "access", "the enrolment was revoked"
        STAFF = "staff", "staff decided so"

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
    revoked_because = models.CharField(max_length=10, choices=RevokedBecause, blank=True)
    file = models.FileField(
        storage=private_storage, upload_to="certificates/", blank=True, max_length=255
    )
    rendered_at = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveIntegerField(default=0)
    next_attempt_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-issued_at"]
        constraints = [
            models.UniqueConstraint(fields=["user", "course"], name="certificate_once"),
        ]
        indexes = [
            models.Index(fields=["-issued_at"], name="certificate_newest"),
            models.Index(fields=["-issued_at"], name="certificate_revoked",
                         condition=~Q(revoked_because="")),
            models.Index(fields=["next_attempt_at"], name="certificate_due",
                         condition=Q(file="", revoked_at=None)),
        ]  # fmt: skip

    def __str__(self) -> str:
        return self.serial


class LearningDay(models.Model):
    """A day, in the person's own time zone, on which they learned; streaks are counted in these."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="learning_days")
    day = models.DateField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "day"], name="learning_day_once"),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} on {self.day}"
