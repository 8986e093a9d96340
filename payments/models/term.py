"""What instructors' shares and the hold were, from when on."""

from django.db import models


class Term(models.Model):
    """A share of a course's own, written down by the database when it changes; or, without a
    course, the ordinary share and the hold as the settings said. Never changed, and dated by the
    database. Without `percent` a course has no share of its own any more."""

    id = models.BigAutoField(primary_key=True)
    # The course may be gone.
    course_id = models.UUIDField(null=True)
    percent = models.PositiveSmallIntegerField(null=True)
    hold = models.DurationField(null=True)
    changed_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["course_id", "changed_at"], name="term_of_course")]

    def __str__(self) -> str:
        return f"{self.percent} % from {self.changed_at:%Y-%m-%d}"
