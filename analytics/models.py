"""Figures by day, rolled up from what happened."""

from django.db import models

from core.models import BaseModel
from courses.models import Course


class CourseDay(BaseModel):
    """What one course did on one day (UTC)."""

    course = models.ForeignKey(Course, on_delete=models.CASCADE, related_name="+")
    day = models.DateField()
    views = models.PositiveIntegerField(default=0)
    cart_adds = models.PositiveIntegerField(default=0)
    sales = models.PositiveIntegerField(default=0)
    refunds = models.PositiveIntegerField(default=0)
    revenue = models.DecimalField(max_digits=12, decimal_places=2, default=0)
    enrollments = models.PositiveIntegerField(default=0)
    completions = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["course", "day"], name="course_day_once"),
        ]
        indexes = [models.Index(fields=["day"], name="course_day_by_day")]

    def __str__(self) -> str:
        return f"{self.course_id} on {self.day}"
