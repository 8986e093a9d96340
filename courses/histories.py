"""What courses were before: tables that the database alone writes."""

from django.db import models


class PriceChange(models.Model):
    """What a course cost from some moment on: written by the database whenever a price is set
    (migration `0009_price_changes`), never changed, so that it can be seen later whether a course
    was free when somebody got it for nothing."""

    id = models.BigAutoField(primary_key=True)
    course = models.ForeignKey(
        "courses.Course", on_delete=models.CASCADE, related_name="price_changes", db_index=False
    )
    price = models.DecimalField(max_digits=10, decimal_places=2)
    changed_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["course", "changed_at"], name="price_change_of_course")]

    def __str__(self) -> str:
        return f"{self.price} from {self.changed_at:%Y-%m-%d}"


class InstructorChange(models.Model):
    """Who taught a course from some moment on: written by the database whenever a course is given
    to somebody (migration `0011_instructor_changes`), never changed. The person may be gone."""

    id = models.BigAutoField(primary_key=True)
    # The database takes these rows away with their course.
    course = models.ForeignKey(
        "courses.Course",
        on_delete=models.DO_NOTHING,
        related_name="+",
        db_index=False,
        db_constraint=False,
    )
    instructor_id = models.UUIDField()
    changed_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["course", "changed_at"], name="teacher_change_of_course")]

    def __str__(self) -> str:
        return f"{self.instructor_id} from {self.changed_at:%Y-%m-%d}"
