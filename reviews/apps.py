from django.apps import AppConfig


class ReviewsConfig(AppConfig):
    name = "reviews"

    def ready(self) -> None:
        from courses.models import CourseStats
        from courses.services import register_counter
        from reviews import selectors

        stars = [f"rating_{number}" for number in CourseStats.STARS]
        register_counter(
            name="ratings",
            fields=["rating_count", "rating_sum", "review_count", *stars],
            count=selectors.count_ratings,
        )
