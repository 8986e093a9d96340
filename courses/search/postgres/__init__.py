"""Search in PostgreSQL: full text in several languages, with a dictionary of the catalogue's own
words against typing errors."""

from courses.search.postgres.engine import PostgresEngine

__all__ = ["PostgresEngine"]
