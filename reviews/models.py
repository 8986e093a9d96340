"""What learners think of a course, and which of it helped others."""

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q

from core.models import BaseModel
from courses.models import Course
from users.models import User


class Review(BaseModel):
    """One person's rating of one course, with or without a text."""

    course = models.ForeignKey(Course, on_delete=models.CASCADE, related_name="reviews")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="reviews")
    rating = models.PositiveSmallIntegerField(
        validators=[MinValueValidator(1), MaxValueValidator(5)]
    )
    title = models.CharField(max_length=255, blank=True)
    comment = models.TextField(blank=True)
    helpful_count = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(fields=["course", "user"], name="review_once"),
            models.CheckConstraint(condition=Q(rating__range=(1, 5)), name="review_rating_bounded"),
        ]
        indexes = [
            models.Index(fields=["-created_at"], name="review_newest"),
            models.Index(fields=["rating", "-created_at"], name="review_of_rating"),
            models.Index(fields=["course", "-created_at", "-id"], name="review_recent"),
            models.Index(fields=["course", "-helpful_count", "-id"], name="review_helpful"),
            models.Index(fields=["course", "rating", "-created_at"], name="review_by_rating"),
        ]

    def __str__(self) -> str:
        return f"{self.rating} for {self.course_id} by {self.user_id}"


class HelpfulVote(BaseModel):
    """One person found one review helpful."""

    review = models.ForeignKey(Review, on_delete=models.CASCADE, related_name="votes")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["review", "user"], name="helpful_vote_once"),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} for {self.review_id}"
