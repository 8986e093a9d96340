"""Writes of the catalogue."""

from courses.services.search_index import refresh_search
from courses.services.stats import RatingFact, change_rating, change_student_count

__all__ = ["RatingFact", "change_rating", "change_student_count", "refresh_search"]
