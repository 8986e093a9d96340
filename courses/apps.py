from django.apps import AppConfig

from core.starting import stop_start


class CoursesConfig(AppConfig):
    name = "courses"

    def ready(self) -> None:
        from courses import handlers  # noqa: F401
        from courses.search.engine import get_engine

        # What is set wrongly stops the start, not the first search.
        try:
            get_engine()
        except (ImportError, TypeError) as exc:
            stop_start([f"SEARCH_ENGINE: {exc}"])
