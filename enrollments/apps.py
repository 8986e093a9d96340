from django.apps import AppConfig


class EnrollmentsConfig(AppConfig):
    name = "enrollments"

    def ready(self) -> None:
        from courses.services import register_counter
        from enrollments import selectors

        register_counter(name="students", fields=["student_count"], count=selectors.count_students)
